# a QoS 1 message passes those that wait in the queue
# src/session/session_publish.cpp
s/^    if (!may_send_directly(message.qos)) return enqueue(message, operation);$/    const bool overtakes = pumpable() \&\& message.qos == QoS::at_least_once \&\& quota_ > 0;\n    if (!overtakes \&\& !may_send_directly(message.qos)) return enqueue(message, operation);/

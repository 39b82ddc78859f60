# a QoS 1 message passes those that wait in the queue
# src/session/session.hpp
s/queue_.empty() ? !must_wait(qos) : may_pass_queue(qos)/queue_.empty() || qos == QoS::at_least_once ? !must_wait(qos) : may_pass_queue(qos)/

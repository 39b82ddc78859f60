# a QoS 0 message passes others while resends wait for room in the output (this one was there)
# src/session/session.hpp
s/queue_.depth_of_qos0().messages == 0 && quota_ == 0;/queue_.depth_of_qos0().messages == 0 \&\& must_wait(QoS::at_least_once);/

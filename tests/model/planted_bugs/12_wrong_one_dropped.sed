# to drop QoS 0 first takes what is oldest of all
# src/session/session_bounds.cpp
s/qos0_first && queue_.oldest_qos0() ? queue_.oldest_qos0() : queue_.oldest()/false \&\& qos0_first ? queue_.oldest_qos0() : queue_.oldest()/

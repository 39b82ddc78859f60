# twice as many messages as the hard limit allows wait before QoS 0 is dropped
# src/client/router.hpp
s/waiting_ > hard_messages_;/waiting_ > 2 * hard_messages_;/

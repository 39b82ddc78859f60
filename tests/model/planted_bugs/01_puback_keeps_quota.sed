# PUBACK does not give back what the message took of the receive maximum
# src/session/session.hpp
s/if (exchange.holds_quota) ++quota_;/if (exchange.holds_quota \&\& exchange.qos != QoS::at_least_once) ++quota_;/

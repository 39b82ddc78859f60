# a packet identifier is given again while it is in flight
# src/session/session_direct.hpp
s/ || lent_.contains(last_id_) || ids_.find(last_id_));/ || lent_.contains(last_id_));/

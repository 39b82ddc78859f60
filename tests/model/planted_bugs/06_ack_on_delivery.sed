# a QoS 1 message is acknowledged when it is handed on, not when its consumer is done
# src/session/inbound.hpp
s/slots_.emplace_back(Answer{id, PacketType::puback, ReasonCode::success}, false);/slots_.emplace_back(Answer{id, PacketType::puback, ReasonCode::success}, true);/

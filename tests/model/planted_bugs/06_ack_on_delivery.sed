# a QoS 1 message is acknowledged when it is handed on, not when its consumer is done
# src/session/inbound.cpp
s/^    return {std::move(message), handle_at_least_once(id)};$/    const Delivery delivery = handle_at_least_once(id);\n    acknowledge(delivery, ReasonCode::success);\n    return {std::move(message), delivery};/

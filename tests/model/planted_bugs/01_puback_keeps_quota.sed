# PUBACK does not give back what the message took of the receive maximum
# src/session/session_input.cpp
s/^        finish(\*exchange, {});$/        if (Reply == PacketType::puback) exchange->holds_quota = false;\n&/

# PUBRELs are sent again in the order of their packet identifiers' last digits, not of the PUBRECs
# src/session/session_publish.cpp
s/^    releases_.for_each(\[this\](Exchange& exchange) { answer({exchange.id, PacketType::pubrel}); });$/    for (unsigned odd = 0; odd < 2; ++odd) releases_.for_each([this, odd](Exchange\& exchange) { if ((exchange.id \& 1u) == odd) answer({exchange.id, PacketType::pubrel}); });/

# one message more is sent than the receive maximum allows
# src/session/session_publish.cpp
s/^    quota_ = limits_.receive_maximum;$/    quota_ = static_cast<std::uint16_t>(std::min(limits_.receive_maximum + 1, 65'535));/

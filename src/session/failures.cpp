#include "session/failures.hpp"

#include <fmt/format.h>

namespace culex::session {

Failure unasked(PacketType answer, PacketId id) {
    return violation(
        fmt::format("{} for packet identifier {} answers nothing that we have sent", to_string(answer), id));
}

} // namespace culex::session

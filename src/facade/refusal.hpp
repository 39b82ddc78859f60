#pragma once
/// \file refusal.hpp
/// What a callback says of a message that it does not take.

#include <culex/reason_code.hpp>

#include "client/arguments.hpp"

namespace culex::facade {

struct Refusal {
    ReasonCode reason_code = ReasonCode::success; ///< 0x80 and above once it was said
    session::Explanation words{};
};

} // namespace culex::facade

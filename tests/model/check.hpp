#pragma once
/// \file check.hpp
/// Runs a program in the world that it is made for.

#include <string>

#include "model/program.hpp"

namespace culex::model {

/// What the program breaks; empty for nothing.
[[nodiscard]] std::string check(const Program& program);

} // namespace culex::model

#pragma once
/// \file shrink.hpp
/// A program that fails becomes a short one: what it does not take to fail goes.

#include "model/program.hpp"

namespace culex::model {

/// Whether a program still fails.
using Fails = bool (*)(const Program&);

/// Drops chunks of steps, then single ones, then makes numbers smaller and limits what they usually are; until none of it
/// leaves a program that fails. At most so many programs are tried.
[[nodiscard]] Program shrink(Program program, Fails fails, std::size_t tries = 20'000);

} // namespace culex::model

#pragma once
/// \file pool_trim.hpp
/// For who looks at a process's memory.

namespace culex {

/// Gives the heap what the pool (<culex/pool.hpp>) keeps for this thread, and what waits there for others.
void pool_trim() noexcept;

} // namespace culex

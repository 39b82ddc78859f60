#pragma once
// How often the program has asked the heap for memory: for tests of what the steady state allocates. A suite that uses it
// links support/allocations.cpp, which replaces the global operators.

#include <cstddef>

namespace culex::testing {

/// False under sanitizers, which bring an allocator of their own, and with which the pool hands everything to the heap.
[[nodiscard]] bool counts_allocations() noexcept;
/// Calls of `operator new` so far, on any thread.
[[nodiscard]] std::size_t allocations() noexcept;
/// Bytes that the program has from the heap now, with what the heap has rounded them up to.
[[nodiscard]] std::size_t live_bytes() noexcept;

} // namespace culex::testing

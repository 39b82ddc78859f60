#pragma once
/// \file pool.hpp
/// Memory for what comes and goes in great numbers at a few sizes: coroutine frames, message blocks.
///
/// Each thread keeps freed blocks of up to `pool_largest` bytes in lists by size (steps of 64 bytes) and hands them out
/// again: 1 MiB at most, so that what one read of a socket brings or settles comes from here and returns here. What is
/// beyond waits in batches of 8 KiB for a thread that has none, as those do that allocate what others free: 4 MiB at most in a
/// process. What is beyond that goes back to the heap, and so does what has waited in vain while some 8 MiB came, and
/// what a thread has when it ends.
/// Built with AddressSanitizer or ThreadSanitizer the pool is the plain heap, so that they see every block's life.

#include <cstddef>

namespace culex {

/// The greatest block that is kept; greater ones come from the heap and return to it.
inline constexpr std::size_t pool_largest = 4096;

/// Memory aligned as `operator new` aligns it. Throws `std::bad_alloc`.
[[nodiscard]] void* pool_allocate(std::size_t size);
/// Takes back what `pool_allocate(size)` gave, on whichever thread; null is ignored.
void pool_free(void* memory, std::size_t size) noexcept;

} // namespace culex

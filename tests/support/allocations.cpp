#include "support/allocations.hpp"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CULEX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define CULEX_SANITIZED 1
#endif
#endif

namespace culex::testing {
namespace {
std::atomic<std::size_t> count = 0;
std::atomic<std::size_t> live = 0;
} // namespace

std::size_t allocations() noexcept { return count.load(std::memory_order_relaxed); }
std::size_t live_bytes() noexcept { return live.load(std::memory_order_relaxed); }

#ifdef CULEX_SANITIZED
bool counts_allocations() noexcept { return false; }
#else
bool counts_allocations() noexcept { return true; }

namespace {
void* counted(std::size_t size) {
    count.fetch_add(1, std::memory_order_relaxed);
    void* const memory = std::malloc(size);
    if (!memory) throw std::bad_alloc();
    live.fetch_add(malloc_usable_size(memory), std::memory_order_relaxed);
    return memory;
}
void give_back(void* memory) noexcept {
    live.fetch_sub(malloc_usable_size(memory), std::memory_order_relaxed); // of null, 0
    std::free(memory);
}
} // namespace
#endif

} // namespace culex::testing

#ifndef CULEX_SANITIZED
// Not inlined: g++ would see a `free` of what came from `new`, and warn.
[[gnu::noinline]] void* operator new(std::size_t size) { return culex::testing::counted(size); }
[[gnu::noinline]] void operator delete(void* memory) noexcept { culex::testing::give_back(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { culex::testing::give_back(memory); }
#endif

#pragma once
/// \file pool_cache.hpp
/// The pool's short ways (see <culex/pool.hpp>), inline for what comes and goes with each message.

#include <new>

#include <culex/pool.hpp>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CULEX_POOL_IS_HEAP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define CULEX_POOL_IS_HEAP 1
#endif
#endif

namespace culex::pool {

#ifdef CULEX_POOL_IS_HEAP

inline void* allocate(std::size_t size) { return pool_allocate(size); }
inline void* try_allocate(std::size_t size) { return pool_allocate(size); }
inline void free(void* memory, std::size_t size) noexcept { pool_free(memory, size); }

#else

inline constexpr std::size_t step = 64;
inline constexpr std::size_t classes = pool_largest / step;

struct FreeBlock {
    FreeBlock* next;
};

/// Plain data without constructor or destructor: every access is a load, with no check whether it was initialised, and it can
/// still be used by destructors that run when the thread ends.
struct Cache {
    FreeBlock* first[classes];
    std::ptrdiff_t room; // steps that may still be kept; 0 until the thread has kept its first block, and when it ends
};
[[gnu::tls_model("initial-exec")]] extern constinit thread_local Cache cache; // small enough for that

/// Size 0 wraps, and has no class, as what is too great.
[[nodiscard]] constexpr std::size_t class_of(std::size_t size) noexcept { return (size - 1) / step; }
[[nodiscard]] constexpr std::ptrdiff_t steps_of(std::size_t index) noexcept {
    return static_cast<std::ptrdiff_t>(index) + 1;
}

/// What the pool has at hand; null where it would have to ask the heap.
[[nodiscard, gnu::always_inline]] inline void* try_allocate(std::size_t size) noexcept {
    const std::size_t index = class_of(size);
    if (index >= classes) return nullptr;
    FreeBlock* const block = cache.first[index];
    if (!block) return nullptr;
    cache.first[index] = block->next;
    cache.room += steps_of(index);
    return block;
}

[[nodiscard, gnu::always_inline]] inline void* allocate(std::size_t size) {
    void* const block = try_allocate(size);
    return block ? block : pool_allocate(size);
}

/// Of a block that has a class.
[[nodiscard, gnu::always_inline]] inline bool keep(void* memory, std::size_t index) noexcept {
    cache.room -= steps_of(index);
    if (cache.room < 0) {
        cache.room += steps_of(index);
        return false;
    }
    cache.first[index] = new (memory) FreeBlock{cache.first[index]};
    return true;
}

/// Not of null.
[[gnu::always_inline]] inline void free(void* memory, std::size_t size) noexcept {
    const std::size_t index = class_of(size);
    if (index < classes && keep(memory, index)) [[likely]]
        return;
    pool_free(memory, size);
}

#endif

} // namespace culex::pool

#include <culex/pool.hpp>

#include <cstdint>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CULEX_POOL_IS_HEAP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define CULEX_POOL_IS_HEAP 1
#endif
#endif

namespace culex {

namespace {

#ifndef CULEX_POOL_IS_HEAP

constexpr std::size_t step = 64;
constexpr std::size_t kept_per_class = 32 * 1024;

struct FreeBlock {
    FreeBlock* next;
};

struct SizeClass {
    FreeBlock* first;
    std::size_t bytes; // in the list
};

enum class CacheState : std::uint8_t { unused, in_use, thread_ends };

// Plain data without constructor or destructor: every access is a load, with no check whether it was initialised, and it
// can still be used by destructors that run later than `Drain` when the thread ends.
struct Cache {
    SizeClass classes[pool_largest / step];
    CacheState state;
};
constinit thread_local Cache cache{};

// Gives the cache back when the thread ends.
struct Drain {
    ~Drain() {
        cache.state = CacheState::thread_ends;
        for (SizeClass& size_class : cache.classes) {
            while (FreeBlock* block = size_class.first) {
                size_class.first = block->next;
                ::operator delete(block);
            }
        }
    }
};

// Out of the way of the hot path: the first block that a thread keeps, and whatever comes after its end.
[[gnu::noinline]] bool may_keep() noexcept {
    if (cache.state == CacheState::thread_ends) return false;
    [[maybe_unused]] static thread_local const Drain drain;
    cache.state = CacheState::in_use;
    return true;
}

#endif

} // namespace

void* pool_allocate(std::size_t size) {
#ifndef CULEX_POOL_IS_HEAP
    const std::size_t index = (size - 1) / step; // size 0 wraps, and is "too great"
    if (index < pool_largest / step) [[likely]] {
        SizeClass& size_class = cache.classes[index];
        if (FreeBlock* block = size_class.first) [[likely]] {
            size_class.first = block->next;
            size_class.bytes -= (index + 1) * step;
            return block;
        }
        return ::operator new((index + 1) * step);
    }
#endif
    return ::operator new(size);
}

void pool_free(void* memory, std::size_t size) noexcept {
#ifndef CULEX_POOL_IS_HEAP
    if (!memory) return;
    const std::size_t index = (size - 1) / step;
    if (index < pool_largest / step) [[likely]] {
        SizeClass& size_class = cache.classes[index];
        const std::size_t bytes = size_class.bytes + (index + 1) * step;
        if (bytes <= kept_per_class && (cache.state == CacheState::in_use || may_keep())) [[likely]] {
            size_class.first = new (memory) FreeBlock{size_class.first};
            size_class.bytes = bytes;
            return;
        }
    }
#endif
    static_cast<void>(size);
    ::operator delete(memory);
}

} // namespace culex

#include <culex/pool.hpp>

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
constexpr std::size_t kept_by_thread = std::size_t{4} << 20; // as pool.hpp says

struct FreeBlock {
    FreeBlock* next;
};

// Plain data without constructor or destructor: every access is a load, with no check whether it was initialised, and it
// can still be used by destructors that run later than `Drain` when the thread ends.
struct Cache {
    FreeBlock* first[pool_largest / step];
    std::size_t room; // bytes that may still be kept; 0 until the thread has kept its first block, and when it ends
};
constinit thread_local Cache cache{};
constinit thread_local bool thread_ends = false;

// Gives the cache back when the thread ends.
struct Drain {
    Drain() noexcept { cache.room = kept_by_thread; }
    Drain(const Drain&) = delete;
    Drain& operator=(const Drain&) = delete;
    ~Drain() {
        thread_ends = true;
        cache.room = 0;
        for (FreeBlock*& first : cache.first) {
            while (FreeBlock* block = first) {
                first = block->next;
                ::operator delete(block);
            }
        }
    }
};

bool keep(void* memory, std::size_t index) noexcept {
    const std::size_t bytes = (index + 1) * step;
    if (cache.room < bytes) return false;
    cache.room -= bytes;
    cache.first[index] = new (memory) FreeBlock{cache.first[index]};
    return true;
}

// Out of the way of the hot path: a pool that is full, the first block that a thread keeps, and whatever comes after its
// end.
[[gnu::noinline]] void free_slowly(void* memory, std::size_t index) noexcept {
    if (!thread_ends) {
        [[maybe_unused]] static thread_local const Drain drain;
        if (keep(memory, index)) return;
    }
    ::operator delete(memory);
}

#endif

} // namespace

void* pool_allocate(std::size_t size) {
#ifndef CULEX_POOL_IS_HEAP
    const std::size_t index = (size - 1) / step; // size 0 wraps, and is "too great"
    if (index < pool_largest / step) [[likely]] {
        if (FreeBlock* block = cache.first[index]) [[likely]] {
            cache.first[index] = block->next;
            cache.room += (index + 1) * step;
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
        if (keep(memory, index)) [[likely]]
            return;
        return free_slowly(memory, index);
    }
#endif
    static_cast<void>(size);
    ::operator delete(memory);
}

} // namespace culex

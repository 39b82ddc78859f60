#include "base/pool_cache.hpp"

namespace culex {

#ifdef CULEX_POOL_IS_HEAP

void* pool_allocate(std::size_t size) { return ::operator new(size); }
void pool_free(void* memory, std::size_t) noexcept { ::operator delete(memory); }

#else

namespace pool {

[[gnu::tls_model("initial-exec")]] constinit thread_local Cache cache{};

namespace {

constexpr std::size_t kept_by_thread = std::size_t{4} << 20; // as pool.hpp says
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

// Out of the way of the hot path: a pool that is full, the first block that a thread keeps, and whatever comes after its
// end.
[[gnu::noinline]] void free_slowly(void* memory, std::size_t index) noexcept {
    if (!thread_ends) {
        [[maybe_unused]] static thread_local const Drain drain;
        if (keep(memory, index)) return;
    }
    ::operator delete(memory);
}

} // namespace
} // namespace pool

void* pool_allocate(std::size_t size) {
    const std::size_t index = pool::class_of(size);
    if (index >= pool::classes) return ::operator new(size);
    if (pool::FreeBlock* const block = pool::cache.first[index]) {
        pool::cache.first[index] = block->next;
        pool::cache.room += (index + 1) * pool::step;
        return block;
    }
    return ::operator new((index + 1) * pool::step);
}

void pool_free(void* memory, std::size_t size) noexcept {
    if (!memory) return;
    const std::size_t index = pool::class_of(size);
    if (index >= pool::classes) return ::operator delete(memory);
    if (!pool::keep(memory, index)) pool::free_slowly(memory, index);
}

#endif

} // namespace culex

#include "base/pool_cache.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

#include "base/pool_trim.hpp"

namespace culex {

#ifdef CULEX_POOL_IS_HEAP

void* pool_allocate(std::size_t size) { return ::operator new(size); }
void pool_free(void* memory, std::size_t) noexcept { ::operator delete(memory); }
void pool_trim() noexcept {}

#else

namespace pool {

[[gnu::tls_model("initial-exec")]] constinit thread_local Cache cache{};

namespace {

// As pool.hpp says.
constexpr std::size_t kept_by_thread = std::size_t{1} << 20;
constexpr std::size_t kept_in_depot = std::size_t{4} << 20;
constexpr std::size_t batch_bytes = 8192;

constexpr std::size_t bytes_of(std::size_t index) noexcept { return (index + 1) * step; }
constexpr std::size_t batch_of(std::size_t index) noexcept { return batch_bytes / bytes_of(index); }
constexpr std::ptrdiff_t steps_of_batch(std::size_t index) noexcept {
    return static_cast<std::ptrdiff_t>(batch_of(index)) * steps_of(index);
}

void to_heap(FreeBlock* first) noexcept {
    while (FreeBlock* const block = first) {
        first = block->next;
        ::operator delete(block);
    }
}

// Where blocks that one thread frees wait for those who allocate on another. They travel in batches, so that its lock is taken
// for many blocks and not for each.
//
// Of a size that is freed in great numbers once and never again, or in numbers that only change slowly, batches would lie here
// for ever, until there is no room for others. So it is counted how many of each size were there at least while the last
// `review_after` came: nobody has needed those, and the heap gets them, one with each that comes.
class Depot {
public:
    constexpr Depot() noexcept = default;
    Depot(const Depot&) = delete;
    Depot& operator=(const Depot&) = delete;
    ~Depot() {
        const std::scoped_lock lock(mutex_);
        empty();
        room_ = 0; // what comes later is not kept
    }

    void trim() noexcept {
        const std::scoped_lock lock(mutex_);
        empty();
        room_ = kept_in_depot;
    }

    /// False where it has no room.
    bool put(FreeBlock* first, std::size_t index) noexcept {
        std::unique_lock lock(mutex_);
        if (++came_ == review_after) review();
        Batch* const idle = pop_idle();
        const bool taken = room_ >= batch_bytes;
        if (taken) push(first, index);
        lock.unlock();
        to_heap(idle);
        return taken;
    }
    /// Null where there is none.
    FreeBlock* take(std::size_t index) noexcept {
        if (!first_[index].load(std::memory_order_relaxed)) return nullptr;
        const std::scoped_lock lock(mutex_);
        return pop(index);
    }

private:
    struct Batch : FreeBlock {
        Batch* next_batch;
    };
    /// Of the batches of a size. There is room for 512.
    struct Numbers {
        std::uint16_t now = 0;
        std::uint16_t least = 0; ///< since the last review
        std::uint16_t idle = 0;  ///< of those that nobody had needed by then
    };
    static constexpr unsigned review_after = 512; // batches, 4 MiB

    void push(FreeBlock* first, std::size_t index) noexcept {
        room_ -= batch_bytes;
        FreeBlock* const second = first->next;
        Batch* const below = first_[index].load(std::memory_order_relaxed);
        first_[index].store(new (first) Batch{{second}, below}, std::memory_order_relaxed);
        ++numbers_[index].now;
    }
    Batch* pop(std::size_t index) noexcept {
        Batch* const batch = first_[index].load(std::memory_order_relaxed);
        if (!batch) return nullptr;
        room_ += batch_bytes;
        first_[index].store(batch->next_batch, std::memory_order_relaxed);
        Numbers& numbers = numbers_[index];
        --numbers.now;
        numbers.least = std::min(numbers.least, numbers.now);
        numbers.idle = std::min(numbers.idle, numbers.now);
        return batch;
    }
    void review() noexcept {
        came_ = 0;
        for (Numbers& numbers : numbers_) {
            numbers.idle = numbers.least;
            numbers.least = numbers.now;
        }
    }
    /// Looks at one size a call.
    Batch* pop_idle() noexcept {
        Numbers& numbers = numbers_[looked_at_];
        if (numbers.idle > 0) {
            --numbers.idle;
            return pop(looked_at_);
        }
        looked_at_ = (looked_at_ + 1) % classes;
        return nullptr;
    }
    void empty() noexcept {
        for (std::size_t index = 0; index < classes; ++index) {
            while (Batch* const batch = pop(index)) to_heap(batch);
        }
    }

    std::mutex mutex_;
    std::size_t room_ = kept_in_depot;
    std::atomic<Batch*> first_[classes]{}; // written under the mutex
    Numbers numbers_[classes]{};
    unsigned came_ = 0; // batches, since the last review; also those for which there was no room
    std::size_t looked_at_ = 0;
};
constinit Depot depot;

constinit thread_local bool thread_ends = false;

void empty_cache() noexcept {
    for (FreeBlock*& first : cache.first) to_heap(std::exchange(first, nullptr));
}

// Gives the cache back when the thread ends.
struct Drain {
    Drain() noexcept { cache.room = kept_by_thread / step; }
    Drain(const Drain&) = delete;
    Drain& operator=(const Drain&) = delete;
    ~Drain() {
        thread_ends = true;
        cache.room = 0;
        empty_cache();
    }
};

/// False for a thread that ends.
bool begin_cache() noexcept {
    if (thread_ends) return false;
    [[maybe_unused]] static thread_local const Drain drain;
    return true;
}

/// Makes room in the cache; false where it does not have a whole batch of these.
bool hand_over_batch(std::size_t index) noexcept {
    FreeBlock** end = &cache.first[index];
    for (std::size_t left = batch_of(index); left > 0; --left) {
        if (!*end) return false;
        end = &(*end)->next;
    }
    FreeBlock* const batch = std::exchange(cache.first[index], std::exchange(*end, nullptr));
    cache.room += steps_of_batch(index);
    if (!depot.put(batch, index)) to_heap(batch);
    return true;
}

bool hand_over_some(std::size_t preferred) noexcept {
    if (hand_over_batch(preferred)) return true;
    for (std::size_t index = 0; index < classes; ++index) {
        if (hand_over_batch(index)) return true;
    }
    return false;
}

// Out of the way of the hot path: the first block that a thread keeps, a cache that is full, and whatever comes after the
// thread's end.
[[gnu::noinline]] void free_slowly(void* memory, std::size_t index) noexcept {
    if (begin_cache()) {
        if (keep(memory, index)) return;
        if (hand_over_some(index) && keep(memory, index)) return;
    }
    ::operator delete(memory);
}

[[gnu::noinline]] void* allocate_slowly(std::size_t index) {
    if (begin_cache() && cache.room >= steps_of_batch(index)) {
        if (FreeBlock* const batch = depot.take(index)) {
            cache.room -= steps_of_batch(index) - steps_of(index);
            cache.first[index] = batch->next;
            return batch;
        }
    }
    return ::operator new(bytes_of(index));
}

} // namespace
} // namespace pool

void pool_trim() noexcept {
    if (pool::begin_cache()) {
        pool::empty_cache();
        pool::cache.room = pool::kept_by_thread / pool::step;
    }
    pool::depot.trim();
}

void* pool_allocate(std::size_t size) {
    const std::size_t index = pool::class_of(size);
    if (index >= pool::classes) return ::operator new(size);
    if (pool::FreeBlock* const block = pool::cache.first[index]) {
        pool::cache.first[index] = block->next;
        pool::cache.room += pool::steps_of(index);
        return block;
    }
    return pool::allocate_slowly(index);
}

void pool_free(void* memory, std::size_t size) noexcept {
    if (!memory) return;
    const std::size_t index = pool::class_of(size);
    if (index >= pool::classes) return ::operator delete(memory);
    if (!pool::keep(memory, index)) pool::free_slowly(memory, index);
}

#endif

} // namespace culex

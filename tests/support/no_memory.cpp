#include "support/no_memory.hpp"

#include <cstdint>
#include <cstdlib>
#include <new>

#include <culex/pool.hpp>

namespace culex::testing {
namespace {

thread_local std::size_t left = SIZE_MAX;

void* allocate(std::size_t size) {
    if (left == 0) throw std::bad_alloc();
    if (left != SIZE_MAX) --left;
    void* const memory = std::malloc(size);
    if (!memory) throw std::bad_alloc();
    return memory;
}

/// Null where the pool has none.
void* take_from_pool(std::size_t size) {
    try {
        return pool_allocate(size);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

} // namespace

struct NoMemory::Block {
    Block* next;
    std::size_t size;
};

NoMemory::NoMemory(std::size_t after) {
    left = 0;
    for (std::size_t size = 64; size <= pool_largest; size += 64) {
        while (void* const memory = take_from_pool(size)) taken_ = new (memory) Block{taken_, size};
    }
    left = after;
}

NoMemory::~NoMemory() {
    left = SIZE_MAX;
    while (Block* const block = taken_) {
        taken_ = block->next;
        pool_free(block, block->size);
    }
}

} // namespace culex::testing

// Not inlined: g++ would see a `free` of what came from `new`, and warn. Those of arrays, too: a sanitizer has its own, which do
// not call these.
[[gnu::noinline]] void* operator new(std::size_t size) { return culex::testing::allocate(size); }
[[gnu::noinline]] void* operator new[](std::size_t size) { return culex::testing::allocate(size); }
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

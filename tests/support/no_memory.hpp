#pragma once
/// \file no_memory.hpp
/// Memory that runs out when a test says so. A program that links no_memory.cpp has its `operator new`, under sanitizers too.

#include <cstddef>

namespace culex::testing {

/// While it lives, this thread gets memory so many times more, and then `std::bad_alloc`. It takes all that the pool keeps for
/// this thread, so that who asks there needs memory.
class NoMemory {
public:
    explicit NoMemory(std::size_t after);
    NoMemory(const NoMemory&) = delete;
    NoMemory& operator=(const NoMemory&) = delete;
    ~NoMemory();

private:
    struct Block;
    Block* taken_ = nullptr; // from the pool
};

} // namespace culex::testing

#include "wire/arena.hpp"

#include <algorithm>
#include <cstdint>

namespace culex::wire {
namespace {

constexpr std::size_t first_block = 512;
constexpr std::size_t kept_block = 16 * 1024;

} // namespace

std::byte* Arena::allocate(std::size_t size, std::size_t alignment) {
    const auto padding = [&] { return (0 - reinterpret_cast<std::uintptr_t>(at_)) & (alignment - 1); };
    if (size + padding() > static_cast<std::size_t>(end_ - at_)) grow(size + alignment);
    std::byte* memory = at_ + padding();
    used_ += static_cast<std::size_t>(memory + size - at_);
    at_ = memory + size;
    return memory;
}

void Arena::grow(std::size_t size) {
    Block block;
    block.size = std::max({first_block, size, blocks_.empty() ? 0 : 2 * blocks_.back().size});
    block.memory.reset(new std::byte[block.size]); // make_unique would clear it
    blocks_.push_back(std::move(block));
    at_ = blocks_.back().memory.get();
    end_ = at_ + blocks_.back().size;
}

void Arena::reset() noexcept {
    used_ = 0;
    const bool keep = !blocks_.empty() && blocks_.back().size <= kept_block;
    if (keep) {
        std::swap(blocks_.front(), blocks_.back());
        blocks_.resize(1);
        at_ = blocks_.front().memory.get();
        end_ = at_ + blocks_.front().size;
    } else {
        blocks_.clear();
        at_ = first_.data();
        end_ = at_ + first_.size();
    }
}

} // namespace culex::wire

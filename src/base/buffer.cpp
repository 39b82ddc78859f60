#include <culex/buffer.hpp>

#include <algorithm>
#include <bit>
#include <limits>
#include <new>

namespace culex {
namespace {

constexpr std::size_t least_capacity = 64;

} // namespace

void Buffer::release() noexcept {
    delete[] data_;
    data_ = nullptr;
    capacity_ = begin_ = end_ = 0;
}

/// Moves the content to the front where that yields the room and the consumed part is at least as large as what must be
/// moved: each byte is then moved at most once for each byte consumed. Under any weaker rule a slow reader, who takes a
/// little from a full buffer again and again, would cost a move of the whole content each time. Otherwise it doubles; the
/// content is then more than half of what was there, so the capacity stays below four times what is needed.
void Buffer::make_room(std::size_t count) {
    const std::size_t content = size();
    if (content <= begin_ && count <= capacity_ - content) {
        if (content > 0) std::memmove(data_, data_ + begin_, content);
        begin_ = 0;
        end_ = content;
        return;
    }
    if (count > std::numeric_limits<std::size_t>::max() / 4 - capacity_) throw std::bad_alloc();
    const std::size_t grown = std::bit_ceil(std::max({least_capacity, content + count, capacity_ + 1}));
    std::byte* const fresh = new std::byte[grown];
    if (content > 0) std::memcpy(fresh, data_ + begin_, content);
    delete[] data_;
    data_ = fresh;
    capacity_ = grown;
    begin_ = 0;
    end_ = content;
}

} // namespace culex

#pragma once
/// \file arena.hpp
/// Memory for the arrays of decoded packets (user properties, reason codes, topic filters): everything else in a packet is
/// a view on the bytes that arrived.

#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <vector>

#include <culex/types.hpp>

namespace culex::wire {

/// Hands out memory from front to back and takes it back all at once. An array is asked for after its elements were
/// counted in the bytes of the packet, so that a packet costs at most about seven times its size (a user property of five
/// bytes becomes two string views).
class Arena {
public:
    Arena() = default;
    /// Begins in the caller's block, which must outlive the arena's arrays; memory of its own is taken only past its end.
    explicit Arena(std::span<std::byte> first) noexcept : first_(first), at_(first.data()), end_(at_ + first.size()) {}
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;
    ~Arena() = default;

    /// `count` value-initialised elements, valid until `reset` or the arena's end.
    template <class T> [[nodiscard]] std::span<T> array(std::size_t count) {
        static_assert(std::is_trivially_destructible_v<T>, "nobody destroys them");
        if (count == 0) return {};
        std::byte* memory = allocate(count * sizeof(T), alignof(T));
        T* elements = nullptr;
        for (std::size_t i = 0; i < count; ++i) {
            T* element = new (memory + i * sizeof(T)) T();
            if (i == 0) elements = element;
        }
        return {elements, count};
    }

    /// Ends all arrays. The greatest block is kept for the next packet unless it is large.
    void reset() noexcept;

    /// Bytes handed out since the last `reset`, padding included.
    [[nodiscard]] std::size_t used() const noexcept { return used_; }

private:
    struct Block {
        std::unique_ptr<std::byte[]> memory;
        std::size_t size = 0;
    };

    [[nodiscard]] std::byte* allocate(std::size_t size, std::size_t alignment);
    void grow(std::size_t size);

    std::span<std::byte> first_;
    std::byte* at_ = nullptr;
    std::byte* end_ = nullptr;
    std::size_t used_ = 0;
    std::vector<Block> blocks_; // each at least twice the size of the one before it
};

} // namespace culex::wire

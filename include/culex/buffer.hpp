#pragma once
/// \file buffer.hpp
/// A contiguous queue of bytes: written at the back, consumed at the front. Connections write through it, and packets are
/// encoded straight into it.

#include <cassert>
#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>

#include <culex/types.hpp>

namespace culex {

/// Move-only. Its memory grows as needed, and stays until `release`. Not thread-safe.
class Buffer {
public:
    Buffer() = default;
    Buffer(Buffer&& other) noexcept { swap(other); }
    Buffer& operator=(Buffer&& other) noexcept {
        Buffer taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~Buffer() { release(); }

    /// Bytes that were written and not consumed.
    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    /// Whether there are none.
    [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
    /// Bytes of memory that it has.
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    /// The content; valid until the next change.
    [[nodiscard]] Bytes bytes() const noexcept { return {data_ + begin_, size()}; }

    /// What can be written at `back` without asking `reserve`, in bytes.
    [[nodiscard]] std::size_t room() const noexcept { return capacity_ - end_; }
    /// Where the next byte goes.
    [[nodiscard]] std::byte* back() noexcept { return data_ + end_; }
    /// Room for `count` bytes at the back, which become part of the content with `commit`.
    [[nodiscard]] std::byte* reserve(std::size_t count) {
        if (room() < count) make_room(count);
        return data_ + end_;
    }
    /// At most as many bytes as `reserve` was asked for, or `room` has said.
    void commit(std::size_t count) noexcept {
        assert(count <= capacity_ - end_);
        end_ += count;
    }
    /// Copies them behind the content.
    void append(Bytes bytes) {
        if (bytes.empty()) return;
        std::memcpy(reserve(bytes.size()), bytes.data(), bytes.size());
        commit(bytes.size());
    }
    /// Takes bytes off the front, at most `size()`.
    void consume(std::size_t count) noexcept {
        assert(count <= size());
        begin_ += count;
        if (begin_ == end_) begin_ = end_ = 0;
    }
    /// Forgets the content and keeps the memory; `release` gives the memory back as well.
    void clear() noexcept { begin_ = end_ = 0; }
    /// Forgets the content, and gives the memory back.
    void release() noexcept;
    /// Exchanges content and memory.
    void swap(Buffer& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(capacity_, other.capacity_);
        std::swap(begin_, other.begin_);
        std::swap(end_, other.end_);
    }

private:
    void make_room(std::size_t count);

    std::byte* data_ = nullptr;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

} // namespace culex

#pragma once
/// \file scratch.hpp
/// Memory for what lives no longer than a call.

#include <culex/buffer.hpp>

namespace culex::io {

/// Memory that the streams of a thread take turns with. Whoever takes it while it is out gets a buffer of its own.
class Scratch {
public:
    explicit Scratch(Buffer& place) noexcept : place_(place) { buffer.swap(place_); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() {
        buffer.clear();
        if (buffer.capacity() <= most_kept) buffer.swap(place_);
    }
    Buffer buffer;

private:
    static constexpr std::size_t most_kept = std::size_t{256} << 10;
    Buffer& place_;
};

} // namespace culex::io

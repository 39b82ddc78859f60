#pragma once
/// \file fuzz.hpp
/// What the fuzz targets share: an input that is used up from front to back, and checks that end the program.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <culex/types.hpp>

/// What libFuzzer, or replay.cpp, calls for each input. 0: it was taken.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

/// AddressSanitizer's; null where the program is built without.
extern "C" [[gnu::weak]] std::size_t __sanitizer_get_current_allocated_bytes();

namespace culex::fuzz {

/// Says what did not hold, and ends the program: libFuzzer keeps the input, and a test that replays it fails.
[[noreturn]] inline void fail(const char* file, int line, const std::string& what) {
    fmt::print(stderr, "{}:{}: {}\n", file, line, what);
    std::abort();
}

/// Bytes that are taken from the front. Where they are used up there are only zeros, so that any input is a legal one.
class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) noexcept
        : left_{reinterpret_cast<const std::byte*>(data), size} {}
    explicit Input(Bytes bytes) noexcept : left_(bytes) {}

    [[nodiscard]] bool empty() const noexcept { return left_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return left_.size(); }
    [[nodiscard]] std::uint8_t byte() noexcept {
        if (left_.empty()) return 0;
        const auto value = std::to_integer<std::uint8_t>(left_.front());
        left_ = left_.subspan(1);
        return value;
    }
    [[nodiscard]] bool flag() noexcept { return (byte() & 1) != 0; }
    [[nodiscard]] std::uint16_t word() noexcept {
        const unsigned high = byte();
        return static_cast<std::uint16_t>(high << 8 | byte());
    }
    /// 0 to `bound` - 1.
    [[nodiscard]] std::size_t below(std::size_t bound) noexcept { return byte() % bound; }
    /// So many, or what there is.
    [[nodiscard]] Bytes bytes(std::size_t count) noexcept {
        const Bytes taken = left_.first(std::min(count, left_.size()));
        left_ = left_.subspan(taken.size());
        return taken;
    }
    [[nodiscard]] Bytes rest() noexcept { return bytes(left_.size()); }

private:
    Bytes left_;
};

/// Watches the memory of the heap, where AddressSanitizer counts it: what was taken since this was made.
class Memory {
public:
    [[nodiscard]] std::size_t taken() const noexcept {
        const std::size_t now = allocated();
        return now > before_ ? now - before_ : 0;
    }

private:
    static std::size_t allocated() noexcept {
        return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes() : 0;
    }
    std::size_t before_ = allocated();
};

} // namespace culex::fuzz

/// The words are those of fmt::format.
#define FUZZ_CHECK(condition, ...)                                                                                     \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            ::culex::fuzz::fail(__FILE__, __LINE__, std::string(#condition ": ") + fmt::format(__VA_ARGS__));          \
    } while (false)

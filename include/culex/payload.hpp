#pragma once
/// \file payload.hpp
/// A payload that is handed over instead of copied.

#include <cstddef>
#include <cstring>
#include <iterator>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include <culex/types.hpp>

namespace culex {

/// Bytes that do not change any more, and live as long as anybody needs them. A string or vector that is moved in is not copied,
/// nor is a `Payload` when it is copied: it refers to the same bytes, so that one may be published several times. Worth its
/// allocation from some kilobytes on; a smaller one is copied into its packet by `publish`. It may pass from thread to thread.
class Payload {
    template <class T>
    static constexpr bool is_owner = !std::is_reference_v<T> && !std::is_const_v<T> && !std::is_same_v<T, Payload> &&
                                     !std::is_trivially_copyable_v<T> && requires(const T& t) {
                                         std::data(t);
                                         std::size(t);
                                     };

public:
    /// Empty.
    Payload() = default;
    /// Takes over a `std::string`, a `std::vector<std::byte>` or another container whose elements are bytes. Not a view: that
    /// owns nothing.
    template <class T>
        requires is_owner<T>
    explicit Payload(T&& container) {
        static_assert(sizeof(*std::data(container)) == 1, "culex::Payload: a container of bytes");
        const auto owner = std::make_shared<const T>(std::forward<T>(container));
        bytes_ = std::as_bytes(std::span(std::data(*owner), std::size(*owner)));
        owner_ = owner;
    }
    /// A payload of its own, with a copy of `bytes`.
    [[nodiscard]] static Payload copy(Bytes bytes) {
        Payload copied;
        const std::shared_ptr<std::byte[]> owner = std::make_shared_for_overwrite<std::byte[]>(bytes.size());
        if (!bytes.empty()) std::memcpy(owner.get(), bytes.data(), bytes.size());
        copied.bytes_ = {owner.get(), bytes.size()};
        copied.owner_ = owner;
        return copied;
    }

    /// Valid as long as some copy of the payload lives.
    [[nodiscard]] Bytes bytes() const noexcept { return bytes_; }
    /// In bytes.
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
    /// Whether there are none.
    [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
    /// Without the first `count`, at most all.
    void remove_prefix(std::size_t count) noexcept { bytes_ = bytes_.subspan(count); }

private:
    std::shared_ptr<const void> owner_;
    Bytes bytes_;
};

} // namespace culex

#pragma once
/// \file measurer.hpp
/// Checks a packet that is to be written, and counts its bytes, by playing its layout (layout.hpp). What passes here, the
/// Writer writes without a question.

#include <array>
#include <concepts>

#include "base/text.hpp"
#include "wire/fault.hpp"
#include "wire/layout.hpp"
#include "wire/plain_topic.hpp"
#include "wire/property_rows.hpp"
#include "wire/return_code.hpp"
#include "wire/varint.hpp"

namespace culex::wire {

/// The lengths of the properties in the order in which a packet has them: CONNECT has two, its own and the will's.
using PropertySizes = std::array<std::size_t, 2>;

class BitChecker {
public:
    void flag(unsigned, bool) noexcept {}
    template <class E> void number(unsigned, unsigned, E value, E greatest) noexcept {
        if (static_cast<unsigned>(value) > static_cast<unsigned>(greatest)) wrong_ = static_cast<unsigned>(value);
    }
    template <class Optional> void presence(unsigned, const Optional&) noexcept {}
    /// A number that is too great.
    [[nodiscard]] const std::optional<std::uint32_t>& wrong() const noexcept { return wrong_; }

private:
    std::optional<std::uint32_t> wrong_;
};

class Measurer {
public:
    Measurer(PacketType packet, Version version) noexcept : packet_(packet), version_(version) {}

    [[nodiscard]] const Fault& fault() const noexcept { return fault_; }
    [[nodiscard]] bool v5() const noexcept { return version_ == Version::v5; }
    /// The bytes of the fields so far: the Remaining Length in the end.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] const PropertySizes& property_sizes() const noexcept { return property_sizes_; }

    void literal(const char*, std::string_view value) noexcept { size_ += 2 + value.size(); }
    void version() noexcept { size_ += 1; }
    template <class F> void bits(const char* field, F name_them) {
        check_bits(field, name_them);
        size_ += 1;
    }
    template <class F> void check_bits(const char* field, F name_them) {
        BitChecker checker;
        name_them(checker);
        if (checker.wrong())
            fail({ReasonCode::malformed_packet, field, "has a value out of its range", checker.wrong()});
    }
    template <std::unsigned_integral T> void number(const char*, T) noexcept { size_ += sizeof(T); }
    void packet_id(PacketId value) noexcept {
        require(value != 0, "packet id", "is 0", ReasonCode::protocol_error);
        size_ += sizeof value;
    }
    void text(const char* field, std::string_view value) noexcept {
        if (check_text(value) != TextFault::none) fail(text_fault(field, value));
        sized(field, value.size());
    }
    void topic(const char* field, std::string_view value) noexcept {
        if (!is_plain_topic(value)) fail(topic_fault(field, value));
        sized(field, value.size());
    }
    void binary(const char* field, Bytes value) noexcept { sized(field, value.size()); }
    void rest(Bytes value) noexcept { size_ += value.size(); }
    void reason(ReasonCode code) noexcept;

    template <class T, class F> void list(const char* field, std::span<const T> elements, F measure) {
        require(!elements.empty(), field, "are missing", ReasonCode::protocol_error);
        for (const T& element : elements) measure(element);
    }
    template <class P> void properties(const P& p) {
        if (!v5()) return;
        const std::size_t size = property_block(p);
        size_ += varint_size(size) + size;
    }
    template <class P> void tail(ReasonCode code, const P& p, Tail tail) {
        if (!v5()) return;
        const std::size_t size = property_block(p);
        if (size == 0 && code == ReasonCode::success) return;
        reason(code);
        if (size > 0 || tail == Tail::all_or_nothing) size_ += varint_size(size) + size;
    }
    void require(bool holds, const char* field, const char* what, ReasonCode reason) noexcept {
        if (!holds) fail({reason, field, what});
    }
    /// The bytes of a struct of properties, without their length, which do not count in `size`.
    template <class P> std::size_t property_block(const P& p);

private:
    void fail(const Fault& fault) noexcept {
        if (!fault_) fault_ = fault;
    }
    void sized(const char* field, std::size_t size) noexcept {
        if (size > max_string_size) fail({ReasonCode::malformed_packet, field, "is longer than 65,535 bytes"});
        size_ += 2 + size;
    }
    template <class T> void value(const char* name, Rule rule, const T& value);

    PacketType packet_;
    Version version_;
    std::uint8_t property_sets_ = 0;
    std::size_t size_ = 0;
    PropertySizes property_sizes_{};
    Fault fault_;
};

template <class P> std::size_t Measurer::property_block(const P& p) {
    const std::size_t before = size_;
    for_each_property(p, [&](const auto& row, const auto& member) {
        const auto one = [&](const auto& element) {
            size_ += 1; // every number fits one byte
            value(row.name, row.rule, element);
        };
        if constexpr (requires { member.has_value(); }) {
            if (member) one(*member);
        } else {
            for (const auto& element : member) one(element);
        }
        return true;
    });
    const std::size_t size = std::exchange(size_, before) - before;
    property_sizes_[property_sets_++] = size;
    return size;
}

template <class T> void Measurer::value(const char* name, Rule rule, const T& value) {
    if constexpr (std::is_same_v<T, std::string_view>) {
        if (rule != Rule::topic_name) return text(name, value);
        topic(name, value);
        require(!value.empty(), name, "is empty", ReasonCode::protocol_error);
    } else if constexpr (std::is_same_v<T, UserProperty>) {
        text("user property's name", value.name);
        text("user property's value", value.value);
    } else if constexpr (std::is_same_v<T, Bytes>) {
        binary(name, value);
    } else {
        if (const char* what = number_fault(rule, value)) fail({ReasonCode::protocol_error, name, what, value});
        size_ += rule == Rule::identifier ? varint_size(value) : sizeof(T);
    }
}

} // namespace culex::wire

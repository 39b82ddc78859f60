#pragma once
/// \file writer.hpp
/// Writes a packet that the Measurer has passed, by playing its layout (layout.hpp), into memory of just that size.

#include <concepts>
#include <cstring>

#include "wire/measurer.hpp"

namespace culex::wire {

class BitWriter {
public:
    void flag(unsigned at, bool value) noexcept { bits_ |= static_cast<unsigned>(value) << at; }
    template <class E> void number(unsigned at, unsigned, E value, E) noexcept {
        bits_ |= static_cast<unsigned>(value) << at;
    }
    template <class Optional> void presence(unsigned at, const Optional& value) noexcept {
        flag(at, value.has_value());
    }
    [[nodiscard]] std::uint8_t bits() const noexcept { return static_cast<std::uint8_t>(bits_); }

private:
    unsigned bits_ = 0;
};

class Writer {
public:
    Writer(std::byte* to, PacketType packet, Version version, const PropertySizes& property_sizes) noexcept
        : to_(to), packet_(packet), version_(version), property_size_(property_sizes.data()) {}

    [[nodiscard]] std::byte* end() const noexcept { return to_; }
    [[nodiscard]] bool v5() const noexcept { return version_ == Version::v5; }

    void literal(const char* field, std::string_view value) noexcept { text(field, value); }
    void version() noexcept { integer(static_cast<std::uint8_t>(version_)); }
    template <class F> void bits(const char*, F name_them) {
        BitWriter writer;
        name_them(writer);
        integer(writer.bits());
    }
    template <std::unsigned_integral T> void number(const char*, T value) noexcept { integer(value); }
    void packet_id(PacketId value) noexcept { integer(value); }
    void text(const char* field, std::string_view value) noexcept { binary(field, as_bytes(value)); }
    void topic(const char* field, std::string_view value) noexcept { text(field, value); }
    void binary(const char*, Bytes value) noexcept {
        integer(static_cast<std::uint16_t>(value.size()));
        rest(value);
    }
    void rest(Bytes value) noexcept {
        if (value.empty()) return; // its pointer may be null
        std::memcpy(to_, value.data(), value.size());
        to_ += value.size();
    }
    void varint(std::uint32_t value) noexcept { to_ = put_varint(to_, value); }
    void reason(ReasonCode code) noexcept {
        if (!v5() && packet_ == PacketType::connack) return integer(to_return_code(code).value_or(0));
        if (!v5()) code = to_suback_3_1_1(code);
        integer(static_cast<std::uint8_t>(code));
    }

    template <class T, class F> void list(const char*, std::span<const T> elements, F write) {
        for (const T& element : elements) write(element);
    }
    template <class P> void properties(const P& p) {
        if (v5()) property_set(p, *property_size_++);
    }
    template <class P> void tail(ReasonCode code, const P& p, Tail tail) {
        if (!v5()) return;
        const std::size_t size = *property_size_++;
        if (size == 0 && code == ReasonCode::success) return;
        reason(code);
        if (size > 0 || tail == Tail::all_or_nothing) property_set(p, size);
    }
    void require(bool, const char*, const char*, ReasonCode) noexcept {}

    template <class P> void property_block(const P& p);

private:
    template <std::unsigned_integral T> void integer(T value) noexcept {
        for (std::size_t left = sizeof(T); left-- > 0;) *to_++ = static_cast<std::byte>(value >> (8 * left));
    }
    template <class P> void property_set(const P& p, std::size_t size) {
        varint(static_cast<std::uint32_t>(size));
        if (size > 0) property_block(p);
    }
    template <class T> void value(Rule rule, const T& value) noexcept;

    std::byte* to_;
    PacketType packet_;
    Version version_;
    const std::size_t* property_size_;
};

template <class P> void Writer::property_block(const P& p) {
    for_each_property(p, [&](const auto& row, const auto& member) {
        const auto one = [&](const auto& element) {
            integer(row.id);
            value(row.rule, element);
        };
        if constexpr (requires { member.has_value(); }) {
            if (member) one(*member);
        } else {
            for (const auto& element : member) one(element);
        }
        return true;
    });
}

template <class T> void Writer::value(Rule rule, const T& value) noexcept {
    if constexpr (std::is_same_v<T, std::string_view>) {
        text("", value);
    } else if constexpr (std::is_same_v<T, UserProperty>) {
        text("", value.name);
        text("", value.value);
    } else if constexpr (std::is_same_v<T, Bytes>) {
        binary("", value);
    } else if (rule == Rule::identifier) {
        varint(value);
    } else {
        integer(value);
    }
}

} // namespace culex::wire

#pragma once
/// \file reader.hpp
/// Fills a packet in from its bytes by playing its layout (layout.hpp). After the first fault there are no bytes left, and
/// every field reads as zero or empty: the layout runs to its end without asking, and the caller looks at `fault` once.

#include <concepts>
#include <tuple>

#include "base/text.hpp"
#include "wire/arena.hpp"
#include "wire/fault.hpp"
#include "wire/layout.hpp"
#include "wire/plain_topic.hpp"
#include "wire/property_rows.hpp"
#include "wire/return_code.hpp"
#include "wire/varint.hpp"

namespace culex::wire {

/// A byte of flags; what nobody asked for must be 0.
class BitReader {
public:
    explicit BitReader(unsigned bits) noexcept : bits_(bits) {}

    void flag(unsigned at, bool& value) noexcept { value = take(at, 1) != 0; }
    template <class E> void number(unsigned at, unsigned width, E& value, E greatest) noexcept {
        const unsigned bits = take(at, width);
        if (bits > static_cast<unsigned>(greatest)) valid_ = false;
        value = static_cast<E>(bits);
    }
    template <class Optional> void presence(unsigned at, Optional& value) {
        if (take(at, 1) != 0) value.emplace();
    }
    [[nodiscard]] bool valid() const noexcept { return valid_ && bits_ == 0; }

private:
    unsigned take(unsigned at, unsigned width) noexcept {
        const unsigned mask = ((1U << width) - 1) << at;
        const unsigned taken = (bits_ & mask) >> at;
        bits_ &= ~mask;
        return taken;
    }

    unsigned bits_;
    bool valid_ = true;
};

class Reader {
public:
    /// Without an arena the elements of arrays are checked and counted, and not kept.
    Reader(Bytes body, PacketType packet, Version version, Arena* arena) noexcept
        : bytes_(body), packet_(packet), version_(version), arena_(arena) {}

    [[nodiscard]] const Fault& fault() const noexcept { return fault_; }
    [[nodiscard]] bool ok() const noexcept { return !fault_; }
    [[nodiscard]] bool v5() const noexcept { return version_ == Version::v5; }
    /// Where the bytes of the last properties lie, their length not included.
    [[nodiscard]] Bytes property_bytes() const noexcept { return property_bytes_; }
    /// What the arrays of the last properties need of an arena, whatever its alignment.
    [[nodiscard]] std::size_t array_bytes() const noexcept { return array_bytes_; }

    void literal(const char* field, std::string_view expected) {
        const std::string_view found = as_text(sized(field));
        require(found == expected, field, "is not \"MQTT\"", ReasonCode::unsupported_protocol_version);
    }
    void version() {
        const auto level = integer<std::uint8_t>("protocol level");
        if (level == static_cast<std::uint8_t>(version_)) return;
        fail({ReasonCode::unsupported_protocol_version, "protocol level", "is another one", level});
    }
    template <class F> void bits(const char* field, F name_them) {
        bits(field, integer<std::uint8_t>(field), name_them);
    }
    template <class F> void bits(const char* field, std::uint8_t value, F name_them) {
        BitReader reader(value);
        name_them(reader);
        if (!reader.valid()) fail({ReasonCode::malformed_packet, field, "has a reserved value", value});
    }
    template <std::unsigned_integral T> void number(const char* field, T& value) { value = integer<T>(field); }
    void packet_id(PacketId& value) {
        value = integer<PacketId>("packet id");
        require(value != 0, "packet id", "is 0", ReasonCode::protocol_error);
    }
    void text(const char* field, std::string_view& value) {
        value = as_text(sized(field));
        if (check_text(value) != TextFault::none) fail(text_fault(field, value));
    }
    void topic(const char* field, std::string_view& value) {
        value = as_text(sized(field));
        if (is_plain_topic(value)) return;
        if (const Fault fault = topic_fault(field, value)) fail(fault);
    }
    void binary(const char* field, Bytes& value) { value = sized(field); }
    void rest(Bytes& value) noexcept { value = std::exchange(bytes_, {}); }
    void reason(ReasonCode& code);

    template <class T, class F> void list(const char* field, std::span<const T>& elements, F read);
    template <class P> void properties(P& p);
    template <class P> void tail(ReasonCode& code, P& p, Tail tail) {
        if (!v5() || bytes_.empty()) return;
        reason(code);
        if (!bytes_.empty() || tail == Tail::all_or_nothing) properties(p);
    }
    void require(bool holds, const char* field, const char* what, ReasonCode reason) {
        if (!holds) fail({reason, field, what});
    }
    /// Nothing may be left behind the last field.
    void finish() {
        if (bytes_.empty()) return;
        fail({ReasonCode::malformed_packet, "end", "has bytes left over", static_cast<std::uint32_t>(bytes_.size())});
    }
    /// The body of a struct of properties whose length is known: all that is left.
    template <class P> void property_block(P& p);

private:
    template <class T> struct Array {
        std::size_t count = 0;
        std::span<T> memory{};
    };
    struct Pass {
        std::uint64_t seen = 0; // one bit for each property number
        std::tuple<Array<UserProperty>, Array<std::uint32_t>> arrays{};
    };

    void fail(const Fault& fault) noexcept {
        if (ok()) fault_ = fault;
        bytes_ = {};
    }
    Bytes take(std::size_t size, const char* field) {
        if (size > bytes_.size()) {
            fail({ReasonCode::malformed_packet, field, "is cut short"});
            return {};
        }
        const Bytes taken = bytes_.first(size);
        bytes_ = bytes_.subspan(size);
        return taken;
    }
    template <std::unsigned_integral T> T integer(const char* field) {
        std::uint32_t value = 0;
        for (const std::byte byte : take(sizeof(T), field)) value = value << 8 | std::to_integer<std::uint32_t>(byte);
        return static_cast<T>(value);
    }
    Bytes sized(const char* field) { return take(integer<std::uint16_t>(field), field); }
    std::uint32_t varint(const char* field);

    template <class T> void value(const char* name, Rule rule, T& value);
    template <class P> bool property(std::uint32_t id, P& p, Pass& pass, bool fills);
    template <class P> void property_pass(P& p, Pass& pass, bool fills);
    void refuse_property(std::uint32_t id);

    Bytes bytes_;
    PacketType packet_;
    Version version_;
    Arena* arena_;
    Fault fault_;
    Bytes property_bytes_;
    std::size_t array_bytes_ = 0;
};

/// The elements are read twice: first checked and counted, then, with memory for exactly that many, kept.
template <class T, class F> void Reader::list(const char* field, std::span<const T>& elements, F read) {
    require(!bytes_.empty() || !ok(), field, "are missing", ReasonCode::protocol_error);
    const Bytes all = bytes_;
    std::size_t count = 0;
    for (; !bytes_.empty(); ++count) {
        T element{};
        read(element);
    }
    if (!ok() || !arena_) return;
    const std::span<T> kept = arena_->array<T>(count);
    bytes_ = all;
    for (T& element : kept) read(element);
    elements = kept;
}

template <class P> void Reader::properties(P& p) {
    if (!v5()) return;
    const Bytes block = take(varint("property length"), "property length");
    const Bytes behind = std::exchange(bytes_, block);
    property_block(p);
    if (ok()) bytes_ = behind;
}

template <class P> void Reader::property_block(P& p) {
    property_bytes_ = bytes_;
    array_bytes_ = 0;
    if (bytes_.empty()) return;
    Pass pass;
    property_pass(p, pass, false);
    auto& [users, identifiers] = pass.arrays;
    if (!ok() || users.count + identifiers.count == 0) return;
    array_bytes_ =
        users.count * sizeof(UserProperty) + identifiers.count * sizeof(std::uint32_t) + alignof(UserProperty) - 1;
    if (!arena_) return;
    users = {0, arena_->array<UserProperty>(users.count)};
    identifiers = {0, arena_->array<std::uint32_t>(identifiers.count)};
    pass.seen = 0;
    bytes_ = property_bytes_;
    property_pass(p, pass, true);
}

template <class P> void Reader::property_pass(P& p, Pass& pass, bool fills) {
    while (!bytes_.empty()) {
        const std::uint32_t id = varint("property number");
        if (ok() && !property(id, p, pass, fills)) refuse_property(id);
    }
}

/// Reads the value of one property into the member that its row names; false where `P` has no such row.
template <class P> bool Reader::property(std::uint32_t id, P& p, Pass& pass, bool fills) {
    return !for_each_property(p, [&](const auto& row, auto& member) {
        if (row.id != id) return true;
        if constexpr (requires { member.emplace(); }) {
            const std::uint64_t bit = std::uint64_t{1} << row.id;
            require((pass.seen & bit) == 0, row.name, "comes twice", ReasonCode::protocol_error);
            pass.seen |= bit;
            value(row.name, row.rule, member.emplace());
        } else {
            using T = std::remove_cvref_t<decltype(member[0])>;
            auto& array = std::get<Array<T>>(pass.arrays);
            T element{};
            value(row.name, row.rule, element);
            if (fills) {
                array.memory[array.count] = element;
                member = array.memory;
            }
            ++array.count;
        }
        return false;
    });
}

template <class T> void Reader::value(const char* name, Rule rule, T& value) {
    if constexpr (std::is_same_v<T, std::string_view>) {
        if (rule != Rule::topic_name) return text(name, value);
        topic(name, value);
        require(!value.empty(), name, "is empty", ReasonCode::protocol_error);
    } else if constexpr (std::is_same_v<T, UserProperty>) { // [MQTT-1.5.7-1]
        text("user property's name", value.name);
        text("user property's value", value.value);
    } else if constexpr (std::is_same_v<T, Bytes>) {
        binary(name, value);
    } else {
        value = rule == Rule::identifier ? static_cast<T>(varint(name)) : integer<T>(name);
        const ReasonCode reason = rule == Rule::alias ? ReasonCode::topic_alias_invalid : ReasonCode::protocol_error;
        if (const char* what = number_fault(rule, value)) fail({reason, name, what, value});
    }
}

} // namespace culex::wire

#pragma once
/// \file vector.hpp
/// One golden vector, and what its packets are made of.

#include <ostream>

#include <culex/packet.hpp>

namespace culex::testing {

struct Vector {
    const char* name = "";
    Version version = Version::v5;
    const char* bytes = ""; ///< see hex.hpp
    Packet packet{};        ///< views on static memory
};

inline void PrintTo(const Vector& vector, std::ostream* out) {
    *out << to_string(vector.version) << ' ' << vector.name;
}

inline constexpr std::byte binary_ab_cd[] = {std::byte{0xAB}, std::byte{0xCD}};
inline constexpr std::byte binary_00_ff[] = {std::byte{0x00}, std::byte{0xFF}};
inline constexpr UserProperty one_user_property[] = {{"k", "v"}};
/// Names may repeat, and the order counts.
inline constexpr UserProperty two_user_properties[] = {{"k", "2"}, {"k", ""}};

} // namespace culex::testing

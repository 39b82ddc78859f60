#pragma once
/// \file equal.hpp
/// Packets compared by what their views point at. Every member is named: a struct that grows a member does not compile here
/// until it is compared too.

#include <tuple>

#include <culex/packet.hpp>

namespace culex::testing {

// clang-format off
inline auto members(const UserProperty& p) { const auto& [a, b] = p; return std::tie(a, b); }
inline auto members(const ConnectProperties& p) {
    const auto& [a, b, c, d, e, f, g, h, i] = p;
    return std::tie(a, b, c, d, e, f, g, h, i);
}
inline auto members(const WillProperties& p) { const auto& [a, b, c, d, e, f, g] = p; return std::tie(a, b, c, d, e, f, g); }
inline auto members(const ConnackProperties& p) {
    const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, q, r] = p;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, q, r);
}
inline auto members(const PublishProperties& p) {
    const auto& [a, b, c, d, e, f, g, h] = p;
    return std::tie(a, b, c, d, e, f, g, h);
}
inline auto members(const AckProperties& p) { const auto& [a, b] = p; return std::tie(a, b); }
inline auto members(const SubscribeProperties& p) { const auto& [a, b] = p; return std::tie(a, b); }
inline auto members(const UnsubscribeProperties& p) { const auto& [a] = p; return std::tie(a); }
inline auto members(const DisconnectProperties& p) { const auto& [a, b, c, d] = p; return std::tie(a, b, c, d); }
inline auto members(const AuthProperties& p) { const auto& [a, b, c, d] = p; return std::tie(a, b, c, d); }
inline auto members(const TopicSubscription& p) { const auto& [a, b, c, d, e] = p; return std::tie(a, b, c, d, e); }
inline auto members(const Will& p) { const auto& [a, b, c, d, e] = p; return std::tie(a, b, c, d, e); }
inline auto members(const Connect& p) { const auto& [a, b, c, d, e, f, g] = p; return std::tie(a, b, c, d, e, f, g); }
inline auto members(const Connack& p) { const auto& [a, b, c] = p; return std::tie(a, b, c); }
inline auto members(const Publish& p) { const auto& [a, b, c, d, e, f, g] = p; return std::tie(a, b, c, d, e, f, g); }
template <PacketType Type> auto members(const PublishReply<Type>& p) { const auto& [a, b, c] = p; return std::tie(a, b, c); }
inline auto members(const Subscribe& p) { const auto& [a, b, c] = p; return std::tie(a, b, c); }
inline auto members(const Suback& p) { const auto& [a, b, c] = p; return std::tie(a, b, c); }
inline auto members(const Unsubscribe& p) { const auto& [a, b, c] = p; return std::tie(a, b, c); }
inline auto members(const Unsuback& p) { const auto& [a, b, c] = p; return std::tie(a, b, c); }
inline auto members(const Pingreq&) { return std::tuple<>{}; }
inline auto members(const Pingresp&) { return std::tuple<>{}; }
inline auto members(const Disconnect& p) { const auto& [a, b] = p; return std::tie(a, b); }
inline auto members(const Auth& p) { const auto& [a, b] = p; return std::tie(a, b); }
// clang-format on

template <class T> [[nodiscard]] bool equal(const T& left, const T& right);
template <class T> [[nodiscard]] bool equal(const std::optional<T>& left, const std::optional<T>& right);
template <class T> [[nodiscard]] bool equal(std::span<const T> left, std::span<const T> right);

template <class T> [[nodiscard]] bool equal(const std::optional<T>& left, const std::optional<T>& right) {
    return left.has_value() == right.has_value() && (!left || equal(*left, *right));
}
template <class T> [[nodiscard]] bool equal(std::span<const T> left, std::span<const T> right) {
    if (left.size() != right.size()) return false;
    for (std::size_t i = 0; i < left.size(); ++i) {
        if (!equal(left[i], right[i])) return false;
    }
    return true;
}
template <class T> [[nodiscard]] bool equal(const T& left, const T& right) {
    if constexpr (requires { members(left); }) {
        const auto pairwise = [&]<std::size_t... I>(std::index_sequence<I...>, const auto& a, const auto& b) {
            return (equal(std::get<I>(a), std::get<I>(b)) && ...);
        };
        const auto a = members(left);
        const auto b = members(right);
        return pairwise(std::make_index_sequence<std::tuple_size_v<decltype(a)>>{}, a, b);
    } else {
        return left == right;
    }
}
[[nodiscard]] inline bool equal(const Packet& left, const Packet& right) {
    if (left.index() != right.index()) return false;
    return std::visit([&](const auto& one) { return equal(one, std::get<std::remove_cvref_t<decltype(one)>>(right)); },
                      left);
}

} // namespace culex::testing

#pragma once
/// \file packet_condition.hpp
/// What a script expects of a packet, or a fault is looking for.

#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

#include <culex/function.hpp>
#include <culex/packet.hpp>

namespace culex::testing {

/// A predicate on packets. Copies share it. The default holds for every packet.
class PacketCondition {
public:
    PacketCondition() = default;
    template <class F>
        requires std::is_invocable_r_v<bool, F&, const Packet&>
    PacketCondition(F predicate) : predicate_(std::make_shared<Function<bool(const Packet&)>>(std::move(predicate))) {}

    /// Holds for packets that are a `P` and for which `predicate(const P&)` is true:
    /// `PacketCondition::of<Publish>([](const Publish& publish) { return publish.retain; })`.
    template <class P, class F> [[nodiscard]] static PacketCondition of(F predicate) {
        return PacketCondition([predicate = std::move(predicate)](const Packet& packet) mutable {
            const P* const one = std::get_if<P>(&packet);
            return one && predicate(*one);
        });
    }

    /// False for the default one.
    explicit operator bool() const noexcept { return predicate_ != nullptr; }
    /// Whether it holds for `packet`.
    [[nodiscard]] bool operator()(const Packet& packet) const { return !predicate_ || (*predicate_)(packet); }

private:
    std::shared_ptr<Function<bool(const Packet&)>> predicate_;
};

} // namespace culex::testing

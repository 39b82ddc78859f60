#pragma once
/// \file lent_ids.hpp
/// Packet identifiers that are known before their messages.

#include <cstdint>

#include <culex/types.hpp>

namespace culex::session {

/// A run of free identifiers, which the session gives to nobody else: for an owner whose callers want to know them before their
/// messages are here. They are used in rising order, and those that were passed over are the session's again.
struct LentIds {
    std::uint32_t first = 1;
    std::uint32_t end = 1; ///< up to 65,536

    [[nodiscard]] std::uint32_t size() const noexcept { return end - first; }
    [[nodiscard]] bool contains(PacketId id) const noexcept { return id - first < size(); }
    /// Takes `id` out, and all before it.
    void pass(PacketId id) noexcept {
        if (contains(id)) first = id + 1u;
    }
};

} // namespace culex::session

#pragma once
/// \file verdicts.hpp
/// What follows a failure, by its reason code.

#include <vector>

#include <culex/error.hpp>
#include <culex/reconnect_policy.hpp>

namespace culex::client {

/// A policy's table, kept, before the default one.
class Verdicts {
public:
    explicit Verdicts(std::span<const ReasonVerdict> first) : first_(first.begin(), first.end()) {}

    /// `otherwise` where no table names the code, or no broker has given one.
    [[nodiscard]] Verdict of(const Failure& failure, Verdict otherwise) const noexcept;

private:
    std::vector<ReasonVerdict> first_; // mostly none; searched once for each failure
};

/// Whether it is our own side that cannot, whatever the broker does.
[[nodiscard]] inline bool is_our_fault(const Failure& failure) noexcept {
    return failure == Errc::invalid_argument || failure == Errc::not_supported;
}

} // namespace culex::client

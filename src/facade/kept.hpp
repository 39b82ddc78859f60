#pragma once
/// \file kept.hpp
/// Properties that own what they show: CONNECT's and the will's are views when a caller hands them over, and are needed for as
/// long as the client connects.

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <culex/properties.hpp>

namespace culex::facade {

/// Neither moves nor changes, so that its views hold: profiles share it.
template <class P> class Kept {
public:
    [[nodiscard]] static std::shared_ptr<const Kept> make(const P& properties) {
        return std::make_shared<const Kept>(properties);
    }
    explicit Kept(const P& properties) : properties_(properties) { keep_all(properties_); }
    Kept(const Kept&) = delete;
    Kept& operator=(const Kept&) = delete;

    [[nodiscard]] const P& properties() const noexcept { return properties_; }

private:
    void keep_all(ConnectProperties& properties) {
        keep(properties.authentication_method);
        keep(properties.authentication_data);
        keep(properties.user_properties);
    }
    void keep_all(WillProperties& properties) {
        keep(properties.content_type);
        keep(properties.response_topic);
        keep(properties.correlation_data);
        keep(properties.user_properties);
    }

    // A deque: what is in it stays where it is.
    [[nodiscard]] std::string_view kept(std::string_view text) { return texts_.emplace_back(text); }
    void keep(std::optional<std::string_view>& text) {
        if (text) text = kept(*text);
    }
    void keep(std::optional<Bytes>& bytes) {
        if (bytes) bytes = as_bytes(kept(as_text(*bytes)));
    }
    void keep(UserProperties& user) {
        for (const UserProperty& each : user) user_.push_back({kept(each.name), kept(each.value)});
        user = user_;
    }

    std::deque<std::string> texts_;
    std::vector<UserProperty> user_;
    P properties_;
};

} // namespace culex::facade

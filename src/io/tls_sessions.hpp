#pragma once
/// \file tls_sessions.hpp
/// TLS sessions that can be resumed, by endpoint.

#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace culex::io {

/// Thread-safe. Sessions are kept as bytes: wolfSSL's own objects go on changing while their connection lives, on its thread.
///
/// In a resumed handshake the broker shows no certificate, so nothing is verified again: a session may only be used where
/// it was made, with the same name and the same settings. The key has the first; each configuration has its own
/// `TlsSessions`, which is the second.
class TlsSessions {
public:
    /// The sessions of so many endpoints are kept; the one that was not used for the longest time goes first.
    static constexpr std::size_t most_endpoints = 1000;

    void keep(const std::string& endpoint, std::string session);
    [[nodiscard]] std::optional<std::string> find(const std::string& endpoint);
    /// It was of no use.
    void forget(const std::string& endpoint);
    void clear();

private:
    struct Entry {
        std::string endpoint;
        std::string session;
    };
    using Entries = std::list<Entry>;

    std::mutex mutex_;
    Entries entries_; // the one that was used last in front
    std::unordered_map<std::string_view, Entries::iterator> places_;
};

} // namespace culex::io

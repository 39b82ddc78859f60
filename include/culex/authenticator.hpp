#pragma once
/// \file authenticator.hpp
/// Enhanced authentication (MQTT 5, section 4.12): a method by which client and broker prove to each other who they are, in as
/// many steps as it needs. A ready one is in scram.hpp; your own is a class with three coroutines:
///
///     client                                                broker
///     begin() ────── CONNECT, or AUTH 0x19 ──────────────►
///               ◄─── AUTH 0x18 ─────────────────────────── challenge
///     challenge() ── AUTH 0x18 ──────────────────────────►
///               ◄─── CONNACK, or AUTH 0x00 ─────────────── it is satisfied
///     success()

#include <string>
#include <string_view>

#include <culex/error.hpp>
#include <culex/task.hpp>
#include <culex/types.hpp>

namespace culex {

/// Carries out one exchange at a time: with each attempt to connect, and with each `AsyncClient::reauthenticate`, `begin` is
/// called anew; what an earlier exchange has left is to be forgotten there. So it serves one client at a time, on the thread
/// of that client's loop, and must outlive the client.
///
/// What its coroutines throw ends the exchange: the broker is sent DISCONNECT, and the attempt (or the connection) has failed
/// with it, a plain `std::exception` as `Errc::authentication_failed`. They may wait, for a token from elsewhere say: the time
/// counts towards `ClientOptions::connect_timeout`. They are cancelled when that is over, when the connection ends, and when the
/// client stops or is destroyed; so they must not destroy the client themselves.
class Authenticator {
public:
    virtual ~Authenticator() = default;

    /// What CONNECT names, as `"SCRAM-SHA-256"`. Asked before each `begin` of an attempt to connect; must stay the same until
    /// the connection has ended [MQTT-4.12.0-5].
    [[nodiscard]] virtual std::string_view method() const = 0;
    /// The first word: any bytes, up to 65,535. Where it is empty, the packet carries no Authentication Data.
    [[nodiscard]] virtual Task<std::string> begin() = 0;
    /// The broker's challenge, and the answer to it. `data` is valid until the task has ended; empty where there was none.
    [[nodiscard]] virtual Task<std::string> challenge(Bytes data) = 0;
    /// The broker is satisfied, and says so with its last word. A method that proves the broker, too, looks at it here, and
    /// throws where it is wrong. Nothing is published to a new connection, and nothing taken from it, before this has ended.
    [[nodiscard]] virtual Task<> success(Bytes data) = 0;

protected:
    Authenticator() = default;
    Authenticator(const Authenticator&) = default;
    Authenticator& operator=(const Authenticator&) = default;
};

} // namespace culex

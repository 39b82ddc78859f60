#pragma once
/// \file error.hpp
/// What can go wrong. Below the client, functions return a `Result` (result.hpp) that holds a `Failure`; a client's
/// operation throws the same failure as an `Error`, the only exception type that Culex throws, but for `std::bad_alloc`
/// where memory runs out (see `AsyncClient`).

#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include <culex/reason_code.hpp>

namespace culex {

/// The conditions of Culex itself. Errors of the operating system keep their own category (`std::errc`), so
/// `error.code() == std::errc::connection_refused` is true where the peer refused.
enum class Errc {
    // You misused it.
    invalid_argument = 1, ///< an argument breaks a rule of MQTT or of Culex; the detail names it
    not_connected,        ///< the operation needs a connection, or a `connect` before it
    already_connected,    ///< `connect` while a connection is up or being made
    not_supported,        ///< this build or this broker does not have it
    packet_too_large,     ///< above 268,435,455 bytes, or above the limit that the broker granted
    // It ended before it was done.
    timed_out,       ///< its deadline passed; of an attempt to connect: no CONNACK within `connect_timeout`
    cancelled,       ///< the caller, or something that owns it, called it off
    closed,          ///< the client was closed or destroyed
    message_expired, ///< its Message Expiry Interval passed before it was sent
    // A bound was reached.
    queue_full,   ///< the outbound queue is full and the policy is to refuse
    dropped,      ///< the policy of a full queue chose this message to be dropped
    no_packet_id, ///< 65,535 operations are in flight
    // The network.
    host_not_found,  ///< the name did not resolve; the detail has the resolver's words
    end_of_stream,   ///< the peer closed the connection
    connection_lost, ///< the connection ended while the operation was under way
    no_response,     ///< no PINGRESP in time
    tls_failed,      ///< handshake or verification; the detail has the reason
    websocket_failed, ///< the broker refused the upgrade, or broke a rule of RFC 6455; the detail says which, or the HTTP status
    // The peer broke the rules, or said no.
    malformed_packet, ///< bytes that are no packet (reason code 0x81 and its kin say which)
    protocol_error,   ///< a well-formed packet where it may not be
    /// CONNACK with a failure; `reason_code` says why. Where nobody listens, that is `std::errc::connection_refused`.
    connection_refused,
    disconnected, ///< the broker sent DISCONNECT; `reason_code` says why
    rejected,     ///< the broker answered an operation with a failure code
    session_lost, ///< the broker has forgotten the session that held the operation's state
    /// Enhanced authentication came to nothing on our side: the broker's proof is wrong, or the exchange is none of the method's.
    authentication_failed,
};

/// The category of `Errc`, with the name `"culex"`. Any thread.
[[nodiscard]] const std::error_category& culex_category() noexcept;
/// What makes an `Errc` a `std::error_code`.
[[nodiscard]] std::error_code make_error_code(Errc code) noexcept;
/// `"timed_out"`; `"?"` for a number that is none. In words: `make_error_code(code).message()`.
[[nodiscard]] std::string_view to_string(Errc code) noexcept;

/// What was being done when it failed.
enum class Phase : std::uint8_t {
    none,      ///< not part of a connection: arguments, state
    resolve,   ///< name to addresses
    connect,   ///< the transport
    tls,       ///< the TLS handshake
    websocket, ///< the HTTP upgrade of ws:// and wss://
    mqtt,      ///< between CONNECT and CONNACK
    session,   ///< after CONNACK
};
/// `"tls"`; `"?"` for a number that is none.
[[nodiscard]] std::string_view to_string(Phase phase) noexcept;

/// A failure as a value: the code, and what a person needs to understand it. Cheap to move, and a pointer's size: an
/// operation that succeeds pays nothing for it.
class Failure {
public:
    Failure() = default; ///< no failure
    /// `detail` says what was wrong in the words of the case: the argument's name, the verifier's text, the reason string.
    explicit Failure(std::error_code code, std::string detail = {}, ReasonCode reason = ReasonCode::success);
    [[gnu::cold]] explicit Failure(Errc code, std::string detail, ReasonCode reason = ReasonCode::success);
    [[gnu::cold]] explicit Failure(Errc code); ///< not inline: a failure should cost its function no more than a call

    Failure(const Failure& other);
    Failure(Failure&&) noexcept = default;
    Failure& operator=(const Failure& other);
    Failure& operator=(Failure&&) noexcept = default;
    ~Failure() = default;

    /// The same failure with the phase, or the address, at which it happened; what is set already stays.
    [[nodiscard]] Failure during(Phase phase) &&;
    /// See `during`.
    [[nodiscard]] Failure at(std::string address) &&;

    /// Whether there is a failure.
    explicit operator bool() const noexcept { return state_ != nullptr; }
    /// No error where there is no failure.
    [[nodiscard]] std::error_code code() const noexcept;
    /// What was being done.
    [[nodiscard]] Phase phase() const noexcept;
    /// The code that the broker gave, or (for malformed input) the one that it was or would be told.
    [[nodiscard]] ReasonCode reason_code() const noexcept;
    [[nodiscard]] const std::string&
    address() const noexcept; ///< `"mqtt://localhost:1883"` or `"127.0.0.1:1883"`; may be empty
    /// What was wrong in the words of the case; may be empty.
    [[nodiscard]] const std::string& detail() const noexcept;
    /// One line: phase, address, what the code means, the detail.
    [[nodiscard]] std::string message() const;

    /// Compares with a condition: `failure == Errc::timed_out`, `failure == std::errc::connection_refused`.
    friend bool operator==(const Failure& failure, Errc code) noexcept {
        return failure.code() == make_error_code(code);
    }
    friend bool operator==(const Failure& failure, std::errc code) noexcept { return failure.code() == code; }

private:
    struct State;
    struct Delete {
        void operator()(State* state) const noexcept;
    };
    std::unique_ptr<State, Delete> state_;
};

/// The exception of every operation that fails. `what()` is `failure().message()`.
class Error : public std::system_error {
public:
    /// `failure` must be one.
    explicit Error(Failure failure);
    Error(const Error&);
    Error& operator=(const Error&);
    ~Error() override;

    /// The same as a value.
    [[nodiscard]] const Failure& failure() const noexcept { return failure_; }
    /// See `Failure`.
    [[nodiscard]] Phase phase() const noexcept { return failure_.phase(); }
    /// See `Failure`.
    [[nodiscard]] ReasonCode reason_code() const noexcept { return failure_.reason_code(); }
    /// See `Failure`.
    [[nodiscard]] const std::string& address() const noexcept { return failure_.address(); }
    /// See `Failure`.
    [[nodiscard]] const std::string& detail() const noexcept { return failure_.detail(); }
    /// One line: phase, address, what the code means, the detail.
    [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

private:
    Failure failure_;
    std::string text_;
};

} // namespace culex

template <> struct std::is_error_code_enum<culex::Errc> : std::true_type {};

#pragma once
/// \file ws_frames.hpp
/// The frames of WebSocket (RFC 6455, section 5): headers, masks, and a reader that takes the stream in any pieces. MQTT knows
/// nothing of frames: a packet may span several, and one may hold several [MQTT-6.0.0-2].

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include <culex/buffer.hpp>
#include <culex/error.hpp>

namespace culex::io {

enum class WsOpcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// Why a connection is closed (section 7.4.1). A peer may say others.
enum class WsClose : std::uint16_t { normal = 1000, protocol_error = 1002, unacceptable_data = 1003 };

/// As the four bytes stand on the wire; all zero where nothing is masked.
using WsMask = std::array<std::byte, 4>;

constexpr std::size_t ws_header_most = 14;
constexpr std::size_t ws_control_most = 125; ///< bytes of a control frame's payload (section 5.5)

struct WsFrame {
    WsOpcode opcode = WsOpcode::binary;
    bool final = true;
    std::optional<WsMask> mask{}; ///< a client's frames have one, a server's do not
};

/// Appends a frame whose payload is the two parts in a row, masked on the way.
void append_frame(Buffer& to, const WsFrame& frame, Bytes first, Bytes second = {});

/// Copies `from` to `to`, masked; the mask begins with the byte that belongs to the first of `from`. Its own inverse.
void copy_masked(std::byte* to, Bytes from, const WsMask& mask) noexcept;

/// What a reader finds next: some payload of the message under way, or a whole control frame.
struct WsPiece {
    WsOpcode opcode = WsOpcode::binary; ///< `binary` for every piece of payload
    Bytes bytes{};                      ///< valid until the next call, like the input
    WsMask mask{};                      ///< still to be taken off `bytes`, of payload that is masked
};

/// Takes frames apart without gathering payload: whatever length a frame claims, no memory is taken for it.
class WsReader {
public:
    /// A server's input must be masked, a client's must not (section 5.1).
    explicit WsReader(bool masked) noexcept : masked_(masked) {}

    /// Takes the next piece off `input`. Empty where that is used up, or once the peer has broken a rule: see `fault`.
    [[nodiscard]] std::optional<WsPiece> next(Bytes& input);
    /// What rule, in words; and what it is to be told. `next` gives nothing more then.
    [[nodiscard]] const std::string& fault() const noexcept { return fault_; }
    [[nodiscard]] WsClose close_code() const noexcept { return close_code_; }

private:
    [[nodiscard]] bool take_header(Bytes& input);
    [[nodiscard]] bool check_header();
    [[nodiscard]] bool check_kind(bool final, unsigned opcode);
    [[nodiscard]] WsPiece take_payload(Bytes& input) noexcept;
    bool refuse(WsClose code, std::string what);

    const bool masked_;
    bool in_message_ = false; // the next frame of data continues one
    bool in_frame_ = false;
    WsOpcode opcode_ = WsOpcode::binary; // of the frame
    std::uint64_t left_ = 0;             // of its payload
    WsMask mask_{};
    std::array<std::byte, ws_header_most> header_{};
    std::size_t header_size_ = 0;
    std::array<std::byte, ws_control_most> control_{};
    std::size_t control_size_ = 0;
    std::string fault_;
    WsClose close_code_ = WsClose::protocol_error;
};

/// What a close frame says (section 5.5.1).
struct WsCloseReason {
    std::uint16_t code = 0; ///< 0: none is said
    std::string text{};     ///< fit for a message
};
/// Empty where the payload breaks the rules.
[[nodiscard]] std::optional<WsCloseReason> read_close(Bytes payload);

/// A close frame's payload.
[[nodiscard]] std::array<std::byte, 2> close_payload(WsClose code) noexcept;

} // namespace culex::io

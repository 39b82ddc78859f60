// WebSocket: a peer's frames, through the reader and through a client's stream behind an upgrade, and a peer's answer to the
// upgrade. In memory and in virtual time.
//
// Invariant: frames give the same payload, control frames and fault however they are cut, and what a slow reading of RFC 6455
// takes from them. A client's stream hands on that payload, answers with masked, legal frames alone, and none behind its close
// frame; it hears of one end, at the latest when the transport has gone. An answer to the upgrade is taken only with the
// accept key that the client's key asks for. Memory is bounded by the bytes that came.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <culex/testing/pipe.hpp>
#include <culex/testing/virtual_runtime.hpp>

#include "fuzz/fuzz.hpp"
#include "io/ws_frames.hpp"
#include "io/ws_handshake.hpp"
#include "io/ws_stream.hpp"

namespace culex::fuzz {
namespace {

using io::WsOpcode;

/// What was read: payload, and the control frames in their order.
struct Read {
    std::string payload;
    std::vector<std::string> controls;
    bool faulty = false;

    bool operator==(const Read&) const = default;
};

/// One frame after the other, byte by byte (RFC 6455, section 5.2).
Read reference(Input input, bool masked) {
    Read read;
    bool in_message = false;
    read.faulty = true; // wherever this returns early
    while (input.size() >= 2) {
        const unsigned first = input.byte();
        const unsigned second = input.byte();
        const unsigned short_length = second & 0x7F;
        const unsigned more = short_length == 127 ? 8 : short_length == 126 ? 2 : 0;
        if (input.size() < more + ((second & 0x80) != 0 ? 4U : 0U)) break;
        std::uint64_t length = more == 0 ? short_length : 0;
        for (unsigned i = 0; i < more; ++i) length = length << 8 | input.byte();
        std::uint8_t mask[4] = {};
        if ((second & 0x80) != 0) {
            for (std::uint8_t& byte : mask) byte = input.byte();
        }
        const unsigned opcode = first & 0x0F;
        const bool final = (first & 0x80) != 0;
        const bool control = opcode >= 8 && opcode <= 10;
        if ((first & 0x70) != 0 || (opcode != 0 && opcode != 2 && !control)) return read;
        if (control ? !final || length > 125 : in_message != (opcode == 0)) return read;
        if (!control) in_message = !final;
        if (((second & 0x80) != 0) != masked) return read;
        if (length >> 63 != 0 || (more == 2 && length < 126) || (more == 8 && length < 65'536)) return read;
        std::string body;
        std::size_t at = 0;
        const auto there = static_cast<std::size_t>(std::min<std::uint64_t>(length, input.size()));
        for (; at < there; ++at) body += static_cast<char>(input.byte() ^ mask[at % 4]);
        if (!control) read.payload += body;
        if (control && there == length) read.controls.push_back(static_cast<char>('0' + opcode - 8) + body);
    }
    read.faulty = false;
    return read;
}

Read read_in_pieces(Bytes bytes, bool masked, std::size_t most, unsigned seed) {
    io::WsReader reader(masked);
    Read read;
    while (!bytes.empty() && reader.fault().empty()) {
        seed = seed * 1'103'515'245U + 12'345U;
        const std::vector<std::byte> piece = [&] {
            const Bytes next = bytes.first(std::min(bytes.size(), 1 + (seed >> 16) % most));
            return std::vector<std::byte>(next.begin(), next.end());
        }();
        bytes = bytes.subspan(piece.size());
        Bytes left(piece);
        while (const auto found = reader.next(left)) {
            std::string body(found->bytes.size(), '\0');
            io::copy_masked(reinterpret_cast<std::byte*>(body.data()), found->bytes, found->mask);
            if (found->opcode == WsOpcode::binary) {
                read.payload += body;
            } else {
                read.controls.push_back(static_cast<char>('0' + static_cast<int>(found->opcode) - 8) + body);
            }
        }
    }
    read.faulty = !reader.fault().empty();
    return read;
}

void check_reader(Bytes bytes, bool masked, unsigned seed) {
    const Read expected = reference(Input(bytes), masked);
    for (const std::size_t most : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
        const Read read = read_in_pieces(bytes, masked, most, seed);
        FUZZ_CHECK(read.faulty == expected.faulty, "faulty: {}, in pieces of up to {}", read.faulty, most);
        FUZZ_CHECK(read.payload == expected.payload, "another payload in pieces of up to {}", most);
        FUZZ_CHECK(read.controls == expected.controls, "other control frames in pieces of up to {}", most);
    }
}

constexpr const char* key = "dGhlIHNhbXBsZSBub25jZQ==";

/// Takes the head that the input gives, or the right one.
struct Handshake final : io::WsHandshake {
    std::string begin() override { return "GET / HTTP/1.1\r\n\r\n"; }
    Failure handle(std::string_view head, std::string&) override { return io::check_ws_response(head, key); }
};

struct Client final : StreamHandler, io::WsWaiting {
    void on_upgrade(Failure why) override {
        FUZZ_CHECK(!upgraded && !ended, "a second upgrade");
        (why ? ended : upgraded) = true;
    }
    void on_read(Bytes bytes) override {
        FUZZ_CHECK(upgraded && !ended && !bytes.empty(), "bytes out of place");
        heard += as_text(bytes);
    }
    void on_end(Failure why) override {
        FUZZ_CHECK(!ended && why, "an end out of place");
        ended = true;
    }
    void on_drained() override {}

    std::string heard;
    bool upgraded = false;
    bool ended = false;
};

struct Peer final : StreamHandler {
    void on_read(Bytes bytes) override { heard.append(bytes); }
    void on_end(Failure) override {}
    void on_drained() override {}
    Buffer heard;
};

class World {
public:
    explicit World(Input input) : input_(input) {
        testing::Pipe pipe = testing::make_pipe(runtime_, {.chunk_size = 1 + input_.byte() * std::size_t{5}});
        peer_ = std::move(pipe.second);
        peer_->start(ear_);
        stream_.emplace(runtime_, std::move(pipe.first), std::make_unique<Handshake>(), io::WsStyle{});
        stream_->shake_hands(client_);
    }
    void run() {
        const bool upgraded = upgrade();
        const Bytes frames = input_.rest();
        std::string wrote;
        const Bytes first = frames.first(frames.size() / 2);
        send(first);
        if (client_.upgraded) wrote = write();
        send(frames.subspan(first.size()));
        if (client_.upgraded) stream_->shutdown();
        runtime_.run_until_idle();
        peer_.reset();
        runtime_.run_until_idle();
        FUZZ_CHECK(client_.ended, "it has heard of no end");
        if (!upgraded) return;
        check_heard(frames);
        check_said(wrote);
    }

private:
    /// With the head of the input, whose first byte says how much that is; or with the right one.
    bool upgrade() {
        const std::size_t size = input_.byte();
        if (size < 100) {
            send(as_bytes("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Accept: " +
                          io::ws_accept_of(key) + "\r\n\r\n"));
            FUZZ_CHECK(client_.upgraded, "the right answer is not taken");
            ear_.heard.clear();
            return true;
        }
        const std::string head(as_text(input_.bytes(size * 4)));
        send(as_bytes(head));
        const bool has_key = head.find(io::ws_accept_of(key)) != std::string::npos;
        FUZZ_CHECK(!client_.upgraded || has_key, "upgraded without the key: {}", head);
        return false;
    }
    void send(Bytes bytes) {
        Buffer buffer;
        buffer.append(bytes);
        peer_->write(buffer);
        runtime_.run_until_idle();
        start_once_upgraded();
    }
    /// What follows the head of an answer may still be part of it.
    void start_once_upgraded() {
        if (!client_.upgraded || std::exchange(started_, true)) return;
        stream_->start(client_);
        runtime_.run_until_idle();
    }
    std::string write() {
        if (client_.ended) return {};
        const std::string text(200, 'w');
        Buffer buffer;
        buffer.append(as_bytes(text));
        stream_->write(buffer);
        runtime_.run_until_idle();
        return text;
    }
    /// All that comes before a close frame or a fault.
    void check_heard(Bytes frames) const {
        const Read expected = reference(Input(frames), false);
        const bool closed = std::ranges::any_of(expected.controls, [](const auto& one) { return one[0] == '0'; });
        FUZZ_CHECK(expected.payload.starts_with(client_.heard), "it has heard what nobody said");
        FUZZ_CHECK(closed || client_.heard == expected.payload, "{} of {} bytes", client_.heard.size(),
                   expected.payload.size());
    }
    void check_said(const std::string& wrote) const {
        const Read said = reference(Input(ear_.heard.bytes()), true);
        FUZZ_CHECK(!said.faulty, "the client breaks the rules");
        FUZZ_CHECK(wrote.starts_with(said.payload), "{} bytes of payload", said.payload.size());
        for (std::size_t i = 0; i < said.controls.size(); ++i) {
            const bool last = i + 1 == said.controls.size();
            FUZZ_CHECK(said.controls[i][0] != '0' || last, "something follows the close frame");
        }
    }

    Input input_;
    testing::VirtualRuntime runtime_;
    Peer ear_;
    Client client_;
    std::unique_ptr<Stream> peer_;
    std::optional<io::WsStream> stream_;
    bool started_ = false;
};

void run(Input input) {
    const std::uint8_t how = input.byte();
    const Memory memory;
    if (how % 4 < 2) {
        check_reader(input.rest(), how % 4 == 1, how);
    } else {
        World(input).run();
    }
    FUZZ_CHECK(memory.taken() <= std::size_t{2} << 20, "{} bytes of memory", memory.taken());
}

} // namespace
} // namespace culex::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    culex::fuzz::run(culex::fuzz::Input(data, size));
    return 0;
}

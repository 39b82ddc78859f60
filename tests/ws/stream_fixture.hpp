#pragma once
// WebSocket as a stream, over pipes in memory and in virtual time. The other end is a server's stream, or a peer whose bytes
// the test writes itself.
#include <optional>

#include <culex/testing/pipe.hpp>
#include <culex/testing/virtual_runtime.hpp>
#include <culex/testing/websocket_server.hpp>
#include <culex/websocket.hpp>

#include "io/ws_handshake.hpp"
#include "io/ws_stream.hpp"
#include "ws/ws_test.hpp"

namespace culex::testing {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Ear : StreamHandler {
    virtual ~Ear() = default;
    void on_read(Bytes bytes) override {
        heard += as_text(bytes);
        ++reads;
        if (end) ADD_FAILURE() << "read after the end";
    }
    void on_end(Failure why) override {
        if (end) ADD_FAILURE() << "ended twice";
        end = std::move(why);
    }
    void on_drained() override { ++drains; }

    std::string heard;
    Failure end;
    int reads = 0;
    int drains = 0;
};

inline void write_text(Stream& stream, std::string_view text) {
    Buffer buffer;
    buffer.append(as_bytes(text));
    stream.write(buffer);
    EXPECT_TRUE(buffer.empty());
}

struct Opener : OpenHandler {
    virtual ~Opener() = default;
    void on_open(Result<std::unique_ptr<Stream>> result) override {
        ++calls;
        if (result) {
            stream = *std::move(result);
        } else {
            failure = result.failure();
        }
    }
    int calls = 0;
    std::unique_ptr<Stream> stream;
    Failure failure;
};

class WsStreamTest : public ::testing::Test, protected AcceptHandler {
protected:
    WsStreamTest() { runtime.set_websocket(&open_websocket); }

    void open(const StreamOptions& how = {}) {
        opener.emplace();
        listener = runtime.listen(Endpoint(Transport::tcp, "broker", 80), *this).value();
        opening = runtime.open(Endpoint::parse("ws://broker/mqtt").value(), how, *opener);
        runtime.run_until_idle();
    }
    /// With the server that the component has.
    void connect(WebSocketServerOptions how = {}) {
        server.emplace(std::move(how));
        open();
        if (!opener->stream) return;
        near = std::move(opener->stream);
        near->start(near_ear);
        runtime.run_until_idle();
    }
    /// With a peer that answers the upgrade and then says what the test lets it say.
    void connect_raw(const std::string& behind_the_answer = {}) {
        open();
        answer(behind_the_answer);
        runtime.run_until_idle();
        ASSERT_TRUE(opener->stream) << opener->failure.message();
        far_ear.heard.clear();
        near = std::move(opener->stream);
        near->start(near_ear);
        runtime.run_until_idle();
    }
    void answer(const std::string& behind = {}) {
        const auto head = io::HttpHead::parse(far_ear.heard).value();
        write_text(*far, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Accept: " +
                             io::ws_accept_of(head.value("Sec-WebSocket-Key")) + "\r\n\r\n" + behind);
    }
    void say(std::string_view digits) {
        write_text(*far, unhex(digits));
        runtime.run_until_idle();
    }
    /// The frames that the client has sent to the raw peer: "2:Hello" by opcode, unmasked; everything must be legal.
    std::vector<std::string> frames() {
        std::vector<std::string> found;
        io::WsReader reader(true);
        Bytes bytes = as_bytes(far_ear.heard);
        while (const auto piece = reader.next(bytes)) {
            std::string text(piece->bytes.size(), '\0');
            io::copy_masked(std::as_writable_bytes(std::span(text)).data(), piece->bytes, piece->mask);
            found.push_back(std::to_string(static_cast<int>(piece->opcode)) + ":" + text);
        }
        EXPECT_EQ(reader.fault(), "");
        return found;
    }

    VirtualRuntime runtime;
    Ear near_ear;
    Ear far_ear;
    std::optional<WebSocketServer> server; // none: the peer is raw
    std::optional<Opener> opener;
    std::unique_ptr<Listener> listener;
    std::unique_ptr<Opening> opening;
    std::unique_ptr<Stream> near;
    std::unique_ptr<Stream> far;

private:
    void on_accept(std::unique_ptr<Stream> stream) override {
        far = server ? (*server)(runtime, std::move(stream)) : std::move(stream);
        far->start(far_ear);
    }
};

} // namespace culex::testing

#pragma once
/// \file raw_client.hpp
/// A client that is nothing but packets: it sends what the test says, answers nothing, and notes what comes as lines.

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <culex/testing/fake_broker.hpp>
#include <culex/testing/virtual_runtime.hpp>

#include "wire/codec.hpp"

namespace culex::testing {

using Lines = std::vector<std::string>;

class RawClient final : private StreamHandler, private OpenHandler {
public:
    /// With a pipe of its own to the broker.
    RawClient(VirtualRuntime& runtime, FakeBroker& broker, Version version = Version::v3_1_1)
        : runtime_(runtime), version_(version) {
        auto [mine, theirs] = make_pipe(runtime, PipeOptions{}, {"broker", "client"});
        broker.serve(std::move(theirs));
        use(std::move(mine));
    }
    /// Over the virtual network.
    RawClient(VirtualRuntime& runtime, const std::string& url, Version version = Version::v3_1_1)
        : runtime_(runtime), version_(version), opening_(runtime.open(Endpoint::parse(url).value(), {}, *this)) {
        runtime.run_until_idle();
    }
    RawClient(VirtualRuntime& runtime, std::unique_ptr<Stream> stream, Version version = Version::v3_1_1)
        : runtime_(runtime), version_(version) {
        use(std::move(stream));
    }

    /// Sends, and lets the broker do all that it can at this instant.
    template <class P> void send(const P& packet) {
        Buffer bytes;
        wire::encode(bytes, packet, version_).value();
        send_bytes(bytes.bytes());
    }
    void send_bytes(Bytes bytes) {
        Buffer copy;
        copy.append(bytes);
        if (stream_) stream_->write(copy);
        runtime_.run_until_idle();
    }
    void send_bytes(std::initializer_list<unsigned char> bytes) {
        send_bytes(std::as_bytes(std::span{bytes.begin(), bytes.size()}));
    }

    // What tests send most.
    void connect(std::string_view client_id, bool clean_start = true) {
        send(Connect{.client_id = client_id, .clean_start = clean_start, .keep_alive = 0});
    }
    void subscribe(std::string_view filter, QoS qos = QoS::at_most_once, PacketId id = 1) {
        const TopicSubscription one[]{{.filter = filter, .qos = qos}};
        send(Subscribe{.packet_id = id, .subscriptions = one});
    }
    void unsubscribe(std::string_view filter, PacketId id = 1) {
        const std::string_view one[]{filter};
        send(Unsubscribe{.packet_id = id, .filters = one});
    }
    void publish(std::string_view topic, std::string_view payload, QoS qos = QoS::at_most_once, PacketId id = 0,
                 bool retain = false) {
        send(Publish{.topic = topic, .payload = as_bytes(payload), .qos = qos, .retain = retain, .packet_id = id});
    }

    /// What came since the last call; a line is what the log says, and the payload: `PUBLISH qos=0 topic="a" 2 bytes: hi`.
    [[nodiscard]] Lines take() {
        runtime_.run_until_idle();
        return std::exchange(lines_, {});
    }
    /// Notes nothing any more, or notes again.
    void mute(bool on = true) noexcept { muted_ = on; }
    [[nodiscard]] const Lines& lines() const noexcept { return lines_; }
    /// The first of them; empty where there is none.
    [[nodiscard]] std::string pop() {
        if (lines_.empty()) return {};
        std::string first = std::move(lines_.front());
        lines_.erase(lines_.begin());
        return first;
    }
    /// How the connection ended, if it has.
    [[nodiscard]] const std::optional<Failure>& ended() const noexcept { return ended_; }
    [[nodiscard]] bool is_open() const noexcept { return stream_ && !ended_; }
    /// Without a word.
    void close() {
        stream_.reset();
        runtime_.run_until_idle();
    }
    [[nodiscard]] Stream& stream() { return *stream_; }

private:
    void use(std::unique_ptr<Stream> stream) {
        stream_ = std::move(stream);
        stream_->start(*this);
    }
    void on_open(Result<std::unique_ptr<Stream>> stream) override {
        if (stream) {
            use(std::move(*stream));
        } else {
            ended_ = stream.failure();
        }
    }
    void on_read(Bytes bytes) override {
        framer_.feed(bytes);
        for (;;) {
            const Result<std::optional<wire::Frame>> frame = framer_.next();
            if (!frame) {
                lines_.push_back("garbage: " + frame.failure().detail());
                stream_.reset();
                return;
            }
            if (!*frame) return;
            note(**frame);
        }
    }
    void note(const wire::Frame& frame) {
        if (muted_) return;
        wire::Arena arena;
        const Result<Packet> packet = wire::decode(frame, version_, arena, wire::Sender::server);
        if (!packet) {
            lines_.push_back("malformed: " + packet.failure().detail());
            return;
        }
        lines_.push_back(wire::describe(*packet));
        const auto* publish = std::get_if<Publish>(&*packet);
        if (publish && !publish->payload.empty()) lines_.back() += ": " + std::string(as_text(publish->payload));
    }
    void on_end(Failure why) override { ended_ = std::move(why); }
    void on_drained() override {}

    VirtualRuntime& runtime_;
    Version version_;
    std::unique_ptr<Opening> opening_;
    std::unique_ptr<Stream> stream_;
    wire::Framer framer_;
    Lines lines_;
    bool muted_ = false;
    std::optional<Failure> ended_;
};

} // namespace culex::testing

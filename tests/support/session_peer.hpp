#pragma once
/// \file session_peer.hpp
/// A session with a test around it: the transport, the broker, the application and the clock at once. Nothing happens that
/// the test does not do.

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "session/session.hpp"
#include "support/brief.hpp"
#include "support/hex.hpp"

namespace culex::testing {

using Lines = std::vector<std::string>;

/// An operation that notes how it ended: "" while it waits, "ok", "0x87", "0x01 0x80", or the failure's text.
struct NotedOperation : session::Operation {
    NotedOperation() : Operation(&NotedOperation::on_completed) {}

    std::string outcome;
    ReasonCode reason_code = ReasonCode::success;
    PacketId id = 0;
    int completions = 0;

private:
    static void on_completed(Operation& self, session::Outcome&& ended) {
        static_cast<NotedOperation&>(self).note(std::move(ended));
    }
    void note(session::Outcome&& ended) {
        ++completions;
        outcome.clear();
        if (ended.failure) {
            outcome = ended.failure.code().message();
            reason_code = ended.failure.reason_code();
            return;
        }
        for (const ReasonCode code : ended.reason_codes) outcome += (outcome.empty() ? "" : " ") + brief(code);
        if (!outcome.empty()) return;
        outcome = ended.reason_code == ReasonCode::success ? "ok" : brief(ended.reason_code);
        reason_code = ended.reason_code;
    }
};

class SessionPeer {
public:
    explicit SessionPeer(Version version_, session::Config config = {})
        : version(version_), session_((config.version = version_, config)) {}

    session::Session* operator->() noexcept { return &session_; }
    session::Session& session() noexcept { return session_; }

    // --- the transport and the clock

    /// The transport opens; CONNECT is in `sent`.
    void open(const Connect& packet = {.client_id = "c1"}) {
        const Result<void> opened = session_.handle_open(packet, now);
        EXPECT_TRUE(opened) << opened.failure().message();
    }
    /// And the broker accepts. `sent` begins anew behind CONNECT.
    void connect(const Connack& answer = {}, const Connect& packet = {.client_id = "c1", .clean_start = false}) {
        sent_.clear();
        open(packet);
        EXPECT_THAT(sent(), ::testing::ElementsAre("CONNECT"));
        receive(answer);
    }
    void end() { session_.handle_end(); }
    void reconnect(const Connack& answer) {
        end();
        connect(answer);
    }
    /// What left since the last call. Sees to it that all leaves that can.
    Lines sent() {
        flush();
        return std::exchange(sent_, {});
    }
    void flush() {
        while (!session_.output().empty()) {
            session_.before_flush();
            note_sent(session_.output().bytes());
            session_.output().clear();
            session_.handle_flushed(now);
        }
    }
    /// Lets time pass, and calls `handle_time` when the session asks for it.
    void advance(Duration duration) {
        const TimePoint end = now + duration;
        while (session_.poll_deadline() <= end) {
            now = std::max(now, session_.poll_deadline());
            session_.handle_time(now);
            flush();
        }
        now = end;
    }

    // --- the broker

    template <class P> void receive(const P& packet) {
        Buffer bytes;
        const Result<void> written = wire::encode(bytes, packet, version);
        ASSERT_TRUE(written) << written.failure().message();
        receive_bytes(bytes.bytes());
    }
    void receive_hex(std::string_view text) { receive_bytes(hex(text)); }
    void receive_bytes(Bytes bytes) {
        // A copy of its own, so that a sanitizer sees it when a view outlives the call.
        const std::vector<std::byte> chunk(bytes.begin(), bytes.end());
        session_.handle_input(chunk, now);
        while (auto event = session_.poll_event()) note(*std::move(event));
    }
    void receive_message(std::string_view topic, std::string_view payload, QoS qos = QoS::at_most_once, PacketId id = 0,
                         bool dup = false) {
        receive(Publish{.topic = topic, .payload = as_bytes(payload), .qos = qos, .dup = dup, .packet_id = id});
    }

    // --- the application

    NotedOperation& publish(std::string_view topic, std::string_view payload, QoS qos = QoS::at_least_once,
                            bool retain = false) {
        Publish message{.topic = topic, .payload = as_bytes(payload), .qos = qos, .retain = retain};
        return publish(message);
    }
    NotedOperation& publish(Publish& message) {
        NotedOperation& operation = operations_.emplace_back();
        auto published = session_.publish(message, &operation);
        if (!published) {
            refuse(operation, published.failure());
        } else {
            operation.id = published->id;
            if (published->done) operation.outcome = "ok";
        }
        return operation;
    }
    NotedOperation& subscribe(std::vector<TopicSubscription> subscriptions,
                              const SubscribeProperties& properties = {}) {
        NotedOperation& operation = operations_.emplace_back();
        return asked(operation, session_.subscribe(subscriptions, properties, &operation));
    }
    NotedOperation& subscribe(std::string_view filter, QoS qos = QoS::at_most_once) {
        return subscribe({TopicSubscription{.filter = filter, .qos = qos}});
    }
    NotedOperation& unsubscribe(std::vector<std::string_view> filters) {
        NotedOperation& operation = operations_.emplace_back();
        return asked(operation, session_.unsubscribe(filters, {}, &operation));
    }
    /// The oldest delivered message that is not acknowledged.
    void acknowledge(ReasonCode code = ReasonCode::success) {
        ASSERT_FALSE(deliveries.empty());
        session_.acknowledge(deliveries.front(), code);
        deliveries.pop_front();
    }
    /// Messages, and whatever else was reported, since the last call.
    Lines events() { return std::exchange(events_, {}); }

    const Version version;
    TimePoint now{std::chrono::hours(1)};
    std::deque<session::Delivery> deliveries; ///< of messages at QoS 1 and 2, for the test to acknowledge

private:
    void note_sent(Bytes bytes) {
        wire::Framer framer;
        framer.feed(bytes);
        for (;;) {
            const auto frame = framer.next();
            ASSERT_TRUE(frame) << frame.failure().message();
            if (!*frame) break;
            wire::Arena arena;
            const auto packet = wire::decode(**frame, version, arena, wire::Sender::client);
            ASSERT_TRUE(packet) << packet.failure().message();
            sent_.push_back(brief(*packet));
        }
        EXPECT_FALSE(framer.mid_packet());
    }
    void note(session::Event&& event) {
        std::string line(to_string(event.type));
        if (event.id != 0) line += fmt::format("#{}", event.id);
        if (event.session_present) line += " present";
        if (event.reason_code != ReasonCode::success) line += " " + brief(event.reason_code);
        if (event.details) {
            for (const ReasonCode code : event.details->reason_codes) line += " " + brief(code);
            if (!event.details->reason_string.empty()) line += " " + event.details->reason_string;
        }
        if (const Message& message = event.message) {
            line += fmt::format(" q{}{}{} {}:{}", static_cast<int>(message.qos()), message.dup() ? " dup" : "",
                                message.retain() ? " retain" : "", message.topic(), brief(message.payload()));
        }
        events_.push_back(line);
        if (event.delivery.sequence != 0) deliveries.push_back(event.delivery);
        if (event.message) messages.push_back(std::move(event.message));
    }
    static void refuse(NotedOperation& operation, const Failure& why) {
        operation.outcome = "refused: " + why.code().message();
        operation.reason_code = why.reason_code();
    }
    static NotedOperation& asked(NotedOperation& operation, const Result<PacketId>& id) {
        if (id) {
            operation.id = *id;
        } else {
            refuse(operation, id.failure());
        }
        return operation;
    }

    session::Session session_;
    std::deque<NotedOperation> operations_; // destroyed before the session: they detach
    Lines sent_;
    Lines events_;

public:
    std::vector<Message> messages; ///< all that were delivered
};

/// For tests of both versions.
class SessionTest : public ::testing::TestWithParam<Version> {
protected:
    [[nodiscard]] bool v5() const { return GetParam() == Version::v5; }

    SessionPeer peer{GetParam()};
};

[[nodiscard]] inline std::string version_name(const ::testing::TestParamInfo<Version>& info) {
    return info.param == Version::v5 ? "v5" : "v3_1_1";
}
[[nodiscard]] inline auto both_versions() { return ::testing::Values(Version::v3_1_1, Version::v5); }

} // namespace culex::testing

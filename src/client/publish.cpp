// Messages of ours, from the application to the session.
#include <memory>
#include <utility>

#include "client/core.hpp"
#include "session/session_direct.hpp"

namespace culex::client {
namespace {

bool wants_room(const Failure& failure) noexcept {
    return failure == Errc::queue_full || failure == Errc::no_packet_id;
}

/// DISCONNECT has gone before what waited for room: `stop` is near, which counts it and tells it so.
bool too_late(const Failure& failure) noexcept { return failure == Errc::not_connected; }

} // namespace

inline bool Core::may_be_direct(const PublishOptions& options) const noexcept {
    check_caller();
    assert(!session_.direct() || (link_ && !not_open() && waiting_for_room_.empty()));
    return wire::says_no_properties(options.properties, version());
}

/// The short ways: what they refuse is for `publish`.
template <bool Short>
[[gnu::always_inline]] inline bool Core::publish_once(std::string_view topic, Bytes payload,
                                                      const PublishOptions& options) {
    return may_be_direct(options) && session_.send_plain_once<Short>(topic, payload, options.retain) &&
           link_->output_grew();
}

template <bool Short>
[[gnu::always_inline]] inline bool Core::publish_tracked(std::string_view topic, Bytes payload,
                                                         const PublishOptions& options, session::Claim& claim,
                                                         ReadyNode::Run run) {
    if (!may_be_direct(options)) return false;
    if (!session_.send_plain_tracked<Short>(topic, payload, options.qos, options.retain, claim, run)) return false;
    link_->output_grew();
    if (!link_->reading()) [[unlikely]]
        update_reading(); // an answer is waited for
    return true;
}

void Core::publish(Publish& message, ClientOperation& operation, const Payload* payload) {
    if (Failure why = not_open()) return fail(operation, std::move(why));
    if (message.properties.message_expiry_interval) [[unlikely]]
        session_.note_time(runtime_.now());
    const bool first = waiting_for_room_.empty();
    const bool apart = payload && payload->size() >= session::Exchange::large_payload;
    if (first && !apart && settle(session_.publish(message, &operation), operation)) return;
    // It waits with a copy of its own: what the caller's views show may be gone when there is room.
    auto prepared = session_.prepare(message, payload);
    if (!prepared) return fail(operation, std::move(prepared).failure());
    if (first && apart && settle(session_.submit(*prepared, &operation), operation)) return;
    operation.prepared_ = prepared->release();
    waiting_for_room_.push_back(operation.place_);
    session_.allow_direct(false);
}

/// False where it has to wait for room.
bool Core::settle(Result<session::Published>&& published, ClientOperation& operation) {
    if (published) {
        operation.id_ = published->id;
        if (published->done && !operation.awaits_reply_) operation.finish();
        verb_done();
        return true;
    }
    if (wants_room(published.failure())) {
        if (settings_.plain().when_full == WhenFull::wait) return false;
        ++refused_;
    }
    fail(operation, std::move(published).failure());
    return true;
}

Result<PacketId> Core::try_publish(Publish& message) {
    if (Failure why = not_open()) return why;
    if (!waiting_for_room_.empty()) {
        ++refused_;
        return Failure(Errc::queue_full, session_.fullness());
    }
    if (message.properties.message_expiry_interval) [[unlikely]]
        session_.note_time(runtime_.now());
    auto published = session_.publish(message);
    if (!published) {
        if (!wants_room(published.failure())) return std::move(published).failure();
        ++refused_;
        return Failure(published.failure().code(), session_.fullness());
    }
    verb_done();
    return published->id;
}

Result<PacketId> Core::submit(session::Exchange::Owner& message) {
    if (session_.send_prepared_once(*message)) {
        assert(link_ && !not_open() && waiting_for_room_.empty());
        message->dispose();
        (void)message.release();
        link_->output_grew();
        return PacketId{};
    }
    if (Failure why = not_open()) return why;
    if (message->expires_at != TimePoint{}) session_.note_time(runtime_.now());
    auto submitted = session_.submit(message, nullptr);
    if (!submitted) return std::move(submitted).failure();
    verb_done();
    return submitted->id;
}

/// First come, first served: nobody passes the first who waits.
void Core::make_room() {
    session_.note_time(runtime_.now());
    while (!waiting_for_room_.empty()) {
        ClientOperation& operation = waiting_for_room_.front().operation;
        session::Exchange::Owner prepared{std::exchange(operation.prepared_, nullptr)};
        auto submitted = session_.submit(prepared, &operation);
        if (!submitted && (wants_room(submitted.failure()) || too_late(submitted.failure()))) {
            operation.prepared_ = prepared.release();
            break;
        }
        operation.place_.unlink();
        if (!submitted) {
            fail(operation, std::move(submitted).failure());
            continue;
        }
        operation.id_ = submitted->id;
        if (submitted->done && !operation.awaits_reply_)
            operation.finish(); // at QoS 0, which the session does not tell
    }
    session_.allow_direct(waiting_for_room_.empty() && !not_open());
    pass_on_disconnect();
    verb_done();
}

} // namespace culex::client

namespace culex {

using client::Core;

namespace {

Publish packet(std::string_view topic, Bytes payload, const PublishOptions& options) noexcept {
    return {.topic = topic,
            .payload = payload,
            .qos = options.qos,
            .retain = options.retain,
            .properties = options.properties};
}

[[gnu::noinline]] bool send_long_once(Core& core, std::string_view topic, Bytes payload,
                                      const PublishOptions& options) {
    return core.publish_once<false>(topic, payload, options);
}

} // namespace

/// The short way calls nothing, so that it need not save the registers which calls may change.
bool PublishOperation::send_once(Core& core, std::string_view topic, Bytes payload, const PublishOptions& options) {
    if (wire::is_short_publish(topic, payload)) return core.publish_once<true>(topic, payload, options);
    return send_long_once(core, topic, payload, options);
}

/// True where the message is in the output, and claimed.
template <bool Short>
[[gnu::always_inline]] inline bool PublishOperation::send_tracked(Core& core, std::string_view topic, Bytes payload,
                                                                  const PublishOptions& options) {
    const bool tracked = options.qos == QoS::at_least_once || options.qos == QoS::exactly_once;
    if (!tracked || options.timeout.count() != 0) return false;
    return core.publish_tracked<Short>(topic, payload, options, claim_, &PublishOperation::resume);
}

/// A view by reference: so all that is passed is passed in registers.
void PublishOperation::begin(Core& core, std::string_view topic, const Bytes& payload, const PublishOptions& options) {
    const bool sent = wire::is_short_publish(topic, payload) && send_tracked<true>(core, topic, payload, options);
    if (!sent) begin_long(core, topic, payload, options);
}

void PublishOperation::begin_long(Core& core, std::string_view topic, Bytes payload, const PublishOptions& options) {
    if (send_tracked<false>(core, topic, payload, options)) return;
    Publish message = packet(topic, payload, options);
    begin_pending(core, message, nullptr, options.timeout);
}

PublishOperation::PublishOperation(Core& core, std::string_view topic, const Payload& payload,
                                   const PublishOptions& options)
    : claim_(State::pending) {
    Publish message = packet(topic, payload.bytes(), options);
    begin_pending(core, message, &payload, options.timeout);
}

PublishOperation::PublishOperation(Core& core, Publish& message) : claim_(State::pending) {
    begin_pending(core, message, nullptr, {});
}

/// What throws has left nothing behind: there will be no operation that could clean up.
void PublishOperation::begin_pending(Core& core, Publish& message, const Payload* payload,
                                     std::chrono::milliseconds timeout) {
    claim_.state = State::pending;
    Pending& waits = *std::construct_at(&pending_, core);
    try {
        waits.begin_deadline(timeout);
        core.publish(message, waits, payload);
    } catch (...) {
        std::destroy_at(&waits);
        throw;
    }
}

PublishOperation::Pending::Pending(Core& core) noexcept : ClientOperation(core, &ClientOperation::on_completed) {}

PublishResult PublishOperation::Pending::result() {
    check();
    return {reason_code_, id_};
}

void PublishOperation::resume(ReadyNode& answered) {
    std::coroutine_handle<>::from_address(session::Exchange::settle_claim(answered)).resume();
}

PublishResult PublishOperation::slow_result() {
    if (claim_.state == State::pending) return pending_.result();
    throw Error(claim_.take_failure());
}

void PublishOperation::end() noexcept {
    if (claim_.state == State::pending) {
        pending_.~Pending();
    } else {
        claim_.drop();
    }
}

Result<PacketId> AsyncClient::try_publish(std::string_view topic, Bytes payload, const PublishOptions& options) {
    Publish message = packet(topic, payload, options);
    return core_->try_publish(message);
}

} // namespace culex

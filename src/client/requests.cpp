#include "client/requests.hpp"

#include <algorithm>
#include <cassert>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "client/core.hpp"
#include "wire/codec.hpp"
#include "wire/roles.hpp"

namespace culex {

RequestOperation::RequestOperation(client::Core& core) noexcept
    : ClientOperation(core, &client::Requests::on_published) {
    awaits_reply_ = true;
}

/// By way of the other, so that the destructor runs if anything throws here.
RequestOperation::RequestOperation(client::Core& core, Publish& message, std::chrono::milliseconds timeout)
    : RequestOperation(core) {
    begin_deadline(timeout);
    core.request(message, *this);
}

RequestOperation::~RequestOperation() {
    if (requests_) requests_->leave(*this);
}

} // namespace culex

namespace culex::client {
namespace {

/// 128 bits that nobody can guess, whatever the runtime's seed: they keep others from reading or forging replies.
std::string make_secret() {
    std::random_device device;
    std::string secret;
    for (int i = 0; i < 4; ++i) secret += fmt::format("{:08x}", device());
    return secret;
}

/// A client id as one level of a topic: any text may be one, and as long as a topic.
std::string topic_level(std::string_view client_id) {
    std::string level(client_id.substr(0, 64));
    const auto is_plain = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' ||
               c == '.';
    };
    std::ranges::replace_if(level, [&](char c) { return !is_plain(c); }, '_');
    return level;
}

void put(std::byte* to, std::uint32_t number) noexcept {
    for (int i = 0; i < 4; ++i) to[i] = static_cast<std::byte>(number >> (24 - 8 * i));
}

std::uint32_t number_at(const std::byte* from) noexcept {
    std::uint32_t number = 0;
    for (int i = 0; i < 4; ++i) number = number << 8 | std::to_integer<std::uint32_t>(from[i]);
    return number;
}

Failure no_response_topics() {
    return Failure(Errc::not_supported, "MQTT 3.1.1 has no response topics: use version 5");
}

Failure check_properties(const PublishProperties& properties) {
    if (properties.response_topic)
        return Failure(Errc::invalid_argument, "response_topic: a request has the client's own");
    if (properties.correlation_data)
        return Failure(Errc::invalid_argument, "correlation_data: a request has the client's own");
    return Failure();
}

} // namespace

Requests::~Requests() {
    for (Slot& slot : slots_) {
        if (slot.operation) slot.operation->requests_ = nullptr;
    }
}

void Requests::begin(Publish& message, RequestOperation& operation) {
    if (Failure why = core_.not_open()) return core_.fail(operation, std::move(why));
    if (!wire::carries_properties(core_.version())) {
        return core_.fail(operation, no_response_topics());
    }
    if (Failure why = check_properties(message.properties)) return core_.fail(operation, std::move(why));
    enlist(operation);
    if (subscribed_ && waiting_.empty()) return send(message, operation);
    // They are in none of the session's bounds yet.
    if (core_.settings_.plain().when_full != WhenFull::wait && used_ > core_.session_.room().messages)
        return core_.fail(operation, Failure(Errc::queue_full));
    auto kept = core_.session_.prepare(message);
    if (!kept) return core_.fail(operation, std::move(kept).failure());
    operation.prepared_ = kept->release();
    operation.waits_for_topic_ = true;
    waiting_.push_back(operation.place_);
    if (!receiver_ || receiver_->done()) start_receiver();
}

void Requests::enlist(RequestOperation& operation) {
    if (first_free_ == none) {
        slots_.push_back({.next_free = none});
        first_free_ = static_cast<std::uint32_t>(slots_.size() - 1);
    }
    Slot& slot = slots_[first_free_];
    operation.place_in_table_ = std::exchange(first_free_, slot.next_free);
    operation.requests_ = this;
    slot.operation = &operation;
    ++used_;
}

void Requests::leave(RequestOperation& operation) noexcept {
    Slot& slot = slots_[operation.place_in_table_];
    slot.operation = nullptr;
    ++slot.use;
    slot.next_free = std::exchange(first_free_, operation.place_in_table_);
    --used_;
}

Requests::Correlation Requests::correlation_of(const RequestOperation& operation) const noexcept {
    Correlation correlation;
    put(correlation.data(), operation.place_in_table_);
    put(correlation.data() + 4, slots_[operation.place_in_table_].use);
    return correlation;
}

RequestOperation* Requests::find(Bytes correlation) const noexcept {
    if (correlation.size() != sizeof(Correlation)) return nullptr;
    const std::uint32_t place = number_at(correlation.data());
    if (place >= slots_.size() || slots_[place].use != number_at(correlation.data() + 4)) return nullptr;
    return slots_[place].operation;
}

void Requests::send(Publish& message, RequestOperation& operation) {
    const Correlation correlation = correlation_of(operation);
    message.properties.response_topic = topic_;
    message.properties.correlation_data = correlation;
    core_.publish(message, operation);
}

/// The message says now where its reply goes.
void Requests::send_waiting() {
    while (ClientOperation::Place* place = waiting_.pop_front()) {
        auto& operation = static_cast<RequestOperation&>(place->operation);
        operation.waits_for_topic_ = false;
        const session::Exchange::Owner kept{std::exchange(operation.prepared_, nullptr)};
        const Bytes packet = kept->packet();
        wire::Arena arena;
        auto message = wire::decode<Publish>(
            {std::to_integer<std::uint8_t>(packet[0]), packet.subspan(session::Exchange::body_offset(packet))},
            kept->version, arena);
        assert(message); // `begin` has written it
        if (const Payload* const apart = kept->payload_apart()) message->payload = apart->bytes();
        send(*message, operation);
    }
}

/// PUBACK says that the broker has the request, not that there is an answer; but where it says no, there will be none.
void Requests::on_published(session::Operation& completed, session::Outcome&& outcome) {
    ClientOperation& operation = ClientOperation::from(completed);
    const std::string_view reason = outcome.properties ? outcome.properties->reason_string.value_or("") : "";
    operation.note(std::move(outcome));
    const ReasonCode code = operation.reason_code_;
    if (!operation.failure_ && (failed(code) || code == ReasonCode::no_matching_subscribers)) {
        const char* const what = failed(code) ? "refuses the request" : "gives the request to nobody";
        operation.failure_ =
            Failure(Errc::rejected, fmt::format("the broker {}{}{}", what, reason.empty() ? "" : ": ", reason), code);
    }
    if (operation.failure_) operation.finish();
}

void Requests::take(Message reply) {
    const auto& properties = reply.properties();
    RequestOperation* const operation = properties.correlation_data ? find(*properties.correlation_data) : nullptr;
    if (!operation || operation->done_) {
        ++dropped_;
        return;
    }
    ++replies_;
    const auto is_failure = [](const UserProperty& property) { return property.name == handler_failed_property; };
    if (std::ranges::any_of(properties.user_properties, is_failure)) {
        operation->failure_ = Failure(Errc::rejected, "the handler on the other side has failed",
                                      ReasonCode::implementation_specific_error);
    } else {
        operation->reply_ = std::move(reply);
    }
    operation->detach(); // PUBACK may still be on its way
    operation->finish();
}

void Requests::fail_all(const Failure& why, bool waiting_too) {
    for (const Slot& slot : slots_) {
        if (!slot.operation || slot.operation->done_) continue;
        if (slot.operation->waits_for_topic_ && !waiting_too) continue;
        slot.operation->detach();
        core_.fail(*slot.operation, why);
    }
}

// --- the receiver

void Requests::start_receiver() {
    receiver_.emplace(run_receiver());
    receiver_->start_on(core_.runtime_);
}

Task<> Requests::run_receiver() {
    Failure why;
    try {
        co_await receive();
    } catch (const Error& error) {
        why = error.failure();
    }
    subscribed_ = false;
    fail_all(why ? why : Failure(Errc::closed), true);
}

Task<> Requests::receive() {
    co_await WaitConnectedOperation(core_, {});
    topic_ = make_topic();
    const TopicSubscription responses{.filter = topic_, .qos = QoS::at_least_once};
    const SubscribeOptions options{};
    auto replies = co_await SubscribeOperation(core_, std::span(&responses, 1), options);
    if (const ReasonCode code = replies.reason_code(); failed(code)) {
        throw Error(Failure(Errc::rejected, "the broker refuses the subscription to the response topic", code));
    }
    subscribed_ = true;
    send_waiting();
    while (auto reply = co_await replies.next()) take(*std::move(reply));
}

std::string Requests::make_topic() {
    if (secret_.empty()) secret_ = make_secret();
    information_ = core_.session_.response_information();
    if (information_.empty()) return fmt::format("culex/responses/{}/{}", topic_level(core_.client_id()), secret_);
    return fmt::format("{}{}{}", information_, information_.ends_with('/') ? "" : "/", secret_);
}

/// What was made of other information is of no use here: nobody may answer there.
void Requests::connected() {
    if (!wire::carries_properties(core_.version())) return end(no_response_topics()); // the broker spoke 5 before
    if (topic_.empty() || core_.session_.response_information() == information_) return;
    receiver_.reset();
    subscribed_ = false;
    const std::string before = std::exchange(topic_, {});
    const std::string_view filter = before;
    (void)core_.session_.unsubscribe(std::span(&filter, 1), {}); // the session would restore it for ever
    core_.verb_done();
    fail_all(Failure(Errc::session_lost, "the broker gives other response topics"), false);
    if (!waiting_.empty()) start_receiver();
}

void Requests::end(const Failure& why) {
    receiver_.reset();
    subscribed_ = false;
    topic_.clear();
    fail_all(why, true);
}

void Requests::count_into(Statistics& statistics) const noexcept {
    statistics.outbound.requests = used_;
    statistics.replies = replies_;
    statistics.replies_dropped = dropped_;
}

} // namespace culex::client

namespace culex {

RequestOperation AsyncClient::request(std::string_view topic, Bytes payload, const RequestOptions& options) {
    Publish message{.topic = topic, .payload = payload, .qos = options.qos, .properties = options.properties};
    auto& expiry = message.properties.message_expiry_interval;
    if (!expiry && options.timeout.count() > 0) {
        const auto seconds = std::chrono::ceil<std::chrono::seconds>(options.timeout).count();
        expiry = static_cast<std::uint32_t>(std::min<std::int64_t>(seconds, 0xFFFFFFFF));
    }
    return RequestOperation(*core_, message, options.timeout);
}

RequestOperation AsyncClient::request(std::string_view topic, std::string_view text, const RequestOptions& options) {
    return request(topic, as_bytes(text), options);
}

} // namespace culex

#include "client/core.hpp"

#include <random>
#include <utility>

#include <fmt/format.h>

#include <culex/topic.hpp>

#include "wire/roles.hpp"

namespace culex::client {
namespace {

std::uint64_t fresh_seed(Runtime& runtime) {
    if (const std::uint64_t seed = runtime.random_seed()) return seed;
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

/// Up to a fifth of the keep-alive, and the same for the client's life: even those that something has brought into step part
/// again.
std::uint16_t ping_earlier(std::uint64_t seed) noexcept {
    return static_cast<std::uint16_t>((seed * 0x9E37'79B9'7F4A'7C15U >> 32) % 20'001);
}

session::Config session_config(const ClientOptions& options, const Observer* observer, std::uint64_t seed) noexcept {
    session::Config config = client::session_config(options);
    config.ping_earlier = ping_earlier(seed);
    config.report_packets = config.deliver_on_pubrel = observer != nullptr;
    return config;
}

} // namespace

Core::Core(Runtime& runtime, const ClientOptions& options, Observer* observer)
    : Core(runtime, options, observer, fresh_seed(runtime)) {}

Core::Core(Runtime& runtime, const ClientOptions& options, Observer* observer, std::uint64_t seed)
    : runtime_(runtime), observer_(observer), settings_(options), session_(session_config(options, observer, seed)),
      router_(runtime, session_, settings_.plain().inbound, *this),
      receive_maximum_(session_config(options).receive_maximum),
      broker_keeps_to_maximum_(wire::receive_maximum_binds(settings_.plain().version)),
      backoff_(options.reconnect, seed), verdicts_(options.reconnect.verdicts), route_(options.reconnect.redirects) {
    if (!observer) session_.set_message_sink(&router_);
    session_.set_ready_sink(*this);
}

Core::~Core() {
    check_caller();
    observer_ = nullptr;
    supervisor_.reset();
    authentication_.reset();
    opening_.reset();
    link_.reset();
    const Failure closed(Errc::closed);
    session_.abandon(closed);
    if (requests_) requests_->end(closed);
    fail_all(waiting_for_room_, closed);
    fail_all(waiting_to_connect_, closed);
    fail_all(waiting_to_disconnect_, closed);
    fail_all(waiting_until_connected_, closed);
    authentication_lost(closed);
    while (EventStream* stream = event_streams_.pop_front()) stream->end();
}

// --- verbs

void Core::request(Publish& message, RequestOperation& operation) {
    if (!requests_) requests_ = std::make_unique<Requests>(*this);
    requests_->begin(message, operation);
}

void Core::subscribe(std::span<const TopicSubscription> subscriptions, const SubscribeOptions& options,
                     SubscribeOperation& operation) {
    if (Failure why = not_open()) return fail(operation, std::move(why));
    std::vector<std::string_view> filters;
    for (const TopicSubscription& subscription : subscriptions) filters.push_back(subscription.filter);
    Subscription stream(router_.open(filters, options.acknowledge).release());
    auto asked = session_.subscribe(subscriptions, options.properties, &operation);
    if (!asked) return fail(operation, std::move(asked).failure());
    operation.id_ = *asked;
    operation.subscription_ = std::move(stream);
    verb_done();
}

void Core::granted(Subscription& subscription, std::span<const ReasonCode> codes) {
    Inbox& inbox = *subscription.inbox_;
    inbox.reason_codes.assign(codes.begin(), codes.end());
    // No message will come for a filter that was refused.
    for (std::size_t i = 0; i < codes.size(); ++i) {
        const bool wanted = i < inbox.filters.size() && !inbox.filters[i].empty(); // not unsubscribed since
        if (failed(codes[i]) && wanted) router_.close_place(inbox, inbox.filters[i]);
    }
}

void Core::unsubscribe(std::span<const std::string_view> filters, const UnsubscribeOptions& options,
                       UnsubscribeOperation& operation) {
    if (Failure why = not_open()) return fail(operation, std::move(why));
    auto asked = session_.unsubscribe(filters, options.properties, &operation);
    if (!asked) return fail(operation, std::move(asked).failure());
    operation.id_ = *asked;
    for (const std::string_view filter : filters) router_.close(filter);
    verb_done();
}

Result<PacketId> Core::subscribe(std::span<const TopicSubscription> subscriptions,
                                 const SubscribeProperties& properties) {
    if (Failure why = not_open()) return why;
    auto asked = session_.subscribe(subscriptions, properties);
    verb_done();
    return asked;
}

Result<PacketId> Core::unsubscribe(std::span<const std::string_view> filters, const UnsubscribeProperties& properties) {
    if (Failure why = not_open()) return why;
    auto asked = session_.unsubscribe(filters, properties);
    verb_done();
    return asked;
}

Subscription Core::listen(std::string_view filter, Acknowledge acknowledge) {
    check_topic_filter(filter).value();
    return Subscription(router_.open(std::span{&filter, 1}, acknowledge).release());
}

Subscription Core::messages(Acknowledge acknowledge) {
    return Subscription(router_.open_catch_all(acknowledge).release());
}

void Core::acknowledge(const session::Delivery& delivery, ReasonCode code, const AckProperties* why) {
    session_.acknowledge(delivery, code, why);
    on_consumed();
}

void Core::set_held(std::size_t messages, std::size_t bytes) noexcept {
    held_messages_ = messages;
    held_bytes_ = bytes;
    update_reading();
}

void Core::proceed() {
    may_proceed_ = true;
    changed_.notify();
}

std::string_view Core::client_id() const noexcept {
    return session_.assigned_client_id().empty() ? settings_.client_id() : session_.assigned_client_id();
}

// --- what happens

void Core::on_open(Result<std::unique_ptr<Stream>> stream) {
    opened_.emplace(std::move(stream));
    changed_.notify();
}

void Core::on_progress() {
    drain_events();
    router_.settle();
    on_flushed();
    update_reading();
}

void Core::waiter_left() {
    if (!waiting_for_room_.empty() || disconnect_waits_) {
        runtime_.post(room_);
    } else {
        session_.allow_direct(!not_open());
    }
}

void Core::on_flushed() {
    waiter_left();
    if (observer_) observer_->on_room();
}

void Core::on_link_end(Failure why) {
    link_end_ = std::move(why);
    changed_.notify();
}

void Core::on_consumed() {
    check_caller();
    if (!link_) return;
    link_->output_arrived();
    if (!link_->reading()) [[unlikely]]
        update_reading();
}

void Core::drain_events() {
    while (auto event = session_.poll_event()) {
        if (event->type == PacketType::auth) {
            hear(*event);
        } else if (event->type == PacketType::connack) {
            session_present_ = event->session_present;
            router_.link_began();
            changed_.notify();
        } else { // messages go to the router at once, unless somebody observes
            observer_->on_event(*std::move(event));
        }
    }
}

/// Beyond the soft limits reading stops, unless somebody waits for an answer that only reading can bring; then QoS 0 messages
/// beyond the hard limits are dropped (by the router), and QoS 1 and 2 messages are bounded by their number. To that the
/// broker keeps where it knows the Receive Maximum; where it does not, to stop reading is the last means. Before
/// CONNACK there is nothing to hold back, and all to wait for.
void Core::update_reading() {
    if (!link_ || !session_.connected()) return;
    const InboundLimits& limits = settings_.plain().inbound;
    const std::size_t messages = router_.messages() + held_messages_;
    const std::size_t bytes = router_.bytes() + held_bytes_;
    // A window full of QoS 2 messages that wait for PUBREL is no reason not to read it.
    const bool window_full = session_.unacknowledged() >= receive_maximum_ && session_.waits_for_consumer();
    const bool below_soft = bytes <= limits.soft_bytes && messages <= limits.soft_messages;
    const bool below_hard = bytes <= limits.hard_bytes && messages <= limits.hard_messages;
    const bool waits_for_answer = session_.outstanding() != 0 || (requests_ && requests_->any()) ||
                                  (asked_again_ && !asked_again_->under_way.empty());
    const bool reading =
        !waits_for_answer ? below_soft && !window_full : below_hard || !window_full || broker_keeps_to_maximum_;
    router_.tell_of_consumption(!reading);
    link_->set_reading(reading);
}

// --- small things

Failure Core::not_open() const {
    check_caller();
    if (state_ != ConnectionState::idle && state_ != ConnectionState::disconnecting) [[likely]]
        return Failure();
    return why_not_open();
}

Failure Core::why_not_open() const {
    if (state_ != ConnectionState::idle) return Failure(Errc::not_connected, "the client is disconnecting");
    if (route_.empty()) return Failure(Errc::not_connected, "call connect first");
    if (!gave_up_) return Failure(Errc::not_connected, "the client has disconnected: call connect again");
    return Failure(Errc::not_connected, fmt::format("the client has given up: {}", gave_up_.message()));
}

void Core::verb_done() {
    if (!link_) return;
    link_->output_arrived();
    if (!link_->reading()) update_reading(); // perhaps an answer is waited for now
}

void Core::fail(ClientOperation& operation, Failure why) {
    operation.failure_ = std::move(why);
    operation.finish();
}

void Core::fail_all(Places& places, const Failure& why) {
    while (auto* place = places.pop_front()) fail(place->operation, why);
}

Connect Core::connect_packet(wire::Arena& arena) const {
    Connect packet = settings_.connect(arena);
    packet.client_id = client_id();
    if (authentication_) {
        packet.properties.authentication_method = settings_.plain().authenticator->method();
        if (first_word_ && !first_word_->empty()) packet.properties.authentication_data = as_bytes(*first_word_);
    }
    // Where the session outlives its connections, only the first connection of a client starts clean. Under 3.1.1 there is no
    // expiry, and Clean Session says the same on every connection.
    if (ever_connected_ && wire::carries_properties(version()) &&
        packet.properties.session_expiry_interval.value_or(0) > 0)
        packet.clean_start = false;
    return packet;
}

} // namespace culex::client

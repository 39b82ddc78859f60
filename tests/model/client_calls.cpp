// Operations: how they are called and awaited.
#include <algorithm>

#include <culex/payload.hpp>
#include <culex/timeout.hpp>
#include <culex/when_any.hpp>

#include "model/client_world.hpp"

namespace culex::model {
namespace {

Task<> sleep(std::chrono::milliseconds duration) { co_await sleep_for(duration); }

} // namespace

ClientCall& ClientWorld::new_call(Kind kind, std::size_t client, std::chrono::milliseconds timeout) {
    notice(clients_[client]);
    ClientCall& call = calls_.emplace_back();
    call.kind = kind;
    call.client = client;
    call.number = calls_.size() - 1;
    call.timeout = timeout;
    call.called_at = runtime_.now();
    const ConnectionState state = clients_[client].client->state();
    call.idle = state == ConnectionState::idle;
    call.open = !call.idle && state != ConnectionState::disconnecting;
    call.stops = clients_[client].stops;
    call.gave_up = clients_[client].gave_up;
    call.sessions_lost = sessions_lost_;
    return call;
}

template <class Op> void ClientWorld::spawn(ClientCall& call, Op& operation) {
    call.waiter.emplace(wait(call, operation));
    call.waiter->start_on(runtime_);
}

template <class Op> Task<> ClientWorld::wait(ClientCall& call, Op& operation) {
    try {
        auto result = co_await operation;
        take_result(call, std::move(result));
        ended(call, {});
    } catch (const Error& error) {
        ended(call, error.failure());
    }
}

void ClientWorld::take_result(ClientCall& call, Subscription&& stream) {
    ModelStream& model = streams_[call.stream];
    model.stream = std::move(stream);
    model.held = true;
    if (model.stream.reason_codes().size() != call.filters)
        broken("SUBACK's codes are not those of operation {}", call.number);
}

void ClientWorld::take_result(ClientCall& call, const DisconnectResult& result) {
    const std::size_t sum = result.messages[0] + result.messages[1] + result.messages[2] + result.requests;
    call.undelivered = sum;
    if (result.undelivered != sum || (sum > 0) != static_cast<bool>(result.why))
        broken("operation {} reports {} undelivered, which are {}", call.number, result.undelivered, sum);
}

// --- verbs; an operation can be neither moved nor copied, so it is made where it stays

void ClientWorld::connect(const Step& step) {
    const std::size_t client = client_at(step.n[0]);
    ClientCall& call = new_call(Kind::connect, client, std::chrono::milliseconds(step.n[2]));
    const std::string url = "mqtts://" + std::to_string(client);
    call.connect = std::unique_ptr<ConnectOperation>(new ConnectOperation(
        clients_[client].client->connect(url, {.retry = step.n[1] != 0, .timeout = call.timeout})));
    if (call.idle) clients_[client].ever_connected = false;
    spawn(call, *call.connect);
}

void ClientWorld::disconnect(const Step& step) {
    const std::size_t client = client_at(step.n[0]);
    ClientCall& call = new_call(Kind::disconnect, client, {});
    call.disconnect = std::unique_ptr<DisconnectOperation>(
        new DisconnectOperation(clients_[client].client->disconnect({.drain = std::chrono::milliseconds(step.n[1])})));
    spawn(call, *call.disconnect);
}

void ClientWorld::publish(const Step& step) {
    const auto& n = step.n;
    ClientCall& call = new_call(Kind::publish, client_at(n[0]), std::chrono::milliseconds(n[5]));
    call.way = static_cast<Way>(n[4] % way_count);
    call.message = messages_.size();
    messages_.push_back(
        {.call = call.number, .qos = static_cast<QoS>(n[1] % 3), .size = n[2], .topic = n[3] % topic_count});
    switch (call.way) {
    case Way::in_time:
        call.waiter.emplace(publish_in_time(call));
        return call.waiter->start_on(runtime_);
    case Way::first:
        call.waiter.emplace(publish_first(call));
        return call.waiter->start_on(runtime_);
    default:
        return begin_publish(call);
    }
}

void ClientWorld::begin_publish(ClientCall& call) {
    const Sent& sent = messages_[call.message];
    AsyncClient& client = *clients_[call.client].client;
    const std::string text = payload_of(call.message, sent.size);
    PublishOptions options{.qos = sent.qos};
    if (call.way == Way::deadline) options.timeout = call.timeout;
    call.order = ++orders_;
    if (call.way == Way::unheard) {
        const auto published = client.try_publish(topics[sent.topic], as_bytes(text), options);
        call.fate = published ? ClientCall::Fate::taken : ClientCall::Fate::not_taken;
        call.dropped = static_cast<bool>(published); // what becomes of it is not told
        return ended(call, published ? Failure() : published.failure());
    }
    if (call.way == Way::handed_over) {
        const Payload payload(std::string{text});
        call.publish = std::unique_ptr<PublishOperation>(
            new PublishOperation(client.publish(topics[sent.topic], payload, options)));
    } else {
        call.publish =
            std::unique_ptr<PublishOperation>(new PublishOperation(client.publish(topics[sent.topic], text, options)));
    }
    if (call.way != Way::later) spawn(call, *call.publish);
}

/// What nobody has awaited so far.
void ClientWorld::await_later(ClientCall& call) {
    if (call.live && call.publish && !call.waiter) spawn(call, *call.publish);
}

/// The operation is called and awaited in one expression, as users do it.
Task<> ClientWorld::publish_here(ClientCall& call) {
    if (!lives(call)) {
        call.fate = ClientCall::Fate::not_taken;
        call.dropped = true;
        call.live = false;
        co_return;
    }
    const Sent sent = messages_[call.message];
    const std::string_view topic = topics[sent.topic];
    const std::string text = payload_of(call.message, sent.size);
    const ConnectionState state = clients_[call.client].client->state();
    call.open = state != ConnectionState::idle && state != ConnectionState::disconnecting;
    call.order = ++orders_;
    try {
        const PublishResult result = co_await clients_[call.client].client->publish(topic, text, {.qos = sent.qos});
        take_result(call, result);
        ended(call, {});
    } catch (const Error& error) {
        ended(call, error.failure());
    }
}

Task<> ClientWorld::publish_in_time(ClientCall& call) {
    try {
        co_await with_timeout(publish_here(call), call.timeout);
    } catch (const Error&) {
        call.live = false;
        call.dropped = true;
        if (runtime_.now() < call.called_at + call.timeout) broken("operation {} was cancelled too early", call.number);
    }
}

Task<> ClientWorld::publish_first(ClientCall& call) {
    (void)co_await when_any(publish_here(call), sleep(call.timeout));
    if (!call.live) co_return;
    call.live = false;
    call.dropped = true;
}

void ClientWorld::subscribe(const Step& step) {
    const auto& n = step.n;
    const std::size_t client = client_at(n[0]);
    const QoS qos = static_cast<QoS>(n[3] % 3);
    ClientCall& call = new_call(Kind::subscribe, client, std::chrono::milliseconds(n[5]));
    std::vector<std::size_t> asked{n[1] % filters.size()};
    const std::size_t other = n[2] % (filters.size() + 1);
    if (other != 0 && other - 1 != asked.front()) asked.push_back(other - 1);
    std::vector<TopicSubscription> subscriptions;
    for (const std::size_t filter : asked) subscriptions.push_back({.filter = filters[filter], .qos = qos});
    const SubscribeOptions options{.timeout = call.timeout,
                                   .acknowledge = n[4] % 2 == 1 ? Acknowledge::manual : Acknowledge::automatic};
    call.filters = asked.size();
    call.subscribe = std::unique_ptr<SubscribeOperation>(
        new SubscribeOperation(clients_[client].client->subscribe(subscriptions, options)));
    if (!call.subscribe->await_ready()) { // or else it has failed
        for (const std::size_t filter : asked) clients_[client].wanted[filter] = {.qos = qos, .call = call.number};
        call.stream = new_stream(client, n[4] % 2 == 1, std::move(asked));
    }
    spawn(call, *call.subscribe);
}

void ClientWorld::unsubscribe(const Step& step) {
    const std::size_t client = client_at(step.n[0]);
    const std::size_t filter = step.n[1] % filters.size();
    ClientCall& call = new_call(Kind::unsubscribe, client, std::chrono::milliseconds(step.n[2]));
    call.unsubscribe = std::unique_ptr<UnsubscribeOperation>(
        new UnsubscribeOperation(clients_[client].client->unsubscribe(filters[filter], {.timeout = call.timeout})));
    if (!call.unsubscribe->await_ready()) {
        clients_[client].wanted[filter] = {.call = call.number};
        close_filter(client, filter);
    }
    spawn(call, *call.unsubscribe);
}

void ClientWorld::close_filter(std::size_t client, std::size_t filter) {
    for (ModelStream& stream : streams_) {
        if (stream.client != client || std::erase(stream.filters, filter) == 0) continue;
        stream.ended = stream.ended || stream.filters.empty();
    }
}

} // namespace culex::model

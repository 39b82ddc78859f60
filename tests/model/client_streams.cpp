// Consumers: what they take, when they are done, and what becomes of streams that are dropped.
#include <algorithm>

#include "model/client_world.hpp"

namespace culex::model {

std::size_t ClientWorld::new_stream(std::size_t client, bool manual, std::vector<std::size_t> open) {
    ModelStream& stream = streams_.emplace_back();
    stream.client = client;
    stream.manual = manual;
    stream.filters = std::move(open);
    return streams_.size() - 1;
}

void ClientWorld::listen(const Step& step) {
    const std::size_t client = client_at(step.n[0]);
    const std::size_t filter = step.n[1] % filters.size();
    const bool manual = step.n[2] % 2 == 1;
    ModelStream& stream = streams_[new_stream(client, manual, {filter})];
    stream.stream =
        clients_[client].client->listen(filters[filter], manual ? Acknowledge::manual : Acknowledge::automatic);
    stream.held = true;
}

void ClientWorld::catch_all(const Step& step) {
    const std::size_t client = client_at(step.n[0]);
    const bool manual = step.n[1] % 2 == 1;
    std::size_t& current = clients_[client].catch_all;
    if (current != SIZE_MAX) streams_[current].ended = true;
    current = new_stream(client, manual, {});
    ModelStream& stream = streams_[current];
    stream.catches_all = true;
    stream.stream = clients_[client].client->messages(manual ? Acknowledge::manual : Acknowledge::automatic);
    stream.held = true;
}

ModelStream* ClientWorld::stream_at(std::uint32_t at) {
    std::vector<ModelStream*> there;
    for (ModelStream& stream : streams_)
        if (stream.held && !stream.gone) there.push_back(&stream);
    return there.empty() ? nullptr : there[at % there.size()];
}

// --- taking

void ClientWorld::take(ModelStream& stream, std::uint32_t count) {
    stream.consumer.reset(); // one consumer at a time
    for (; count > 0 && !verdict_.failed(); --count) {
        asks(stream);
        std::optional<Message> message;
        try {
            message = stream.stream.try_next();
        } catch (const Error&) {
            return nothing_came(stream, "failed");
        }
        if (!message) return nothing_came(stream, "was empty");
        took(stream, *std::move(message));
    }
}

void ClientWorld::wait_next(ModelStream& stream, std::uint32_t count, std::chrono::milliseconds timeout) {
    stream.consumer.reset();
    stream.consumer.emplace(consume(stream, count, timeout));
    stream.consumer->start_on(runtime_);
}

Task<> ClientWorld::consume(ModelStream& stream, std::uint32_t count, std::chrono::milliseconds timeout) {
    for (; count > 0; --count) {
        asks(stream);
        std::optional<Message> message;
        bool in_time = true;
        try {
            if (timeout.count() > 0) {
                message = co_await stream.stream.next(timeout);
            } else {
                message = co_await stream.stream.next();
            }
        } catch (const Error& error) {
            in_time = error.failure() != Errc::timed_out;
            if (in_time && !stream.ended) notice(clients_[stream.client]);
            if (in_time && !stream.ended) broken("a stream that goes on has failed: {}", error.failure().message());
        }
        if (!message && in_time && !stream.gone) notice(clients_[stream.client]);
        if (!message && in_time && !stream.gone && !stream.ended) broken("a stream that goes on has ended");
        if (!message) co_return nothing_came(stream, "has ended");
        took(stream, *std::move(message));
    }
}

/// A message that comes with `next` goes back where nobody awaits that.
void ClientWorld::put_back(ModelStream& stream) {
    stream.consumer.reset();
    asks(stream);
    (void)stream.stream.next();
    clients_[stream.client].full = {}; // there was room for a moment, and one more read comes of that
}

void ClientWorld::nothing_came(ModelStream& stream, const char* what) {
    if (stream.gone) return;
    const auto due = std::ranges::find_if(stream.queue, [](const ModelStream::Entry& entry) { return entry.must; });
    if (due != stream.queue.end())
        return broken("a stream {}, and message {} is to come", what, arrivals_[due->arrival].number);
    for (const ModelStream::Entry& entry : stream.queue) release(entry.arrival, ReasonCode::success);
    stream.queue.clear();
}

/// Who asks for the next message is done with the one before.
void ClientWorld::asks(ModelStream& stream) {
    if (stream.in_hand) release(*stream.in_hand, ReasonCode::success);
    stream.in_hand.reset();
}

void ClientWorld::took(ModelStream& stream, Message&& message) {
    const std::size_t number = number_of(message.text());
    auto& queue = stream.queue;
    while (!queue.empty() && arrivals_[queue.front().arrival].number != number && !queue.front().must) {
        release(queue.front().arrival, ReasonCode::success); // it was never there
        queue.pop_front();
    }
    if (queue.empty()) return broken("message {} was handed on, and is not for that stream", number);
    const std::size_t at = queue.front().arrival;
    const Arrival& arrival = arrivals_[at];
    if (arrival.number != number)
        return broken("message {} was handed on, and message {} is the next", number, arrival.number);
    queue.pop_front();
    const Sent& sent = messages_[number];
    if (message.topic() != topics[sent.topic] || message.text() != payload_of(number, sent.size) ||
        message.qos() != arrival.qos) {
        return broken("message {} was handed on otherwise than it came", number);
    }
    // Of a client at QoS 1 the broker may have got it twice, and after a lost session at QoS 2. What was refused comes again
    // where the refusal was lost.
    const bool once =
        !sent.refused && (sent.call == SIZE_MAX || sent.qos == QoS::at_most_once ||
                          (sent.qos == QoS::exactly_once && sessions_lost_ == calls_[sent.call].sessions_lost));
    if (++stream.seen[number] > 1 && once && !arrival.uncertain && arrival.qos != QoS::at_least_once &&
        !stream.catches_all)
        return broken("message {} was handed on twice", number);
    if (arrival.qos == QoS::at_most_once) return;
    if (stream.manual) {
        kept_.push_back({std::move(message), at});
    } else {
        stream.in_hand = at;
    }
}

/// The consumer of a manual stream is done with the message that it has kept as the so-manieth.
void ClientWorld::done(std::uint32_t at, ReasonCode code) {
    if (kept_.empty()) return;
    const auto kept = kept_.begin() + static_cast<std::ptrdiff_t>(at % kept_.size());
    release(kept->arrival, code);
    if (failed(code)) {
        messages_[arrivals_[kept->arrival].number].refused = true;
        kept->message.reject(code);
    } else {
        kept->message.ack();
    }
    kept_.erase(kept);
}

void ClientWorld::release(std::size_t at, ReasonCode code) {
    Arrival& arrival = arrivals_[at];
    if (arrival.qos == QoS::at_most_once) return;
    --arrival.holders;
    arrival.seen = true;
    arrival.wanted = arrival.wanted || !failed(code);
    arrival.code = code;
}

// --- going

void ClientWorld::drop_stream(ModelStream& stream) {
    gone(stream);
    stream.stream = Subscription();
    stream.consumer.reset();
}

void ClientWorld::gone(ModelStream& stream) {
    if (std::exchange(stream.gone, true)) return;
    ModelClient& client = clients_[stream.client];
    notice(client);
    stream.ended = true;
    stream.filters.clear();
    if (client.catch_all != SIZE_MAX && &streams_[client.catch_all] == &stream) client.catch_all = SIZE_MAX;
    if (stream.orphan) return;
    asks(stream);
    client.full = {}; // as with `put_back`
    for (const ModelStream::Entry& entry : stream.queue) leave(stream, entry);
    stream.queue.clear();
}

/// To the catch-all, or to nobody. What nobody has seen is not acknowledged where its consumer was to say so. At QoS 2 it is
/// left to those who share it.
void ClientWorld::leave(ModelStream& stream, const ModelStream::Entry& entry) {
    ModelClient& client = clients_[stream.client];
    Arrival& arrival = arrivals_[entry.arrival];
    if (client.catch_all != SIZE_MAX) return streams_[client.catch_all].queue.push_back(entry);
    ++client.unclaimed;
    const bool tracked = arrival.qos != QoS::at_most_once;
    if (!stream.manual || !tracked) return release(entry.arrival, ReasonCode::success);
    if (arrival.qos == QoS::exactly_once && (--arrival.holders > 0 || arrival.seen)) return;
    arrival.stuck = true;
    arrival.given_back = arrival.qos == QoS::exactly_once;
}

} // namespace culex::model

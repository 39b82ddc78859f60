#pragma once
/// \file ledger.hpp
/// What the model knows of each message and request, and the first promise that was broken.

#include <deque>
#include <string>
#include <vector>

#include <culex/operation.hpp>
#include <culex/types.hpp>

namespace culex::model {

/// Keeps the first one alone: what follows from it is noise.
class Verdict {
public:
    void broken(std::string what) {
        if (what_.empty()) what_ = std::move(what);
    }
    [[nodiscard]] bool failed() const noexcept { return !what_.empty(); }
    [[nodiscard]] const std::string& what() const noexcept { return what_; }

private:
    std::string what_;
};

/// Whoever hears how operations end.
class Ends {
public:
    virtual void ended(std::size_t operation, const session::Outcome& outcome) = 0;

protected:
    ~Ends() = default;
};

/// An operation of the client: a message, SUBSCRIBE or UNSUBSCRIBE. Its index is its number, in the order of the calls.
struct Call : session::Operation {
    Call(Ends& hears, std::size_t number_) : Operation(&Call::on_completed), to(&hears), number(number_) {}

    Ends* to;
    const std::size_t number;
    PacketType kind = PacketType::publish;
    QoS qos = QoS::at_most_once;
    std::uint32_t size = 0;  ///< of the payload
    std::uint32_t topic = 0; ///< its number
    TimePoint expires{};     ///< the epoch for never
    PacketId id = 0;

    bool live = false;     ///< accepted, and not ended
    bool answered = false; ///< the answer that ends it has reached the client
    ReasonCode code{};     ///< ... and says this
    bool refused = false;  ///< it has ended with a failure or a refusal
    bool in_call = true;   ///< the verb has not returned
    int ends = 0;

    unsigned attempts = 0;     ///< links on which it went into the output
    unsigned last_link = 0;    ///< the last of them
    bool received = false;     ///< QoS 2: PUBREC has come
    std::uint64_t release = 0; ///< ... as the so-manieth
    int arrivals = 0;          ///< at the broker's application
    unsigned session = 0;      ///< the broker's session in which it last arrived

private:
    static void on_completed(Operation& self, session::Outcome&& outcome) {
        auto& call = static_cast<Call&>(self);
        call.to->ended(call.number, outcome);
    }
};

/// A message of the broker's.
struct Down {
    QoS qos = QoS::at_most_once;
    std::uint32_t size = 0;
    std::uint32_t topic = 0;
    bool known = false;     ///< QoS 2: the client remembers it, from PUBLISH to the end
    bool held = false;      ///< ... and keeps it back until PUBREL
    bool due = false;       ///< the broker owes it: QoS 1 or 2, and the session lives
    bool uncertain = false; ///< the client cannot know this message from one of a session that is lost
    bool processed = false; ///< QoS 2: its consumer is done
    ReasonCode code{};      ///< ... and says this
    int deliveries = 0;
};

[[nodiscard]] inline std::string payload_of(std::size_t number, std::uint32_t size) {
    std::string text = std::to_string(number) + ":";
    text.append(size, 'x');
    return text;
}
[[nodiscard]] inline std::size_t number_of(std::string_view payload) {
    std::size_t number = 0;
    for (const char c : payload) {
        if (c == ':') return number;
        if (c < '0' || c > '9') break;
        number = number * 10 + static_cast<std::size_t>(c - '0');
    }
    return SIZE_MAX;
}

} // namespace culex::model

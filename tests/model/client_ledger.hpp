#pragma once
/// \file client_ledger.hpp
/// What the model of the clients knows of each operation, message and stream.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <culex/async_client.hpp>
#include <culex/task.hpp>

#include "model/program.hpp"
#include "wire/framer.hpp"

namespace culex::model {

/// What programs publish under. The router has a short way for topics of eight bytes and more, as well.
inline constexpr std::array<std::string_view, 3> topics{"topics/0", "topics/1", "t/2"};
inline constexpr std::uint32_t topic_count = topics.size();
/// And what they subscribe to.
inline constexpr std::array<std::string_view, 5> filters{"topics/0", "topics/1", "t/2", "topics/+", "#"};
[[nodiscard]] inline bool matches_topic(std::size_t filter, std::uint32_t topic) noexcept {
    return filter == topic || (filter == 3 && topic < 2) || filter == 4;
}

/// A message of a client or of the broker; its number stands in its payload.
struct Sent {
    std::size_t call = SIZE_MAX; ///< of a client; or none
    QoS qos = QoS::at_most_once;
    std::uint32_t size = 0;
    std::uint32_t topic = 0;
    bool refused = false; ///< by a consumer
};

/// An operation that a client was asked for.
struct ClientCall {
    enum class Kind : std::uint8_t { publish, subscribe, unsubscribe, connect, disconnect };
    enum class Fate : std::uint8_t { unknown, taken, not_taken };

    Kind kind = Kind::publish;
    std::size_t client = 0;
    std::size_t number = 0; ///< among the calls
    Way way = Way::awaited;
    std::size_t message = 0; ///< number of what is published
    std::uint64_t order = 0; ///< in which publishes were called; 0: not yet
    std::size_t filters = 0; ///< of subscribe: how many
    std::size_t stream = SIZE_MAX;
    std::chrono::milliseconds timeout{};
    TimePoint called_at{};

    // How things stood when it was called.
    bool open = false;          ///< the client took operations
    bool idle = false;          ///< ... or did nothing
    std::size_t stops = 0;      ///< of the client so far
    std::size_t gave_up = 0;    ///< ... by itself
    unsigned sessions_lost = 0; ///< by the broker so far

    std::unique_ptr<PublishOperation> publish{};
    std::unique_ptr<SubscribeOperation> subscribe{};
    std::unique_ptr<UnsubscribeOperation> unsubscribe{};
    std::unique_ptr<ConnectOperation> connect{};
    std::unique_ptr<DisconnectOperation> disconnect{};
    std::optional<TaskRoot<>> waiter{}; ///< destroyed before the operations

    bool live = true;
    Failure failure{};
    ReasonCode code{};
    std::size_t undelivered = 0; ///< of disconnect
    Fate fate = Fate::unknown;
    bool dropped = false; ///< the caller does not wait any more
    bool denied = false;  ///< the broker has refused it once at least
    int arrivals = 0;     ///< at the broker
};

/// A PUBLISH that a client has got: what its streams have to be done with. One that is sent again at QoS 2 is the same one.
struct Arrival {
    std::size_t number = 0;
    QoS qos = QoS::at_most_once;
    unsigned link = 0;   ///< of its client, on which it came first
    int holders = 0;     ///< those that are not done
    bool wanted = false; ///< one of them at least did not refuse it
    ReasonCode code{};   ///< what the last of them has said
    bool seen = false;   ///< one of them is done
    bool stuck = false;  ///< on its connection nobody can acknowledge it: who had to say when it is done never saw it
    bool given_back = false; ///< ... and so the next connection brings it once more, at QoS 2
    bool uncertain = false;  ///< the client cannot know it from one of a session that is lost

    [[nodiscard]] bool done() const noexcept { return holders == 0 && !stuck; }
    [[nodiscard]] ReasonCode answer() const noexcept { return wanted ? ReasonCode::success : code; }
};

/// A stream of a client's.
struct ModelStream {
    struct Entry {
        std::size_t arrival = 0;
        bool must = true; ///< the client cannot do without handing it on
    };

    std::size_t client = 0;
    bool manual = false;
    bool catches_all = false;
    std::vector<std::size_t> filters{}; ///< that are open
    bool ended = false;                 ///< nothing new will come
    bool orphan = false;                ///< its client is gone
    bool held = false;                  ///< by the application; before SUBACK its operation has it
    bool gone = false;

    Subscription stream{};
    std::optional<TaskRoot<>> consumer{};
    std::deque<Entry> queue{};
    std::optional<std::size_t> in_hand{}; ///< arrival
    std::map<std::size_t, int> seen{};    ///< numbers of messages
};

/// A message of a manual stream that its consumer has.
struct Kept {
    Message message{};
    std::size_t arrival = 0;
};

/// Since when a client should not have read: nothing has come since, and nobody has called it.
struct FullSince {
    bool full = false;
    std::size_t calls = 0;
    std::uint64_t orders = 0;
    bool operator==(const FullSince&) const = default;
};

/// A client, and what the model knows of its connection.
struct ModelClient {
    struct Owed { // an answer on this connection
        PacketType type = PacketType::puback;
        PacketId id = 0;
        std::size_t arrival = 0;
    };
    struct Wanted {               // what was asked for last
        std::optional<QoS> qos{}; ///< none: UNSUBSCRIBE
        std::size_t call = 0;
    };

    std::string name{};
    std::size_t number = 0;
    ConnectionEvents events{};
    std::size_t stops = 0;       ///< how often it went idle
    std::size_t gave_up = 0;     ///< ... by itself
    bool ever_connected = false; ///< since `connect`
    unsigned link = 0;
    bool accepted = false; ///< CONNACK has come on it
    FullSince full{};
    wire::Framer received{};
    wire::Framer sent{};
    unsigned known_session = 0; ///< the broker's, of which the client knows
    std::deque<Owed> owed{};
    std::map<PacketId, int> released{};      ///< PUBRELs of this link that PUBCOMP has not answered
    std::map<PacketId, std::size_t> known{}; ///< QoS 2 that the client remembers: arrivals
    std::size_t catch_all = SIZE_MAX;        ///< stream
    std::map<std::size_t, Wanted> wanted{};  ///< by filter
    std::uint64_t unclaimed = 0;
    std::uint64_t dropped = 0;
    bool exact = true; ///< nothing came of which the client may do one thing or another

    std::unique_ptr<AsyncClient>
        client{}; ///< null once it was destroyed; the first to go, since its link tells of its end
};

} // namespace culex::model

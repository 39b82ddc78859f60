#pragma once
/// \file program.hpp
/// A program of the model check: limits, and a row of small plain steps. It is made from a seed, can be printed and read
/// again, and shrinks: every number that is left out has the value that restricts least.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace culex::model {

/// Against what a program runs.
enum class WorldKind : std::uint8_t {
    session, ///< world.hpp: a session between two byte queues
    client,  ///< client_world.hpp: clients and the fake broker in virtual time
};

/// Limits that hold for a whole program.
struct Setting {
    std::uint32_t world = 0;               ///< `WorldKind`
    std::uint32_t version = 4;             ///< 4: MQTT 3.1.1; 5
    std::uint32_t on_pubrel = 0;           ///< a QoS 2 message is handed on with its PUBREL
    std::uint32_t sink = 0;                ///< messages go to a sink, not into events
    std::uint32_t receive_maximum = 65535; ///< of the client
    std::uint32_t aliases = 0;             ///< that the client takes from the broker
    std::uint32_t messages = 100000;       ///< bounds of what is outstanding
    std::uint32_t bytes = 1U << 26U;
    std::uint32_t when_full = 1;          ///< `WhenFull`
    std::uint32_t high_water = 1U << 18U; ///< of the output
    std::uint32_t keep_alive = 0;         ///< seconds
    // Of clients alone.
    std::uint32_t clients = 1;
    std::uint32_t soft = 100'000;   ///< messages that wait for their consumers, before reading stops
    std::uint32_t hard = 1'000'000; ///< ... before QoS 0 is dropped
    std::uint32_t chunk = 65'536;   ///< bytes that one read brings
    std::uint32_t latency = 0;      ///< milliseconds, one way
    std::uint32_t attempts = 0;     ///< to connect again, before a client gives up; 0: no limit
};

enum class Op : std::uint8_t {
    // Of the session's world.
    publish,     ///< QoS, payload size, topic, Message Expiry Interval in seconds (0: none)
    lent,        ///< the same under a lent identifier: QoS, payload size, topic
    subscribe,   ///< topic, QoS
    unsubscribe, ///< topic
    inject,      ///< the broker has a message: QoS, payload size, topic
    ack,         ///< the consumer of the n-th delivered message is done
    refuse,      ///< ... and refuses it
    flush,       ///< the transport takes n bytes; 0: all
    up,          ///< n bytes reach the broker
    down,        ///< n bytes reach the client
    turn,        ///< n times: everything is carried, both ways
    time,        ///< n milliseconds pass
    reading,     ///< the client reads (1) or does not (0)
    cut,         ///< the link ends; 1: what is on its way to the broker still arrives
    cut_up,      ///< the link will end after n bytes more to the broker
    cut_down,    ///< ... to the client
    open,   ///< a link: the broker's receive maximum, topic aliases, maximum packet size (0: none granted); 1: refused
    lose,   ///< the broker forgets the session before the next CONNECT
    deny,   ///< the broker refuses the next n messages (MQTT 5)
    expire, ///< what has expired in the queue goes
    skip,   ///< n packet identifiers are lent, and not used

    // Of the clients' world, with `inject`, `ack`, `refuse`, `turn` (of the runtime), `time`, `deny` and `lose`. First stands the
    // number of the client, or of the stream; numbers count around those that are there.
    connect,          ///< client; go on trying (1) or not, timeout in ms (0: none)
    disconnect,       ///< client; drain in ms
    reconnect,        ///< client
    destroy,          ///< client; another takes its place
    call_publish,     ///< client; QoS, payload size, topic, `Way`, time in ms
    call_subscribe,   ///< client; filter, another filter + 1, QoS, manual (1), timeout in ms
    call_unsubscribe, ///< client; filter, timeout in ms
    drop_call,        ///< the n-th operation that has not ended
    listen,           ///< client; filter, manual (1)
    catch_all,        ///< client; manual (1)
    take,             ///< stream; n messages, as far as they are there
    wait_next,        ///< stream; a coroutine waits for n messages, each for so many ms (0: no limit)
    put_back,         ///< stream; the next message is taken and not looked at
    drop_stream,      ///< stream
    cut_client,       ///< client; the broker ends its connection
    fault, ///< of the next connection: it ends after n bytes up, down (0: does not); bytes in a piece; delay in ms
    grant, ///< of later connections: receive maximum, maximum packet size (0: none)
    refuse_connect, ///< 0: not; 1: with a code that is worth another attempt; 2: with one that is not
    away,           ///< the broker does not listen (1), or does (0)
    hold,           ///< PUBACK and PUBREC wait (1), or do not (0)
};
inline constexpr std::size_t op_count = 41;
/// Numbers of a step.
inline constexpr std::size_t step_numbers = 6;

struct Step {
    Op op = Op::turn;
    std::array<std::uint32_t, step_numbers> n{};
};

struct Program {
    Setting setting{};
    std::vector<Step> steps{};
};

/// How `Op::call_publish` is called and waited for.
enum class Way : std::uint8_t {
    awaited,    ///< by a coroutine of its own
    deadline,   ///< `PublishOptions::timeout`
    later,      ///< nobody awaits it before the end
    in_time,    ///< `with_timeout`
    first,      ///< `when_any`, together with a sleep
    unheard,    ///< `try_publish`
    handed_over ///< as a `Payload`
};
inline constexpr std::uint32_t way_count = 7;

[[nodiscard]] Program make_program(std::uint64_t seed);
[[nodiscard]] Program make_client_program(std::uint64_t seed);

/// One line for the setting, one for each step; `parse` reads it back, and gives nothing for what it does not know.
[[nodiscard]] std::string print(const Program& program);
[[nodiscard]] std::optional<Program> parse(std::string_view text);

struct SettingName {
    std::string_view name;
    std::uint32_t Setting::* member;
};
inline constexpr std::array setting_names{
    SettingName{"world", &Setting::world},
    SettingName{"version", &Setting::version},
    SettingName{"on_pubrel", &Setting::on_pubrel},
    SettingName{"sink", &Setting::sink},
    SettingName{"receive_maximum", &Setting::receive_maximum},
    SettingName{"aliases", &Setting::aliases},
    SettingName{"messages", &Setting::messages},
    SettingName{"bytes", &Setting::bytes},
    SettingName{"when_full", &Setting::when_full},
    SettingName{"high_water", &Setting::high_water},
    SettingName{"keep_alive", &Setting::keep_alive},
    SettingName{"clients", &Setting::clients},
    SettingName{"soft", &Setting::soft},
    SettingName{"hard", &Setting::hard},
    SettingName{"chunk", &Setting::chunk},
    SettingName{"latency", &Setting::latency},
    SettingName{"attempts", &Setting::attempts},
};

} // namespace culex::model

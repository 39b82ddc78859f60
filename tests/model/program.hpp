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

/// Limits that hold for a whole program.
struct Setting {
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
};

enum class Op : std::uint8_t {
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
};
inline constexpr std::size_t op_count = 21;

struct Step {
    Op op = Op::turn;
    std::array<std::uint32_t, 4> n{};
};

struct Program {
    Setting setting{};
    std::vector<Step> steps{};
};

[[nodiscard]] Program make_program(std::uint64_t seed);

/// One line for the setting, one for each step; `parse` reads it back, and gives nothing for what it does not know.
[[nodiscard]] std::string print(const Program& program);
[[nodiscard]] std::optional<Program> parse(std::string_view text);

struct SettingName {
    std::string_view name;
    std::uint32_t Setting::* member;
};
inline constexpr std::array setting_names{
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
};

} // namespace culex::model

#pragma once
/// \file script_step.hpp
/// The steps of a script, as data.

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include <culex/testing/script.hpp>

namespace culex::testing {

struct ScriptStep {
    struct Expect {
        std::optional<PacketType> type{};
        PacketCondition condition{};
        std::string bytes{}; ///< where there is no type
        std::string what{};  ///< in words
        std::optional<Duration> within{};
    };
    struct ExpectClose {
        std::optional<Duration> within{};
    };
    struct ExpectSilence {
        Duration duration{};
    };
    struct PassOver {
        PacketType type{};
        bool answer = false;
    };
    /// Which version the connection will have is not known yet: the bytes for each, or why there are none.
    struct Send {
        std::string v3_1_1{};
        std::string v5{};
        std::string fault_3_1_1{};
        std::string fault_5{};
    };
    struct Make {
        std::shared_ptr<Function<Packet(const Packet&)>> make{};
    };
    struct Acknowledge {
        ReasonCode code{};
    };
    struct Wait {
        Duration duration{};
    };
    struct SetReading {
        bool on = false;
    };
    struct Call {
        std::shared_ptr<Function<void()>> call{};
    };
    struct Drop {};
    struct Close {};
    struct Pass {};
    struct PassToBroker {};

    std::variant<Expect, ExpectClose, ExpectSilence, PassOver, Send, Make, Acknowledge, Wait, SetReading, Call, Drop,
                 Close, Pass, PassToBroker>
        action;
};

} // namespace culex::testing

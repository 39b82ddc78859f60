#pragma once
/// \file fake_broker_player.hpp
/// Plays a script on a connection.

#include <deque>
#include <optional>
#include <string>

#include <culex/testing/script.hpp>

#include "testing/callbacks.hpp"
#include "testing/script_step.hpp"
#include "wire/codec.hpp"

namespace culex::testing {

class BrokerConnection;
class BrokerCore;

/// Packets go into the inbox, and steps take them out. `play` performs steps until one has to wait, for a packet or for
/// time; whatever comes calls it again.
class ScriptPlayer {
public:
    /// `number`: scripts are counted from 1.
    ScriptPlayer(BrokerCore& core, BrokerConnection& connection, Script script, std::size_t number);
    ScriptPlayer(const ScriptPlayer&) = delete;
    ScriptPlayer& operator=(const ScriptPlayer&) = delete;

    /// Begins on the next turn.
    void start();
    void handle(Bytes packet);
    /// The connection has ended, by whomever.
    void handle_end(std::string_view why);
    /// True until the script hands the connection over to the broker.
    [[nodiscard]] bool plays() const noexcept { return !handed_over_; }
    /// What it is still waiting for, in words; empty where nothing is missing.
    [[nodiscard]] std::string unfinished() const;

private:
    enum class Progress : std::uint8_t { next, wait };

    void begin();
    void play();
    [[nodiscard]] Progress perform(const ScriptStep::Expect& step);
    [[nodiscard]] Progress perform(const ScriptStep::ExpectClose& step);
    [[nodiscard]] Progress perform(const ScriptStep::ExpectSilence& step);
    [[nodiscard]] Progress perform(const ScriptStep::PassOver& step);
    [[nodiscard]] Progress perform(const ScriptStep::Send& step);
    [[nodiscard]] Progress perform(const ScriptStep::Make& step);
    [[nodiscard]] Progress perform(const ScriptStep::Acknowledge& step);
    [[nodiscard]] Progress perform(const ScriptStep::Wait& step);
    [[nodiscard]] Progress perform(const ScriptStep::SetReading& step);
    [[nodiscard]] Progress perform(const ScriptStep::Call& step);
    [[nodiscard]] Progress perform(const ScriptStep::Drop& step);
    [[nodiscard]] Progress perform(const ScriptStep::Close& step);
    [[nodiscard]] Progress perform(const ScriptStep::Pass& step);
    [[nodiscard]] Progress perform(const ScriptStep::PassToBroker& step);

    [[nodiscard]] const ScriptStep* current() const noexcept;
    void sift();
    void take();
    void complain_of_leftovers();
    [[nodiscard]] bool is_over(std::optional<Duration> limit);
    void send(const Packet& packet);
    void acknowledge(const Packet& packet, ReasonCode code);
    [[nodiscard]] std::string words_for(const std::string& packet) const;
    Progress fail(std::string_view what);
    void complain(std::string_view what);

    BrokerCore& core_;
    BrokerConnection& connection_;
    const Script script_;
    const std::size_t number_;

    std::size_t step_ = 0;
    std::optional<TimePoint> deadline_; ///< of the step, where it has one
    bool failed_ = false;
    bool handed_over_ = false;
    std::uint32_t ignored_ = 0;  ///< a bit for each type
    std::uint32_t answered_ = 0; ///< ... that is acknowledged at once
    std::deque<std::string> inbox_;
    std::string connect_;               ///< as taken
    std::string last_;                  ///< what was expected last; `last_packet_` views it
    std::optional<Packet> last_packet_; ///< empty where nothing was expected, or bytes that are no packet
    wire::Arena arena_;
    bool last_is_open_ = false; ///< nothing was sent since

    OwnedNode<ScriptPlayer> begin_{*this, &ScriptPlayer::begin};
    OwnedTimer<ScriptPlayer> alarm_{*this, &ScriptPlayer::play};
};

} // namespace culex::testing

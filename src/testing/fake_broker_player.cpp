#include "testing/fake_broker_player.hpp"

#include <fmt/format.h>

#include "testing/fake_broker_connection.hpp"
#include "testing/fake_broker_core.hpp"
#include "testing/hex.hpp"

namespace culex::testing {
namespace {

PacketType type_in(const std::string& packet) noexcept {
    return static_cast<PacketType>(static_cast<unsigned char>(packet[0]) >> 4);
}

constexpr std::uint32_t bit(PacketType type) noexcept { return 1U << static_cast<unsigned>(type); }

std::string words_for_step(const ScriptStep& step) {
    if (const auto* expect = std::get_if<ScriptStep::Expect>(&step.action))
        return fmt::format("expects {}", expect->what);
    if (std::holds_alternative<ScriptStep::ExpectClose>(step.action)) return "expects the client to close";
    if (std::holds_alternative<ScriptStep::ExpectSilence>(step.action)) return "expects silence";
    if (std::holds_alternative<ScriptStep::Wait>(step.action)) return "waits";
    return "is next";
}

} // namespace

ScriptPlayer::ScriptPlayer(BrokerCore& core, BrokerConnection& connection, Script script, std::size_t number)
    : core_(core), connection_(connection), script_(std::move(script)), number_(number) {}

void ScriptPlayer::start() { core_.runtime().post(begin_); }

void ScriptPlayer::begin() {
    if (connection_.serving()) play();
}

const ScriptStep* ScriptPlayer::current() const noexcept {
    return step_ < script_.steps_.size() ? script_.steps_[step_].get() : nullptr;
}

void ScriptPlayer::play() {
    const auto here = core_.hold(); // conditions and other functions of the test are called from here
    while (const ScriptStep* const step = current()) {
        const Progress progress = std::visit([this](const auto& action) { return perform(action); }, step->action);
        if (progress == Progress::wait) return;
        if (handed_over_ || !connection_.serving()) return;
        deadline_.reset();
        ++step_;
    }
    complain_of_leftovers();
}

void ScriptPlayer::handle(Bytes packet) {
    inbox_.emplace_back(as_text(packet));
    sift();
    if (connection_.serving() && !begin_.linked()) play();
}

void ScriptPlayer::handle_end(std::string_view why) {
    alarm_.disarm();
    begin_.unlink();
    if (failed_ || handed_over_) return;
    const ScriptStep* step = current();
    const bool closes = step && (std::holds_alternative<ScriptStep::Drop>(step->action) ||
                                 std::holds_alternative<ScriptStep::Close>(step->action) ||
                                 std::holds_alternative<ScriptStep::ExpectClose>(step->action));
    if (closes) {
        ++step_;
        step = current();
    }
    if (step) complain(fmt::format("{}, but the connection has ended: {}", words_for_step(*step), why));
}

std::string ScriptPlayer::unfinished() const {
    const ScriptStep* const step = current();
    if (!step || failed_ || handed_over_ || !connection_.serving()) return {};
    return fmt::format("script {}{}, step {}: {}, and nothing has come", number_,
                       script_.name().empty() ? "" : fmt::format(" \"{}\"", script_.name()), step_ + 1,
                       words_for_step(*step));
}

// --- what comes

/// Takes out what does not count.
void ScriptPlayer::sift() {
    for (auto at = inbox_.begin(); at != inbox_.end();) {
        const std::uint32_t type = bit(type_in(*at));
        if ((type & (ignored_ | answered_)) == 0) {
            ++at;
            continue;
        }
        const std::string packet = std::move(*at);
        at = inbox_.erase(at);
        if ((type & answered_) == 0) continue;
        wire::Arena arena;
        const Result<Packet> decoded =
            wire::decode(frame_of(as_bytes(packet)), connection_.version(), arena, wire::Sender::client);
        if (!decoded) return static_cast<void>(fail(fmt::format("got garbage: {}", decoded.failure().message())));
        if (type == bit(PacketType::connect)) connect_ = packet;
        acknowledge(*decoded, ReasonCode::success);
        if (!connection_.serving()) return;
    }
}

void ScriptPlayer::complain_of_leftovers() {
    while (!inbox_.empty()) {
        const std::string packet = std::move(inbox_.front());
        inbox_.pop_front();
        // Who says goodbye does nothing wrong, whatever comes next.
        if (type_in(packet) != PacketType::disconnect) complain(fmt::format("is over, but got {}", words_for(packet)));
    }
}

std::string ScriptPlayer::words_for(const std::string& packet) const {
    wire::Arena arena;
    const Result<Packet> decoded =
        wire::decode(frame_of(as_bytes(packet)), connection_.version(), arena, wire::Sender::client);
    return decoded ? wire::describe(*decoded)
                   : fmt::format("garbage: {} ({})", decoded.failure().detail(), to_hex(as_bytes(packet)));
}

bool ScriptPlayer::is_over(std::optional<Duration> limit) {
    if (!limit) return false;
    if (!deadline_) {
        deadline_ = core_.runtime().time_after(*limit);
        core_.runtime().arm(alarm_, *deadline_);
    }
    return *deadline_ <= core_.now();
}

ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::Expect& step) {
    if (inbox_.empty()) {
        if (!is_over(step.within)) return Progress::wait;
        return fail(fmt::format("expected {}, and nothing has come in time", step.what));
    }
    if (!step.type && inbox_.front() != step.bytes) {
        return fail(fmt::format("expected {}, got {}", step.what, to_hex(as_bytes(inbox_.front()))));
    }
    if (step.type && type_in(inbox_.front()) != *step.type) {
        return fail(fmt::format("expected {}, got {}", step.what, words_for(inbox_.front())));
    }
    take();
    const Result<Packet> decoded =
        wire::decode(frame_of(as_bytes(last_)), connection_.version(), arena_, wire::Sender::client);
    if (decoded) {
        last_packet_ = *decoded;
    } else if (step.type) { // who expects bytes may expect any
        return fail(fmt::format("expected {}, got {}", step.what, words_for(last_)));
    }
    if (step.type && !step.condition(*last_packet_)) {
        return fail(fmt::format("expected {}, got {}", step.what, wire::describe(*last_packet_)));
    }
    return Progress::next;
}

void ScriptPlayer::take() {
    alarm_.disarm();
    arena_.reset();
    last_packet_.reset();
    last_ = std::move(inbox_.front());
    inbox_.pop_front();
    last_is_open_ = true;
    if (type_in(last_) == PacketType::connect) connect_ = last_;
}

ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::ExpectClose& step) {
    if (!inbox_.empty()) return fail(fmt::format("expected the client to close, got {}", words_for(inbox_.front())));
    return is_over(step.within) ? fail("expected the client to close, and it has not in time") : Progress::wait;
}

ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::ExpectSilence& step) {
    if (!inbox_.empty()) return fail(fmt::format("expected silence, got {}", words_for(inbox_.front())));
    return is_over(step.duration) ? Progress::next : Progress::wait;
}

ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::PassOver& step) {
    (step.answer ? answered_ : ignored_) |= bit(step.type);
    sift();
    return Progress::next;
}

// --- complaints

ScriptPlayer::Progress ScriptPlayer::fail(std::string_view what) {
    if (failed_) return Progress::wait;
    complain(what);
    failed_ = true;
    connection_.drop();
    return Progress::wait;
}

void ScriptPlayer::complain(std::string_view what) {
    core_.complain(fmt::format("script {}{}, step {}: {}", number_,
                               script_.name().empty() ? "" : fmt::format(" \"{}\"", script_.name()), step_ + 1, what));
}

} // namespace culex::testing

#include "testing/fake_broker_player.hpp"

#include <vector>

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

// --- what the broker does

ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::Send& step) {
    const bool v5 = connection_.version() == Version::v5;
    const std::string& fault = v5 ? step.fault_5 : step.fault_3_1_1;
    if (!fault.empty()) return fail(fmt::format("cannot send this: {}", fault));
    last_is_open_ = false;
    connection_.send_raw(as_bytes(v5 ? step.v5 : step.v3_1_1));
    return Progress::next;
}

ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::Make& step) {
    if (!last_packet_) return fail("has expected no packet that could be replied to");
    const Packet packet = (*step.make)(*last_packet_);
    send(packet);
    return Progress::next;
}

ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::Acknowledge& step) {
    if (!last_packet_) return fail("has expected no packet that could be acknowledged");
    acknowledge(*last_packet_, step.code);
    return Progress::next;
}

void ScriptPlayer::send(const Packet& packet) {
    if (!connection_.serving()) return;
    Buffer bytes;
    if (const Result<void> encoded = wire::encode(bytes, packet, connection_.version()); !encoded) {
        fail(fmt::format("cannot send this: {}", encoded.failure().message()));
        return;
    }
    last_is_open_ = false;
    connection_.send_raw(bytes.bytes());
}

void ScriptPlayer::acknowledge(const Packet& packet, ReasonCode code) {
    const bool v5 = connection_.version() == Version::v5;
    std::vector<ReasonCode> codes;
    switch (type_of(packet)) {
    case PacketType::connect:
        return send(Connack{.reason_code = code});
    case PacketType::pubrec:
        return send(Pubrel{.packet_id = std::get<Pubrec>(packet).packet_id, .reason_code = code});
    case PacketType::pubrel:
        return send(Pubcomp{.packet_id = std::get<Pubrel>(packet).packet_id, .reason_code = code});
    case PacketType::pingreq:
        return send(Pingresp{});
    case PacketType::publish: {
        const auto& publish = std::get<Publish>(packet);
        if (publish.qos == QoS::at_least_once) send(Puback{.packet_id = publish.packet_id, .reason_code = code});
        if (publish.qos == QoS::exactly_once) send(Pubrec{.packet_id = publish.packet_id, .reason_code = code});
        return;
    }
    case PacketType::subscribe: {
        const auto& subscribe = std::get<Subscribe>(packet);
        for (const TopicSubscription& each : subscribe.subscriptions) {
            codes.push_back(failed(code) ? code : static_cast<ReasonCode>(each.qos));
        }
        return send(Suback{.packet_id = subscribe.packet_id, .reason_codes = codes});
    }
    case PacketType::unsubscribe: {
        const auto& unsubscribe = std::get<Unsubscribe>(packet);
        if (v5) codes.assign(unsubscribe.filters.size(), code);
        return send(Unsuback{.packet_id = unsubscribe.packet_id, .reason_codes = codes});
    }
    default:
        fail(fmt::format("{} has no acknowledgement", to_string(type_of(packet))));
    }
}

ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::Wait& step) {
    return is_over(step.duration) ? Progress::next : Progress::wait;
}

ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::SetReading& step) {
    connection_.set_reading(step.on);
    return Progress::next;
}

ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::Call& step) {
    (*step.call)();
    return Progress::next;
}

// Both come back as `handle_end`.
ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::Drop&) {
    connection_.drop();
    return Progress::wait;
}
ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::Close&) {
    connection_.close(true);
    return Progress::wait;
}

ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::Pass&) {
    if (last_.empty()) return fail("has expected nothing that could be passed on");
    last_is_open_ = false;
    connection_.serve(frame_of(as_bytes(last_)));
    return Progress::next;
}

ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::PassToBroker&) {
    handed_over_ = true;
    const bool connect_is_last = connect_ == last_;
    if (!connect_.empty() && !connection_.has_session()) connection_.serve(frame_of(as_bytes(connect_)));
    if (last_is_open_ && !connect_is_last && connection_.serving()) connection_.serve(frame_of(as_bytes(last_)));
    while (!inbox_.empty() && connection_.serving()) {
        const std::string packet = std::move(inbox_.front());
        inbox_.pop_front();
        connection_.serve(frame_of(as_bytes(packet)));
    }
    return Progress::wait;
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

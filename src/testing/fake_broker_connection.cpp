#include "testing/fake_broker_connection.hpp"

#include <concepts>

#include <fmt/format.h>

#include "testing/fake_broker_core.hpp"
#include "wire/varint.hpp"

namespace culex::testing {
namespace {

template <class P>
concept explainable = requires(P packet) {
    { packet.properties } -> std::same_as<AckProperties&>;
};

constexpr std::size_t flush_at = std::size_t{64} * 1024;
/// How long a client that was told goodbye may take to close its side, until it is closed for it.
constexpr std::chrono::seconds linger{5};

} // namespace

Bytes whole_of(const wire::Frame& frame) noexcept {
    const std::size_t header = 1 + wire::varint_size(frame.body.size());
    return {frame.body.data() - header, header + frame.body.size()};
}

wire::Frame frame_of(Bytes packet) noexcept {
    const wire::Varint length = wire::parse_varint(packet.subspan(1));
    return {std::to_integer<std::uint8_t>(packet[0]), packet.subspan(1U + length.size)};
}

BrokerConnection::BrokerConnection(BrokerCore& core, std::unique_ptr<Stream> stream, std::size_t number,
                                   const Faults& faults)
    : core_(core), stream_(std::move(stream)), number_(number), peer_(stream_->peer()),
      framer_(core.options().maximum_packet_size) {
    if (!faults.any()) return;
    auto faulty = std::make_unique<FaultyStream>(core_.runtime(), std::move(stream_), faults);
    faulty_ = faulty.get();
    stream_ = std::move(faulty);
}

ConnectionInfo BrokerConnection::info() const {
    return {.number = number_,
            .client_id = client_id_,
            .peer = peer_,
            .version = version_,
            .clean_start = clean_start_,
            .keep_alive = keep_alive_,
            .scripted = player_ && player_->plays()};
}

void BrokerConnection::play(Script script, std::size_t script_number) {
    player_.emplace(core_, *this, std::move(script), script_number);
    player_->start();
}

// --- input

void BrokerConnection::on_read(Bytes bytes) {
    const auto here = core_.hold();
    if (state_ != State::serving) return; // what comes after a goodbye is nobody's business
    last_received_ = core_.now();
    framer_.feed(bytes);
    while (state_ == State::serving) {
        const Result<std::optional<wire::Frame>> frame = framer_.next();
        if (!frame) return refuse(frame.failure());
        if (!*frame) return;
        handle(**frame);
    }
}

void BrokerConnection::handle(const wire::Frame& frame) {
    if (frame.type() == PacketType::connect && !session_) {
        version_ = Version::v3_1_1;
        if (const Result<Version> asked = wire::connect_version(frame)) version_ = *asked;
    }
    note(Direction::received, whole_of(frame));
    if (player_ && player_->plays()) {
        player_->handle(whole_of(frame));
    } else {
        serve(frame);
    }
}

void BrokerConnection::on_end(Failure why) {
    const auto here = core_.hold();
    if (state_ == State::serving && framer_.mid_packet()) {
        complain(fmt::format("ended inside a packet: {}", why.message()));
    }
    output_.clear();
    end(State::dead, why.message());
    leave(true);
}

void BrokerConnection::on_drained() {
    if (session_) session_->pump();
}

void BrokerConnection::note(Direction direction, Bytes packet) {
    core_.log().add(number_, direction, core_.now(), version_, packet, core_.options().log_bytes);
}

void BrokerConnection::complain(std::string_view what) const {
    core_.complain(fmt::format("connection {} ({}): {}", number_, client_id_.empty() ? peer_ : client_id_, what));
}

// --- output

template <class P> void BrokerConnection::send(const P& packet) {
    if (state_ != State::serving) return;
    const std::size_t before = output_.size();
    P said = packet;
    if constexpr (explainable<P>) {
        if (explains_) said.properties = core_.options().explanation;
    }
    const Result<void> encoded = wire::encode(output_, said, version_, maximum_packet_size_);
    if (encoded) written(before);
}

template void BrokerConnection::send(const Connack&);
template void BrokerConnection::send(const Puback&);
template void BrokerConnection::send(const Pubrec&);
template void BrokerConnection::send(const Pubrel&);
template void BrokerConnection::send(const Pubcomp&);
template void BrokerConnection::send(const Suback&);
template void BrokerConnection::send(const Unsuback&);
template void BrokerConnection::send(const Pingresp&);
template void BrokerConnection::send(const Disconnect&);
template void BrokerConnection::send(const Auth&);

bool BrokerConnection::send_publish(const wire::PublishParts& parts) {
    const bool with_alias = client_alias_maximum_ > 0 && core_.options().use_topic_aliases;
    return with_alias ? send_with_alias(parts) : send_plainly(parts);
}

bool BrokerConnection::send_plainly(const wire::PublishParts& parts) {
    const std::size_t before = output_.size();
    if (!wire::encode_publish(output_, parts, version_, maximum_packet_size_)) return false;
    written(before);
    return true;
}

void BrokerConnection::send_raw(Bytes bytes) {
    if (state_ != State::serving || bytes.empty()) return;
    const std::size_t before = output_.size();
    output_.append(bytes);
    written(before);
}

void BrokerConnection::written(std::size_t before) {
    const Bytes packet = output_.bytes().subspan(before);
    note(Direction::sent, packet);
    if (frame_of(packet).type() == PacketType::connack) connack_sent_ = true;
    if (output_.size() >= flush_at) {
        flush();
    } else {
        core_.runtime().post_at_turn_end(flush_);
    }
}

void BrokerConnection::flush() {
    if (!stream_ || output_.empty()) return;
    stream_->write(output_);
}

bool BrokerConnection::has_room() const noexcept {
    return stream_ && stream_->backlog() + output_.size() < core_.options().max_backlog + flush_at;
}

// --- ends

void BrokerConnection::leave(bool publish_will) {
    BrokerSession* const session = std::exchange(session_, nullptr);
    if (!session) return;
    auto will = std::exchange(will_, nullptr);
    core_.leave(*session, publish_will ? std::move(will) : nullptr, will_delay_);
}

void BrokerConnection::end(State state, std::string_view why) {
    const State before = std::exchange(state_, state);
    if (before == State::dead) return;
    flush();
    if (state == State::closing) {
        stream_->shutdown();
        core_.runtime().arm_after(alarm_, linger);
    } else {
        stream_.reset();
        alarm_.disarm();
        core_.bury(*this);
    }
    if (before == State::serving && player_) player_->handle_end(why);
}

void BrokerConnection::drop() {
    if (state_ == State::dead) return;
    end(State::dead, "the broker has dropped it");
    leave(true);
}

void BrokerConnection::close(bool publish_will) {
    if (state_ != State::serving) return;
    end(State::closing, "the broker has closed it");
    leave(publish_will);
}

void BrokerConnection::say_goodbye(Disconnect packet, bool publish_will) {
    const AckProperties& explanation = core_.options().explanation;
    if (!packet.properties.reason_string) packet.properties.reason_string = explanation.reason_string;
    if (packet.properties.user_properties.empty()) packet.properties.user_properties = explanation.user_properties;
    if (session_ && version_ == Version::v5) send(packet);
    close(publish_will);
}

void BrokerConnection::abandon() noexcept {
    state_ = State::dead;
    stream_.reset();
    session_ = nullptr;
    alarm_.disarm();
    flush_.unlink();
}

void BrokerConnection::set_reading(bool on) {
    if (stream_) stream_->set_reading(on);
}

void BrokerConnection::release_acknowledgements(std::size_t count) {
    for (; count > 0 && !held_.empty() && session_; --count) {
        const Acknowledgement one = held_.front();
        held_.pop_front();
        send_acknowledgement(one);
    }
}

void BrokerConnection::release_stalls() {
    if (stream_ && faulty_) faulty_->release();
}

// --- time

void BrokerConnection::watch_keep_alive() {
    if (keep_alive_ == 0) return;
    last_received_ = core_.now();
    core_.runtime().arm_after(alarm_, std::chrono::milliseconds{1500} * keep_alive_);
}

void BrokerConnection::alarm() {
    if (state_ == State::closing) return drop();
    const TimePoint due = last_received_ + std::chrono::milliseconds{1500} * keep_alive_;
    if (due > core_.now()) return core_.runtime().arm(alarm_, due);
    if (!core_.options().enforce_keep_alive) return watch_keep_alive();
    if (!faulty_)
        complain(fmt::format("silent for more than one and a half times its keep-alive of {} s", keep_alive_));
    say_goodbye(ReasonCode::keep_alive_timeout, true); // [MQTT-3.1.2-24]
}

} // namespace culex::testing

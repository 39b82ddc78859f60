// A session between a broker, an application, a transport and a clock, all four played by the input: bytes of the broker, legal
// packets and others, over several links, in both versions.
//
// Invariant: what the session sends is always made of whole, legal packets of a client, in their place. Never more is in
// flight than the broker has granted, nothing is sent twice on a link, nor under an identifier in use. Nothing is acknowledged
// before the application was given it and was done with it, and in the order of arrival. An operation ends once: well only if
// the broker answered, and at the latest with the session; so does a claim (session_claims.hpp). What is outstanding, in the output and on the heap stays within the
// bounds, whatever the broker says (session_model.hpp has the rules for the packets).

#include <memory>

#include "fuzz/fuzz.hpp"
#include "fuzz/session_claims.hpp"
#include "fuzz/session_model.hpp"
#include "session/session_direct.hpp"

namespace culex::fuzz {
namespace {

using session::Delivery;
using session::Session;

struct Asked : session::Operation {
    Asked() : Operation(&Asked::on_completed) {}
    static void on_completed(Operation& self, session::Outcome&& how) {
        auto& asked = static_cast<Asked&>(self);
        FUZZ_CHECK(++asked.endings == 1, "ended {} times", asked.endings);
        FUZZ_CHECK(asked.id == 0 || how.failure || asked.acked, "{} ended well, and nobody answered", asked.id);
    }
    PacketId id = 0;
    int endings = 0;
    bool acked = false;  ///< the broker said something of this identifier
    bool waited = false; ///< it was taken, and has to end
};

session::Config config_of(Input& input) {
    const std::uint8_t how = input.byte();
    session::Config config;
    config.version = (how & 1) != 0 ? Version::v5 : Version::v3_1_1;
    config.deliver_on_pubrel = (how & 2) != 0;
    config.report_packets = (how & 4) != 0;
    config.authenticates = (how & 8) != 0;
    config.receive_maximum = static_cast<std::uint16_t>(1 + input.below(12));
    if (input.flag()) config.maximum_packet_size = 64 + input.byte() * 16U;
    config.topic_alias_maximum = static_cast<std::uint16_t>(input.below(4));
    config.outbound_topic_aliases = static_cast<std::uint16_t>(input.below(4));
    config.outbound_messages = 1 + input.below(40);
    config.outbound_bytes = 400 + input.byte() * std::size_t{300};
    config.when_full = static_cast<WhenFull>(input.below(when_full_count));
    config.output_high_water = 100 + input.byte() * std::size_t{20};
    config.answer_limit = 40 + input.byte() * std::size_t{10};
    return config;
}

class World final : session::MessageSink {
public:
    explicit World(Input input)
        : input_(input), config_(config_of(input_)), model_(config_), session_(std::make_unique<Session>(config_)) {
        const std::uint8_t how = input_.byte();
        if ((how & 1) != 0) session_->set_message_sink(this);
        takes_apart_ = (how & 2) != 0;
        session_->set_ready_sink(claims_);
    }

    void run() {
        for (int step = 0; step < 2'000 && !input_.empty(); ++step) {
            act();
            settle();
            check();
        }
        session_.reset();
        claims_.end();
        for (const Asked& asked : operations_) FUZZ_CHECK(!asked.waited || asked.endings == 1, "it never ended");
    }

private:
    // --- what happens

    void act() {
        switch (input_.below(28)) {
        case 0:
            return open();
        case 1:
            return end();
        case 2:
            return hear(input_.bytes(input_.byte()));
        case 3:
            return hear_packet(Publish{.topic = topic(),
                                       .payload = input_.bytes(input_.below(40)),
                                       .qos = qos(),
                                       .retain = input_.flag(),
                                       .dup = input_.flag(),
                                       .packet_id = id()});
        case 4:
            return hear_packet(Puback{.packet_id = id(), .reason_code = code()});
        case 5:
            return hear_packet(Pubrec{.packet_id = id(), .reason_code = code()});
        case 6:
            return hear_packet(Pubrel{.packet_id = id()});
        case 7:
            return hear_packet(Pubcomp{.packet_id = id()});
        case 8:
            return hear_request_answer();
        case 9:
            return hear_packet(Pingresp{});
        case 10:
            return hear_packet(
                Auth{.reason_code = input_.flag() ? ReasonCode::continue_authentication : ReasonCode::success,
                     .properties = {.authentication_method = "m"}});
        case 11:
            return hear_publishes();
        case 12:
            return flush();
        case 13:
            return pass_time();
        case 14:
        case 15:
            return publish();
        case 16:
            return publish_directly();
        case 17:
            return publish_prepared();
        case 18:
            return subscribe();
        case 19:
            return unsubscribe();
        case 20:
        case 21:
            return acknowledge();
        case 22:
            return say_goodbye();
        case 23:
            return between_links();
        case 24:
            return authenticate();
        case 25:
            return session_->handle_reading(input_.flag(), now_);
        case 26:
            return session_->note_time(now_);
        default:
            return (void)session_->lend_ids(static_cast<std::uint32_t>(input_.below(9)));
        }
    }

    // --- links

    void open() {
        if (up_) return;
        const std::uint8_t how = input_.byte();
        Connect connect{
            .client_id = "c", .clean_start = (how & 1) != 0, .keep_alive = static_cast<std::uint16_t>((how >> 1) % 8)};
        if (session_->version() == Version::v5) {
            connect.properties.receive_maximum = config_.receive_maximum;
            connect.properties.topic_alias_maximum = config_.topic_alias_maximum;
            if ((how & 16) != 0) connect.properties.session_expiry_interval = 100;
            if ((how & 32) != 0) connect.properties.authentication_method = "m";
            if ((how & 64) != 0) connect.properties.request_problem_information = std::uint8_t{0};
        }
        model_.begin_link(connect, session_->version());
        FUZZ_CHECK(session_->handle_open(connect, now_), "CONNECT is refused");
        up_ = true;
        seen_ = 0;
        if ((how & 128) == 0) return;
        flush();
        hear_connack();
    }
    void hear_connack() {
        const std::uint8_t how = input_.byte();
        Connack answer{.session_present = (how & 1) != 0};
        if (session_->version() == Version::v5) {
            ConnackProperties& granted = answer.properties;
            if ((how & 2) != 0) granted.receive_maximum = static_cast<std::uint16_t>(1 + input_.below(6));
            if ((how & 4) != 0) granted.maximum_packet_size = 5 + input_.byte() * 2U;
            if ((how & 8) != 0) granted.maximum_qos = static_cast<std::uint8_t>(input_.below(2));
            if ((how & 16) != 0) granted.retain_available = std::uint8_t{0};
            if ((how & 32) != 0) granted.topic_alias_maximum = static_cast<std::uint16_t>(input_.below(4));
            if ((how & 64) != 0) granted.wildcard_subscription_available = std::uint8_t{0};
            if ((how & 64) != 0) granted.shared_subscription_available = std::uint8_t{0};
            if ((how & 64) != 0) granted.subscription_identifier_available = std::uint8_t{0};
            if ((how & 128) != 0) granted.server_keep_alive = static_cast<std::uint16_t>(input_.below(20));
            if (config_.authenticates && input_.flag()) granted.authentication_method = "m";
        }
        hear_packet(answer);
    }
    void end() {
        if (!up_) return;
        watch();
        session_->handle_end();
        up_ = false;
        seen_ = 0;
        FUZZ_CHECK(session_->output_size() == 0, "{} bytes of output outlive the link", session_->output_size());
    }
    /// What an owner does after each step.
    void settle() {
        take_events();
        if (up_ && (session_->failure() || session_->finished())) {
            flush();
            end();
        }
        if (up_) watch();
    }
    /// The transport takes all that there is.
    void flush() {
        claims_.run();
        if (!up_) return;
        session_->before_flush();
        watch();
        session_->output().clear();
        seen_ = 0;
        model_.flushed();
        session_->handle_flushed(now_);
    }
    /// The model sees what is new in the output.
    void watch() {
        if (takes_apart_) {
            while (const auto ahead = session_->take_ahead()) watch_apart(*ahead); // each makes room for the next
        }
        const Bytes output = session_->output().bytes();
        FUZZ_CHECK(output.size() >= seen_, "the output has become less by itself");
        const Bytes fresh = output.subspan(seen_);
        seen_ = output.size();
        model_.sent(fresh);
    }
    /// An owner who can write a payload that stands apart takes everything at once.
    void watch_apart(const Session::Ahead& ahead) {
        std::vector<std::byte> all(ahead.before.bytes().begin(), ahead.before.bytes().end());
        all.insert(all.end(), ahead.payload.bytes().begin(), ahead.payload.bytes().end());
        const Bytes behind = session_->output().bytes();
        all.insert(all.end(), behind.begin(), behind.end());
        model_.sent(Bytes(all).subspan(seen_));
        session_->output().clear();
        seen_ = 0;
        model_.flushed();
        session_->handle_flushed(now_);
    }

    // --- the broker

    template <class P> void hear_packet(P packet) {
        if constexpr (std::is_same_v<P, Publish>) {
            if (packet.qos == QoS::at_most_once) packet.packet_id = 0;
            if (packet.qos == QoS::at_most_once) packet.dup = false;
        }
        Buffer bytes;
        if (wire::encode(bytes, packet, session_->version())) hear(bytes.bytes());
    }
    void hear(Bytes bytes) {
        if (!up_) return;
        watch();
        // Otherwise what waits for `accept` would be taken as said to what is asked meanwhile.
        if (session_->verifying()) acked_while_verifying_ = true;
        model_.received(bytes, [this](PacketId id) { note_acked(id); });
        const std::vector<std::byte> copy(bytes.begin(), bytes.end()); // a view that outlives the call is seen
        session_->handle_input(copy, now_);
    }
    void note_acked(PacketId id) {
        for (Asked& asked : operations_) asked.acked |= asked.waited && asked.endings == 0 && asked.id == id;
        claims_.note_acked(id);
    }
    void hear_request_answer() {
        std::vector<ReasonCode> codes(input_.below(4), ReasonCode::success);
        if (!codes.empty()) codes[0] = static_cast<ReasonCode>(input_.byte());
        const PacketId request = input_.flag() ? model_.last_request() : id();
        if (input_.flag()) return hear_packet(Suback{.packet_id = request, .reason_codes = codes});
        if (session_->version() == Version::v3_1_1) codes.clear();
        hear_packet(Unsuback{.packet_id = request, .reason_codes = codes});
    }
    /// Many small ones in one read.
    void hear_publishes() {
        Buffer bytes;
        const QoS level = qos();
        const std::size_t count = input_.below(20);
        for (std::size_t i = 0; i < count; ++i) {
            const auto packet_id = static_cast<PacketId>(level == QoS::at_most_once ? 0 : 1 + i);
            (void)wire::encode(bytes, Publish{.topic = "t", .qos = level, .packet_id = packet_id}, session_->version());
        }
        hear(bytes.bytes());
    }

    // --- the clock

    void pass_time() {
        const TimePoint until = now_ + std::chrono::milliseconds(input_.byte() * 40);
        while (session_->poll_deadline() <= until) {
            now_ = std::max(now_, session_->poll_deadline());
            session_->handle_time(now_);
            FUZZ_CHECK(session_->poll_deadline() > now_, "its deadline stays where it was");
        }
        now_ = until;
    }

    // --- the application

    Asked& ask() { return operations_.emplace_back(); }
    template <class T> void asked(Asked& operation, const Result<T>& taken) {
        FUZZ_CHECK(taken || !operation.attached(), "refused, and still attached");
        operation.waited = operation.attached() || operation.endings != 0;
        if (operation.waited && input_.below(8) == 7) {
            operation.detach();
            operation.waited = false;
        }
    }
    std::string next_payload() {
        constexpr std::size_t sizes[] = {0, 0, 0, 20, 200, 3'000, 17'000};
        return fmt::format("{}:{}", model_.told.size(), std::string(sizes[input_.below(std::size(sizes))], 'x'));
    }
    void tell(const Publish& message) {
        model_.told.push_back({std::string(message.topic), message.qos, message.retain});
    }
    void publish() {
        const std::string payload = next_payload();
        Publish message{.topic = topic(), .payload = as_bytes(payload), .qos = qos(), .retain = input_.flag()};
        if (input_.below(4) == 3)
            message.properties.message_expiry_interval = static_cast<std::uint32_t>(input_.byte());
        if (input_.below(4) == 3) message.properties.topic_alias = std::uint16_t{1}; // not ours to choose
        tell(message);
        Asked& operation = ask();
        const auto published = session_->publish(message, &operation);
        if (published) operation.id = published->id;
        asked(operation, published);
    }
    void publish_directly() {
        const std::string payload = next_payload();
        const Publish message{.topic = topic(), .payload = as_bytes(payload), .qos = qos(), .retain = input_.flag()};
        tell(message);
        if (message.qos == QoS::at_most_once)
            return (void)session_->send_plain_once<false>(message.topic, message.payload, message.retain);
        if (model_.told.size() % 4 != 0) return claim(message);
        Asked& operation = ask();
        operation.id = session_->send_plain_tracked<false>(message.topic, message.payload, message.qos, message.retain,
                                                           &operation);
        operation.waited = operation.id != 0;
    }
    void claim(const Publish& message) {
        Claims::Claimed& claimed = claims_.add();
        if (session_->send_plain_tracked<false>(message.topic, message.payload, message.qos, message.retain,
                                                claimed.claim, &Claims::resume)) {
            claims_.begun(claimed);
        } else {
            FUZZ_CHECK(claimed.claim.state == Claims::State::none, "not taken, and claimed");
        }
        if (model_.told.size() % 32 == 1) claims_.drop_one();
    }
    void publish_prepared() {
        const Payload payload(next_payload());
        Publish message{.topic = topic(), .payload = payload.bytes(), .qos = qos(), .retain = input_.flag()};
        tell(message);
        auto prepared = session_->prepare(message, input_.flag() ? &payload : nullptr);
        if (!prepared) return;
        const session::LentIds lent = session_->lend_ids(0);
        if (message.qos != QoS::at_most_once && lent.size() != 0 && input_.flag())
            (*prepared)->id = static_cast<PacketId>(lent.first + input_.below(lent.size()));
        Asked& operation = ask();
        const auto published = session_->submit(*prepared, &operation);
        if (published) operation.id = published->id;
        asked(operation, published);
    }
    void subscribe() {
        const std::string_view first = topic();
        const TopicSubscription filters[] = {{.filter = first, .qos = qos()}, {.filter = "x/+", .qos = qos()}};
        SubscribeProperties properties;
        if (session_->version() == Version::v5 && input_.flag()) properties.subscription_identifier = 7U;
        Asked& operation = ask();
        const auto id = session_->subscribe({filters, 1 + input_.below(2)}, properties, &operation);
        if (id) operation.id = *id;
        asked(operation, id);
    }
    void unsubscribe() {
        const std::string_view filters[] = {topic(), "x/+"};
        Asked& operation = ask();
        const auto id = session_->unsubscribe({filters, 1 + input_.below(2)}, {}, &operation);
        if (id) operation.id = *id;
        asked(operation, id);
    }
    void acknowledge() {
        if (deliveries_.empty()) return;
        const auto place = deliveries_.begin() + static_cast<std::ptrdiff_t>(input_.below(deliveries_.size()));
        const Delivery delivery = *place;
        const std::uint8_t how = input_.byte();
        if (how % 8 != 7) deliveries_.erase(place); // else it will be said twice
        if (how % 16 == 6) return session_->give_back(delivery);
        const ReasonCode why = how % 16 == 5 ? ReasonCode::quota_exceeded : ReasonCode::success;
        model_.done(delivery, why);
        const AckProperties properties{.reason_string = "why"};
        session_->acknowledge(delivery, why, failed(why) ? &properties : nullptr);
    }
    void say_goodbye() {
        const std::uint8_t how = input_.byte();
        if (how % 4 != 0) return; // not too often
        const ReasonCode why = (how & 4) != 0 ? ReasonCode::disconnect_with_will : ReasonCode::success;
        if ((how & 8) != 0) return session_->disconnect_now(why);
        session_->disconnect(why);
    }
    void between_links() {
        if (up_) return;
        const Failure why(Errc::connection_lost);
        switch (input_.below(5)) {
        case 0:
            return session_->abandon(why);
        case 1:
            return (void)session_->suspend(why);
        case 2:
            return session_->drop_expired(now_);
        case 3:
            return session_->use_version(input_.flag() ? Version::v5 : Version::v3_1_1);
        default:
            return session_->accept_verbs();
        }
    }
    void authenticate() {
        const Bytes data = input_.bytes(input_.below(10));
        if (session_->verifying()) {
            for (Asked& asked : operations_) asked.acked |= acked_while_verifying_;
            if (acked_while_verifying_) claims_.note_all_acked();
            acked_while_verifying_ = false;
            session_->accept(now_);
            watch();
            return model_.was_read();
        }
        if (input_.flag()) {
            (void)session_->authenticate(data);
        } else {
            (void)session_->reauthenticate(data);
        }
    }

    void on_message(Message&& message, const Delivery& delivery) override { given(message, delivery); }
    void given(const Message& message, const Delivery& delivery) {
        FUZZ_CHECK((message.qos() == QoS::at_most_once) == (delivery.sequence == 0), "{}", delivery.sequence);
        model_.given(delivery);
        if (delivery.sequence != 0) deliveries_.push_back(delivery);
    }
    void take_events() {
        while (const auto event = session_->poll_event()) {
            if (event->message) given(event->message, event->delivery);
        }
    }

    // --- choices

    std::string_view topic() {
        constexpr std::string_view topics[] = {"a", "b/c", "a/rather/long/topic/that/is/worth/an/alias", "\xC3\xA4/1"};
        const std::size_t which = input_.below(6);
        return which < std::size(topics) ? topics[which] : as_text(input_.bytes(input_.below(12)));
    }
    QoS qos() { return static_cast<QoS>(input_.below(3)); }
    PacketId id() {
        const std::uint8_t which = input_.byte();
        return which < 8 ? static_cast<PacketId>(model_.last_publish() - which) : static_cast<PacketId>(which % 32);
    }
    ReasonCode code() { return input_.below(4) == 3 ? ReasonCode::quota_exceeded : ReasonCode::success; }

    // --- what must hold

    void check() {
        const std::size_t messages = session_->outstanding();
        FUZZ_CHECK(messages <= config_.outbound_messages, "{} messages are outstanding", messages);
        // In version 5 a message is a byte longer than it was in 3.1.1, and what was let in stays.
        const std::size_t bound = config_.outbound_bytes + messages;
        FUZZ_CHECK(messages <= 1 || session_->outstanding_bytes() <= bound,
                   "{} bytes of {} are outstanding, {} messages", session_->outstanding_bytes(), bound, messages);
        FUZZ_CHECK(messages != 0 || session_->outstanding_bytes() == 0, "bytes of nothing");
        if (session_->version() == Version::v5) {
            FUZZ_CHECK(session_->unacknowledged() <= config_.receive_maximum, "{} are unacknowledged",
                       session_->unacknowledged());
        }
        const std::size_t most = config_.output_high_water + config_.outbound_bytes + config_.answer_limit + 32'768;
        FUZZ_CHECK(session_->output_size() <= most, "{} bytes of output", session_->output_size());
        FUZZ_CHECK(memory_.taken() <= std::size_t{2} << 20, "{} bytes of memory", memory_.taken());
    }

    const Memory memory_;
    Input input_;
    const session::Config config_;
    SessionModel model_;
    Claims claims_;
    std::deque<Asked> operations_; // outlive the session: they hear of its end
    std::unique_ptr<Session> session_;
    std::vector<Delivery> deliveries_; // with the application
    TimePoint now_{std::chrono::hours(1)};
    std::size_t seen_ = 0; // of the output, by the model
    bool takes_apart_ = false;
    bool up_ = false;
    bool acked_while_verifying_ = false;
};

} // namespace
} // namespace culex::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    culex::fuzz::World(culex::fuzz::Input(data, size)).run();
    return 0;
}

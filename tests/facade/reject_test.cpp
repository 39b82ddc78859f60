// A callback that does not take its message.
#include "facade/facade_test.hpp"

namespace culex::facade {
namespace {

class Refusing : public FacadeTest {
protected:
    struct Answer {
        ReasonCode code{};
        std::string words{};
        std::size_t user_properties = 0;
    };
    template <class P> Answer answer(std::size_t at) {
        return broker.call([&](FakeBroker& b) {
            const P* const packet = b.received(P::type).at(at).template as<P>();
            return Answer{packet->reason_code, std::string(packet->properties.reason_string.value_or("")),
                          packet->properties.user_properties.size()};
        });
    }
    /// What is on the wire under the version of the test.
    [[nodiscard]] static ReasonCode told(ReasonCode v5) { return GetParam() == Version::v5 ? v5 : ReasonCode::success; }
    /// Sends a message of each QoS, and waits for what is owed.
    void script_messages() {
        const auto message = [](QoS qos, PacketId id) {
            return Publish{.topic = "a", .payload = as_bytes("x"), .qos = qos, .packet_id = id};
        };
        script(Script{}
                   .expect(PacketType::connect)
                   .acknowledge()
                   .reply(message(QoS::at_most_once, 0))
                   .reply(message(QoS::exactly_once, 7))
                   .expect(PacketType::pubrec)
                   .reply(Pubrel{.packet_id = 7})
                   .expect(PacketType::pubcomp)
                   .reply(message(QoS::at_least_once, 8))
                   .expect(PacketType::puback)
                   .reply(message(QoS::at_least_once, 9))
                   .expect(PacketType::puback)
                   .run([this] { all_answered.open(); })
                   .pass_to_broker());
    }
    Gate all_answered;
};
CULEX_BOTH_VERSIONS(Refusing);

TEST_P(Refusing, goes_into_puback_with_its_words_and_counts_at_qos_1_alone) { // [MQTT-3.4.2-1] [MQTT-4.4.0-2]
    script_messages();
    const UserProperty user[] = {{.name = "k", .value = "v"}};
    Box<std::string> could;
    Client client{"c", true, settings()};
    client.loop([&](Client&, const CallbackData& data) {
        if (data.mid == 0 && data.message->mid() == 9) return could.put("not tried");
        EXPECT_TRUE(failure_of([&] { data.reject(ReasonCode::quota_exceeded, {.reason_string = "\xff"}); }) ==
                    Errc::invalid_argument);
        data.reject(ReasonCode::not_authorized);
        const bool refused =
            data.reject(ReasonCode::quota_exceeded, {.reason_string = "full", .user_properties = user});
        could.put(refused ? "refused" : "too late");
    });
    connect(client);
    EXPECT_THAT(could.take(4), ElementsAre("too late", "too late", "refused", "not tried"));
    EXPECT_TRUE(all_answered.wait());
    const Answer refused = answer<Puback>(0);
    EXPECT_EQ(told(ReasonCode::quota_exceeded), refused.code);
    EXPECT_EQ(GetParam() == Version::v5 ? "full" : "", refused.words);
    EXPECT_EQ(GetParam() == Version::v5 ? 1u : 0u, refused.user_properties);
    EXPECT_EQ(ReasonCode::success, answer<Puback>(1).code);
    EXPECT_EQ(ReasonCode::success, answer<Pubrec>(0).code);
    EXPECT_EQ(ReasonCode::success, answer<Pubcomp>(0).code);
}

TEST_P(Refusing, with_a_code_that_is_no_refusal_says_unspecified_error) {
    script(Script{}
               .expect(PacketType::connect)
               .acknowledge()
               .reply(Publish{.topic = "a", .qos = QoS::at_least_once, .packet_id = 8})
               .expect(PacketType::puback)
               .run([this] { all_answered.open(); })
               .pass_to_broker());
    Client client{"c", true, settings()};
    client.loop([&](Client&, const CallbackData& data) { data.reject(ReasonCode::success); });
    connect(client);
    EXPECT_TRUE(all_answered.wait());
    EXPECT_EQ(told(ReasonCode::unspecified_error), answer<Puback>(0).code);
}

} // namespace
} // namespace culex::facade

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
    [[nodiscard]] static ReasonCode told(ReasonCode v5) {
        return GetParam() == Version::v5 ? v5 : ReasonCode::success;
    }
    template <class P> void wait_for_answers(std::size_t count) {
        Gate come;
        broker.call([&](FakeBroker& b) {
            b.on_packet([&come, count, seen = b.received(P::type).size()](Direction, PacketType type) mutable {
                if (type == P::type && ++seen == count) come.open();
            });
        });
        EXPECT_TRUE(come.wait());
    }
};
CULEX_BOTH_VERSIONS(Refusing);

} // namespace
} // namespace culex::facade

#pragma once
/// \file broker_fixture.hpp
/// What the tests of the fake broker have in common: a world, a broker, clients.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/raw_client.hpp"

namespace culex::testing {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

inline const std::string connack = "CONNACK reason=0x00 (Success)";
inline const std::string connack_present = connack + " session_present";

inline std::string version_name(const ::testing::TestParamInfo<Version>& info) {
    return info.param == Version::v5 ? "v5" : "v3_1_1";
}

class BrokerFixture : public ::testing::TestWithParam<Version> {
protected:
    [[nodiscard]] std::unique_ptr<RawClient> opened() {
        return std::make_unique<RawClient>(runtime, broker, GetParam());
    }
    /// Past CONNACK, which is not among its lines any more.
    [[nodiscard]] std::unique_ptr<RawClient> connected(std::string_view client_id) {
        auto client = opened();
        client->connect(client_id);
        EXPECT_THAT(client->take(), ElementsAre(connack));
        return client;
    }
    /// With a session that stays. What comes after CONNACK is among its lines.
    [[nodiscard]] std::unique_ptr<RawClient> resumed(std::string_view client_id, bool present) {
        auto client = opened();
        Connect connect{.client_id = client_id, .clean_start = false, .keep_alive = 0};
        if (GetParam() == Version::v5) connect.properties.session_expiry_interval = never_expires;
        client->send(connect);
        EXPECT_THAT(client->lines(), ::testing::Not(IsEmpty()));
        EXPECT_EQ(client->pop(), present ? connack_present : connack);
        return client;
    }

    VirtualRuntime runtime;
    FakeBroker broker{runtime};
};

} // namespace culex::testing

#pragma once
// What the tests of the client share: virtual time, a broker in memory, both versions.

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <culex/async_client.hpp>
#include <culex/nursery.hpp>
#include <culex/task.hpp>
#include <culex/testing/fake_broker.hpp>
#include <culex/testing/virtual_runtime.hpp>
#include <culex/timeout.hpp>

namespace culex {

using namespace std::chrono_literals;

class ClientTest : public ::testing::TestWithParam<Version> {
protected:
    ClientTest() { broker.listen("mqtt://broker"); }

    /// Options that most tests want: the version under test, no long waits.
    [[nodiscard]] ClientOptions options(std::string_view client_id = "client") const {
        return {.client_id = client_id, .version = GetParam()};
    }
    template <class T> T run(Task<T> task) { return runtime.run(std::move(task)); }

    culex::testing::VirtualRuntime runtime;
    culex::testing::FakeBroker broker{runtime};
};

inline std::string version_name(const ::testing::TestParamInfo<Version>& info) {
    return info.param == Version::v5 ? "v5" : "v3_1_1";
}

#define CULEX_FOR_BOTH_VERSIONS(suite)                                                                                 \
    INSTANTIATE_TEST_SUITE_P(Versions, suite, ::testing::Values(Version::v3_1_1, Version::v5), version_name)

/// The error that `statement` throws; a failure of the test where it throws none.
#define EXPECT_ERROR(statement, condition)                                                                             \
    try {                                                                                                              \
        statement;                                                                                                     \
        ADD_FAILURE() << "no error";                                                                                   \
    } catch (const Error& error) {                                                                                     \
        EXPECT_TRUE(error.failure() == condition) << error.what();                                                     \
    }

} // namespace culex

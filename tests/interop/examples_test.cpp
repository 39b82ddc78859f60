// The examples against a real broker, as their users run them: what they print, and how they end.
#ifdef CULEX_EXAMPLES // where they are built, and built to
#include <array>
#include <cstdio>
#include <string>

#include <sys/wait.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "interop/mosquitto.hpp"

namespace culex {
namespace {

using ::testing::HasSubstr;

struct Ended {
    int status = -1;
    std::string output; ///< both streams
};

Ended run_example(const std::string& name, const std::string& arguments) {
    const std::string command = "'" CULEX_EXAMPLES "/culex_example_" + name + "' " + arguments + " 2>&1";
    std::FILE* const output = popen(command.c_str(), "r");
    if (!output) throw std::runtime_error("cannot run " + command);
    Ended ended;
    std::array<char, 512> chunk{};
    while (const std::size_t count = std::fread(chunk.data(), 1, chunk.size(), output)) {
        ended.output.append(chunk.data(), count);
    }
    const int status = pclose(output);
    if (WIFEXITED(status)) ended.status = WEXITSTATUS(status);
    return ended;
}

TEST(ExamplesWithMosquitto, quickstart_publishes_and_receives_at_every_qos_with_retained_message_and_will) {
    const Mosquitto mosquitto;
    const Ended ended = run_example("quickstart", "--broker " + mosquitto.url());
    EXPECT_EQ(ended.status, 0) << ended.output;
    EXPECT_THAT(ended.output, HasSubstr("monitor: connected to " + mosquitto.url()));
    for (const char* reading : {"21.0 (QoS 0)", "21.1 (QoS 1)", "21.2 (QoS 2)"}) {
        EXPECT_THAT(ended.output, HasSubstr(std::string("/temperature = ") + reading));
    }
    EXPECT_THAT(ended.output, HasSubstr("/status = gone (QoS 1, retained)"));
    EXPECT_THAT(ended.output, HasSubstr("monitor: disconnected"));
}

TEST(ExamplesWithMosquitto, legacy_publishes_and_receives_at_every_qos_with_retained_message_and_will) {
    const Mosquitto mosquitto;
    const Ended ended = run_example("legacy", "--broker " + mosquitto.url());
    EXPECT_EQ(ended.status, 0) << ended.output;
    for (const char* line : {"not cool: a message at QoS 0", "cool: a message at QoS 1", "not cool: a message at QoS 2",
                             "status, retained: here", "status: gone", "status: here", "disconnected"}) {
        EXPECT_THAT(ended.output, HasSubstr(line));
    }
}

TEST(ExamplesWithMosquitto, request_response_asks_and_is_answered) {
    const Mosquitto mosquitto;
    const Ended ended = run_example("request_response", "--broker " + mosquitto.url());
    EXPECT_EQ(ended.status, 0) << ended.output;
    for (const char* line : {"client: 120 squared is 14400 (text/plain)", "the handler on the other side has failed",
                             "timed out: no reply in time", "4 replies"}) {
        EXPECT_THAT(ended.output, HasSubstr(line));
    }
}

TEST(ExamplesWithMosquitto, shared_subscription_does_each_job_once) {
    const Mosquitto mosquitto;
    const Ended ended = run_example("shared_subscription", "--broker " + mosquitto.url());
    EXPECT_EQ(ended.status, 0) << ended.output;
    EXPECT_THAT(ended.output, HasSubstr("30 jobs done, each once"));
}

TEST(ExamplesWithMosquitto, properties_make_the_round_trip) {
    const Mosquitto mosquitto;
    const Ended ended = run_example("properties", "--broker " + mosquitto.url());
    EXPECT_EQ(ended.status, 0) << ended.output;
    for (const char* line : {"application/json", "sensor: attic", "for subscription 7", "nobody listens: "}) {
        EXPECT_THAT(ended.output, HasSubstr(line));
    }
}

TEST(ExamplesWithMosquitto, quickstart_names_what_is_wrong_where_there_is_no_broker) {
    Mosquitto mosquitto;
    const std::string url = mosquitto.url();
    mosquitto.kill();
    const Ended ended = run_example("quickstart", "--broker " + url);
    EXPECT_EQ(ended.status, 1);
    EXPECT_THAT(ended.output, HasSubstr("connection refused"));
    EXPECT_THAT(ended.output, HasSubstr(url));
    const Ended nonsense = run_example("quickstart", "--broker mqtt:/nowhere");
    EXPECT_EQ(nonsense.status, 1);
    EXPECT_THAT(nonsense.output, HasSubstr("mqtt:/nowhere"));
}

} // namespace
} // namespace culex

#endif

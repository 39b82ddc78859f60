// Rules 3 and 4 without threads.
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "facade/callback_table.hpp"

namespace culex::facade {
namespace {

class CallbackTableTest : public testing::Test {
protected:
    /// A callback that says its name.
    Callback says(std::string name) {
        return [this, name = std::move(name)](Client&, const CallbackData&) { said_ += name; };
    }
    /// Runs what the table selects. No callback here looks at its client.
    std::string run(Command command, bool with_message = true) {
        said_.clear();
        CallbackData data{.command = command};
        if (with_message) data.message = &message_;
        if (Callback* callback = table_.select(data)) (*callback)(nobody(), data);
        return said_;
    }
    static Client& nobody() {
        static char nothing = 0;
        return reinterpret_cast<Client&>(nothing);
    }

    CallbackTable table_;
    Message message_; // empty: what matters is that there is one
    std::string said_;
};

const auto always = [](const CallbackData&) { return true; };
const auto never = [](const CallbackData&) { return false; };

TEST_F(CallbackTableTest, rule_03_nothing_runs_where_nothing_is_registered) {
    EXPECT_EQ(nullptr, table_.select({.command = PUBLISH}));
}

TEST_F(CallbackTableTest, rule_03_highest_priority_true_condition_wins) {
    table_.add(PUBLISH, says("low"), always, 1);
    table_.add(PUBLISH, says("high"), always, 7);
    table_.add(PUBLISH, says("middle"), always, 3);
    table_.add(PUBLISH, says("highest"), never, 9);
    EXPECT_EQ("high", run(PUBLISH));
}

TEST_F(CallbackTableTest, rule_03_of_equal_priorities_the_first_registered_wins) {
    table_.add(PUBLISH, says("first"), always, 2);
    table_.add(PUBLISH, says("second"), always, 2);
    EXPECT_EQ("first", run(PUBLISH));
}

TEST_F(CallbackTableTest, rule_03_negative_priorities_come_after_the_default) {
    table_.add(PUBLISH, says("negative"), always, -5);
    table_.add(PUBLISH, says("default"), always, 0);
    EXPECT_EQ("default", run(PUBLISH));
}

TEST_F(CallbackTableTest, rule_03_generic_runs_only_where_no_condition_is_true) {
    table_.add(PUBLISH, says("generic"), {}, 100);
    table_.add(PUBLISH, says("conditional"), [](const CallbackData& data) { return data.message != nullptr; }, -100);
    EXPECT_EQ("conditional", run(PUBLISH));
    EXPECT_EQ("generic", run(PUBLISH, false));
}

TEST_F(CallbackTableTest, rule_03_a_later_generic_callback_replaces_the_earlier_one) {
    table_.add(SUBACK, says("old"), {}, 0);
    table_.add(SUBACK, says("new"), {}, 0);
    EXPECT_EQ("new", run(SUBACK));
    table_.add(SUBACK, nullptr, {}, 0);
    EXPECT_EQ("", run(SUBACK));
}

TEST_F(CallbackTableTest, rule_03_commands_do_not_mix) {
    table_.add(PUBACK, says("ack"), {}, 0);
    table_.add(PUBCOMP, says("comp"), always, 0);
    EXPECT_EQ("ack", run(PUBACK));
    EXPECT_EQ("comp", run(PUBCOMP));
    EXPECT_EQ("", run(PUBREC));
}

TEST_F(CallbackTableTest, a_condition_that_throws_counts_as_false) {
    table_.add(PUBLISH, says("bad"), [](const CallbackData&) -> bool { throw std::runtime_error("oh"); }, 5);
    table_.add(PUBLISH, says("worse"), [](const CallbackData&) -> bool { throw 1; }, 4);
    table_.add(PUBLISH, says("good"), always, 1);
    EXPECT_EQ("good", run(PUBLISH));
}

TEST_F(CallbackTableTest, rule_04_message_callback_serves_publish_and_pubrel) {
    table_.set_message_callback(says("message"));
    EXPECT_EQ("message", run(PUBLISH));
    EXPECT_EQ("message", run(PUBREL));
}

TEST_F(CallbackTableTest, rule_04_message_callback_leaves_publish_without_a_message_alone) {
    table_.set_message_callback(says("message"));
    table_.add(PUBLISH, says("generic"), {}, 0);
    EXPECT_EQ("message", run(PUBLISH));
    EXPECT_EQ("generic", run(PUBLISH, false));
}

TEST_F(CallbackTableTest, rule_04_any_conditional_callback_of_the_users_own_goes_first) {
    table_.set_message_callback(says("message"));
    table_.add(PUBLISH, says("own"), always, 0);
    table_.add(PUBREL, says("own"), always, 0);
    EXPECT_EQ("own", run(PUBLISH));
    EXPECT_EQ("own", run(PUBREL));
}

TEST_F(CallbackTableTest, rule_04_a_later_message_callback_replaces_the_earlier_one) {
    table_.set_message_callback(says("old"));
    table_.add(PUBLISH, says("own"), always, -1);
    table_.set_message_callback(says("new"));
    EXPECT_EQ("new", run(PUBLISH)); // in the place of the old one
    EXPECT_EQ("new", run(PUBREL));
}

TEST_F(CallbackTableTest, callbacks_may_own_what_cannot_be_copied) {
    int sum = 0;
    table_.add(
        PUBLISH, [&sum, owned = std::make_unique<int>(5)](Client&, const CallbackData&) { sum += *owned; },
        [limit = std::make_unique<int>(0)](const CallbackData& data) { return data.mid >= *limit; }, 0);
    run(PUBLISH);
    EXPECT_EQ(5, sum);
}

TEST(CommandNames, are_those_of_the_packets) {
    EXPECT_EQ(to_string(PUBLISH), "PUBLISH");
    EXPECT_EQ(to_string(Command::pingresp), "PINGRESP");
    EXPECT_EQ(to_string(static_cast<Command>(1)), "?"); // a packet that no broker sends
}

} // namespace
} // namespace culex::facade

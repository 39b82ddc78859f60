#include "session/plain_run.hpp"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace culex::session {
namespace {

using namespace std::string_literals;

constexpr std::size_t window = 3;

/// Input in memory of its exact size, so that a sanitizer sees who reads behind it.
class Input {
public:
    Input(const std::string& bytes, QoS qos, Version version = Version::v3_1_1)
        : size_(bytes.size()), bytes_(std::make_unique<std::byte[]>(size_)),
          run_(qos, {bytes_.get(), size_}, version, inbound_, window) {
        std::memcpy(bytes_.get(), bytes.data(), size_);
    }
    /// Takes all that the run has; their topics and payloads.
    template <QoS Qos> std::string take_all() {
        std::string all;
        for (wire::PublishParts next{.qos = Qos}; run_.look<Qos>(next);) {
            messages_.push_back(run_.take<Qos>(next));
            all.append(messages_.back().topic()).append("=").append(messages_.back().text()).append(";");
        }
        return all;
    }
    [[nodiscard]] std::size_t left() const { return size_ - static_cast<std::size_t>(run_.at() - bytes_.get()); }

    Inbound inbound_{false};
    std::size_t size_;
    std::unique_ptr<std::byte[]> bytes_;
    PlainRun run_;
    std::vector<Message> messages_;
};

const std::string first = "\x30\x04\0\x01"s + "ax";
const std::string second = "\x30\x05\0\x02"s + "bby";
const std::string tracked = "\x32\x06\0\x01"s + "a\0\x07"s + "x";

TEST(PlainRun, takes_one_behind_the_other_and_says_where_it_ended) {
    Input input(first + second + tracked, QoS::at_most_once);
    EXPECT_EQ(input.take_all<QoS::at_most_once>(), "a=x;bb=y;");
    EXPECT_EQ(input.run_.count(), 2u);
    EXPECT_EQ(input.left(), tracked.size());
}

TEST(PlainRun, shows_without_taking) {
    Input input(first, QoS::at_most_once);
    wire::PublishParts next;
    ASSERT_TRUE(input.run_.look<QoS::at_most_once>(next));
    ASSERT_TRUE(input.run_.look<QoS::at_most_once>(next));
    EXPECT_EQ(next.topic, "a");
    EXPECT_EQ(input.run_.count(), 0u);
    EXPECT_EQ(input.left(), first.size());
}

TEST(PlainRun, owes_an_answer_for_each_message_at_qos_1_until_the_window_is_full) {
    Input input(tracked + tracked + tracked + tracked, QoS::at_least_once);
    EXPECT_EQ(input.take_all<QoS::at_least_once>(), "a=x;a=x;a=x;");
    EXPECT_EQ(input.left(), tracked.size());
    EXPECT_EQ(input.inbound_.unacknowledged(), window);
    std::uint64_t last = 0;
    for (const Message& message : input.messages_) {
        const Delivery& owed = MessageBlock::delivery(message);
        EXPECT_GT(owed.sequence, last);
        EXPECT_EQ(owed.id, 7);
        EXPECT_EQ(owed.qos, QoS::at_least_once);
        last = owed.sequence;
        EXPECT_TRUE(input.inbound_.acknowledge_oldest(owed));
    }
    EXPECT_EQ(input.inbound_.unacknowledged(), 0u);
}

TEST(PlainRun, owes_nothing_at_qos_0) {
    Input input(first, QoS::at_most_once);
    ASSERT_EQ(input.take_all<QoS::at_most_once>(), "a=x;");
    EXPECT_EQ(MessageBlock::delivery(input.messages_[0]).sequence, 0u);
}

struct Other {
    const char* name;
    std::string bytes;
    Version version = Version::v3_1_1;
    QoS qos = QoS::at_most_once;
};

TEST(PlainRun, leaves_what_is_otherwise_for_the_long_way) {
    const Other others[] = {
        {"nothing", ""},
        {"one byte", "\x30"},
        {"no topic's length", "\x30\x02\0"s},
        {"cut short", first.substr(0, first.size() - 1)},
        {"retained", "\x31\x04\0\x01"s + "ax"},
        {"a repetition", "\x3A\x06\0\x01"s + "a\0\x07"s + "x", Version::v3_1_1, QoS::at_least_once},
        {"QoS 2", "\x34\x06\0\x01"s + "a\0\x07"s + "x", Version::v3_1_1, QoS::at_least_once},
        {"another packet", "\xD0\0"s + first},
        {"a Remaining Length of two bytes", "\x30\x80\x01\0\x01"s + "a" + std::string(125, 'x')},
        {"a body of one byte", "\x30\x01\0\x30\x30\x30"s},
        {"a topic longer than its packet", "\x30\x04\0\x03"s + "ax" + first},
        {"no packet identifier", "\x32\x03\0\x01"s + "a" + tracked, Version::v3_1_1, QoS::at_least_once},
        {"the identifier 0", "\x32\x06\0\x01"s + "a\0\0x"s, Version::v3_1_1, QoS::at_least_once},
        {"no properties' length", "\x30\x03\0\x01"s + "a", Version::v5},
        {"properties", "\x30\x07\0\x01"s + "a\x02\x01\x01x", Version::v5},
    };
    for (const Other& other : others) {
        Input input(other.bytes, other.qos, other.version);
        const std::string taken =
            other.qos == QoS::at_most_once ? input.take_all<QoS::at_most_once>() : input.take_all<QoS::at_least_once>();
        EXPECT_EQ(taken, "") << other.name;
        EXPECT_EQ(input.left(), other.bytes.size()) << other.name;
    }
}

TEST(PlainRun, knows_that_version_5_says_no_properties_with_a_byte) {
    Input input("\x30\x05\0\x01"s + "a\0x"s, QoS::at_most_once, Version::v5);
    EXPECT_EQ(input.take_all<QoS::at_most_once>(), "a=x;");
}

} // namespace
} // namespace culex::session

// Runs the programs that README.md shows.
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include <culex/culex.hpp>
#include <culex/nursery.hpp>
#include <culex/testing/broker_thread.hpp>
#include <culex/timeout.hpp>

int readme_main_1();
culex::Task<> report(culex::AsyncClient& client);
int readme_main_3();
bool lamp_reports_its_state();
culex::Task<> save_orders(culex::AsyncClient& client);
culex::Task<> server(culex::AsyncClient& client);
culex::Task<> asker(culex::AsyncClient& client);

namespace {

culex::testing::BrokerThread* current_broker = nullptr;

class Readme : public ::testing::Test {
protected:
    Readme() { current_broker = &broker; }
    culex::testing::BrokerThread broker;
};

} // namespace

std::string saved;
void save(const culex::Message& order) { saved += std::string(order.text()) + " "; }

const std::string& readme_url() { return current_broker->url(); }
std::uint16_t readme_port() { return current_broker->port(); }

namespace {

using culex::testing::FakeBroker;
using culex::testing::PublishedMessage;

TEST_F(Readme, first_program_receives_until_the_broker_turns_it_away) {
    std::promise<void> is_up;
    broker.call(
        [&](FakeBroker& b) { b.subscribe("greenhouse/status", [&](const PublishedMessage&) { is_up.set_value(); }); });
    auto program = std::async(std::launch::async, readme_main_1);
    is_up.get_future().wait();
    broker.call([](FakeBroker& b) {
        b.publish("sensors/1/temperature", "21.5", culex::QoS::at_least_once);
        b.options().refuse_connect = culex::ReasonCode::not_authorized;
        b.drop_all_connections();
    });
    EXPECT_EQ(program.get(), EXIT_FAILURE); // and what was wrong is on stderr
}

culex::Task<> connect_and_report(culex::Loop& loop) {
    culex::AsyncClient client(loop);
    co_await client.connect(readme_url());
    co_await report(client);
}

TEST_F(Readme, coroutine_publishes_two_at_once) {
    culex::Loop loop;
    loop.run(connect_and_report(loop));
    EXPECT_EQ(broker.call([](FakeBroker& b) { return b.messages().size(); }), 2u);
}

TEST_F(Readme, blocking_client_runs) {
    EXPECT_EQ(readme_main_3(), 0);
    const auto messages = broker.call([](FakeBroker& b) { return b.messages(); });
    ASSERT_FALSE(messages.empty());
    EXPECT_EQ(messages[0].topic, "cool/channel");
}

TEST_F(Readme, test_of_ones_own_code_runs) { EXPECT_TRUE(lamp_reports_its_state()); }

culex::Task<> connect_and_save_orders(culex::Loop& loop, FakeBroker& b) {
    culex::AsyncClient client(loop, {.client_id = "orders"});
    const std::string url = b.url();
    co_await client.connect(url);
    culex::Nursery nursery;
    nursery.spawn(save_orders(client));
    while (!b.session("orders") || b.session("orders")->subscriptions.empty()) co_await culex::yield();
    for (const char* order : {"one", "two"}) b.publish("orders/1", order, culex::QoS::at_least_once);
    while (b.session("orders")->in_flight > 0) co_await culex::yield();
    co_await client.disconnect();
    co_await nursery.join();
}

TEST_F(Readme, orders_are_acknowledged_once_they_are_saved) {
    saved.clear();
    culex::Loop loop;
    FakeBroker own(loop);
    own.listen();
    loop.run(connect_and_save_orders(loop, own));
    EXPECT_EQ(saved, "one two ");
    EXPECT_EQ(own.count(culex::testing::Direction::received, culex::PacketType::puback), 2u);
}

culex::Task<> ask_the_server(culex::Loop& loop, std::uint64_t& replies) {
    culex::AsyncClient answering(loop, {.client_id = "server", .version = culex::Version::v5});
    culex::AsyncClient asking(loop, {.client_id = "asker", .version = culex::Version::v5});
    co_await answering.connect(readme_url());
    co_await asking.connect(readme_url());
    culex::Nursery nursery;
    nursery.spawn(server(answering));
    co_await culex::yield();
    co_await answering.publish("ready", "", {.qos = culex::QoS::at_least_once}); // behind SUBSCRIBE
    co_await asker(asking);
    replies = asking.statistics().replies;
    co_await answering.disconnect();
    co_await nursery.join();
}

TEST_F(Readme, request_is_answered) {
    culex::Loop loop;
    std::uint64_t replies = 0;
    ::testing::internal::CaptureStdout();
    loop.run(ask_the_server(loop, replies));
    EXPECT_EQ(::testing::internal::GetCapturedStdout(), "144\n");
    EXPECT_EQ(replies, 1u);
}

} // namespace

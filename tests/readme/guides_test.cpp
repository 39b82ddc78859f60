// Runs what the guides show (include/culex/guides), and holds their claims to it.
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <culex/culex.hpp>
#include <culex/testing/broker_thread.hpp>
#include <culex/testing/fake_broker.hpp>
#include <culex/testing/virtual_runtime.hpp>
#ifdef CULEX_CERTIFICATES
#include <culex/testing/tls_server.hpp>
#endif

using namespace std::chrono_literals;
using culex::testing::FakeBroker;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// deadlines.md
culex::Task<bool> acknowledged_in_time(culex::AsyncClient& client);
culex::Task<std::string> first_reading_within(culex::AsyncClient& client, culex::Duration limit);
culex::Task<std::size_t> leave(culex::AsyncClient& client);
// delivery.md
culex::Task<> keep_orders(culex::AsyncClient& client, std::vector<std::string>& disk);
culex::Task<bool> offer(culex::AsyncClient& client);
// threads.md
bool report_from_anywhere(const culex::Loop::Poster& poster, culex::AsyncClient& client, std::string text);
void answer_pings(culex::Client& client);
struct Log {
    std::mutex mutex;
    std::vector<std::string> lines;
};
void begin_log(Log& log);
void end_log();
culex::Task<> work(culex::AsyncClient& client, const std::string& url);
int run_service(std::string url);
// back_pressure.md
culex::ClientOptions meter_options();
culex::Task<std::uint64_t> report_while_offline(culex::AsyncClient& client, int readings);
culex::ClientOptions small_consumer();
culex::Task<> feed(culex::Subscription& stream, culex::Channel<culex::Message>& jobs);
culex::Task<> work(culex::AsyncClient& client, int workers);
// tls.md
std::uint64_t connect_twice(culex::Loop& loop, const std::string& url, const culex::TlsOptions& files);
culex::TlsContext with_key(std::string_view identity, std::string_view key);
bool renewed(culex::TlsContext& tls);
// testing.md
std::size_t heartbeats_in_an_hour();
std::size_t deliveries_after_a_lost_acknowledgement(culex::QoS qos);
std::vector<std::string> complaints_about_a_refused_publish(culex::ReasonCode& answer);
std::string blocking_client_says();
// moving.md
void run_device(std::string_view host, int port, const std::atomic<bool>& stop);

/// Of the service in threads.md: never ends.
culex::Task<> work(culex::AsyncClient& client, const std::string& url) {
    co_await client.connect(url, {.retry = true});
    auto commands = co_await client.subscribe("commands", culex::QoS::at_least_once);
    while (co_await commands.next()) {
    }
}

namespace {

class Guides : public ::testing::Test {
protected:
    Guides() { broker.listen("mqtt://broker"); }
    template <class T> T run(culex::Task<T> task) { return runtime.run(std::move(task)); }
    void connect(culex::AsyncClient& client) { run(connected(client)); }
    static culex::Task<> connected(culex::AsyncClient& client) { co_await client.connect("mqtt://broker"); }

    culex::testing::VirtualRuntime runtime;
    FakeBroker broker{runtime};
};

TEST_F(Guides, deadline_of_a_publish_ends_the_waiting_and_not_the_message) {
    culex::AsyncClient client(runtime, {.client_id = "c"});
    connect(client);
    EXPECT_TRUE(run(acknowledged_in_time(client)));
    broker.options().hold_acknowledgements = true;
    EXPECT_FALSE(run(acknowledged_in_time(client)));
    EXPECT_EQ(client.outstanding(), 1u);
    broker.release_acknowledgements();
    runtime.run_until_idle();
    EXPECT_EQ(client.outstanding(), 0u);
}

TEST_F(Guides, deadline_for_several_steps_drops_them) {
    culex::AsyncClient client(runtime, {.client_id = "c"});
    connect(client);
    try {
        run(first_reading_within(client, 10s));
        ADD_FAILURE() << "no error";
    } catch (const culex::Error& error) {
        EXPECT_EQ(error.code(), culex::Errc::timed_out);
    }
    broker.publish("sensors/1", "21.5", culex::QoS::at_most_once, true);
    EXPECT_EQ(run(first_reading_within(client, 10s)), "21.5");
}

TEST_F(Guides, drain_is_a_deadline_and_what_is_left_is_told) {
    culex::AsyncClient client(runtime, {.client_id = "c"});
    connect(client);
    broker.options().hold_acknowledgements = true;
    ASSERT_TRUE(client.try_publish("a", culex::as_bytes("x"), {.qos = culex::QoS::at_least_once}));
    ::testing::internal::CaptureStdout();
    const culex::TimePoint begin = runtime.now();
    EXPECT_EQ(run(leave(client)), 1u);
    EXPECT_EQ(runtime.now() - begin, 3s);
    EXPECT_THAT(::testing::internal::GetCapturedStdout(), ::testing::StartsWith("1 not delivered"));
}

TEST_F(Guides, client_pings_within_70_to_90_percent_of_the_keep_alive) {
    culex::AsyncClient client(runtime, {.client_id = "c", .keep_alive = 100s});
    connect(client);
    runtime.advance(70s - 1ms);
    EXPECT_EQ(broker.count(culex::testing::Direction::received, culex::PacketType::pingreq), 0u);
    runtime.advance(20s + 1ms);
    EXPECT_EQ(broker.count(culex::testing::Direction::received, culex::PacketType::pingreq), 1u);
}

TEST_F(Guides, recipe_for_a_consumer_that_loses_nothing_survives_its_process) {
    std::vector<std::string> disk;
    {
        culex::AsyncClient before(runtime, {.client_id = "keeper", .clean_start = false});
        culex::Nursery tasks(runtime);
        tasks.spawn(keep_orders(before, disk));
        runtime.run_until_idle();
        broker.publish("orders/1", "one", culex::QoS::at_least_once);
        runtime.run_until_idle();
    }
    broker.publish("orders/2", "two", culex::QoS::at_least_once); // while nobody is there
    culex::AsyncClient after(runtime, {.client_id = "keeper", .clean_start = false});
    culex::Nursery tasks(runtime);
    tasks.spawn(keep_orders(after, disk));
    runtime.run_until_idle();
    EXPECT_THAT(disk, ElementsAre("one", "two"));
    EXPECT_EQ(broker.session("keeper")->in_flight, 0u);
}

TEST_F(Guides, offer_that_expires_while_there_is_no_connection_fails) {
    culex::AsyncClient client(runtime, {.client_id = "c", .version = culex::Version::v5});
    connect(client);
    EXPECT_TRUE(run(offer(client)));
    broker.stop_listening();
    broker.drop_all_connections();
    runtime.run_until_idle();
    EXPECT_FALSE(run(offer(client)));
}

TEST_F(Guides, bounded_meter_drops_the_oldest_readings_and_counts_them) {
    culex::AsyncClient client(runtime, meter_options());
    connect(client);
    broker.stop_listening();
    broker.drop_all_connections();
    runtime.run_until_idle();
    EXPECT_EQ(run(report_while_offline(client, 1500)), 500u);
    broker.listen("mqtt://broker");
    EXPECT_TRUE(runtime.run_until([&] { return client.outstanding() == 0; }, 10min));
    ASSERT_EQ(broker.messages().size(), 1000u);
    EXPECT_EQ(broker.messages().front().payload, "500");
}

TEST_F(Guides, small_consumer_asks_the_broker_for_its_bounds) {
    culex::AsyncClient client(runtime, small_consumer());
    connect(client);
    const auto connects = broker.received(culex::PacketType::connect);
    ASSERT_EQ(connects.size(), 1u);
    EXPECT_EQ(connects[0].as<culex::Connect>()->properties.receive_maximum, 20);
    EXPECT_EQ(connects[0].as<culex::Connect>()->properties.maximum_packet_size, 65'536u);
}

TEST_F(Guides, workers_share_the_messages_of_a_stream) {
    culex::AsyncClient client(runtime, {.client_id = "c"});
    connect(client);
    culex::Nursery tasks(runtime);
    tasks.spawn(work(client, 4));
    runtime.run_until_idle();
    for (int i = 0; i < 8; ++i) broker.publish("jobs/1", "do", culex::QoS::at_least_once);
    runtime.advance(2s); // two rounds of four
    EXPECT_EQ(broker.count(culex::testing::Direction::received, culex::PacketType::puback), 8u);
}

culex::Task<> broken_worker(culex::Channel<culex::Message>& jobs) {
    co_await jobs.pop();
    throw std::runtime_error("the machine is broken");
}
culex::Task<> work_with_a_broken_worker(culex::AsyncClient& client) {
    auto stream = co_await client.subscribe("jobs/#", culex::QoS::at_least_once);
    culex::Channel<culex::Message> jobs(1);
    culex::Nursery nursery;
    nursery.spawn(broken_worker(jobs));
    nursery.spawn(feed(stream, jobs));
    co_await nursery.join();
}
culex::Task<> joined(culex::Nursery& tasks) { co_await tasks.join(); }

TEST_F(Guides, worker_that_throws_ends_the_work_and_is_heard) {
    culex::AsyncClient client(runtime, {.client_id = "c"});
    connect(client);
    culex::Nursery tasks(runtime);
    tasks.spawn(work_with_a_broken_worker(client));
    runtime.run_until_idle();
    for (int i = 0; i < 8; ++i) broker.publish("jobs/1", "do", culex::QoS::at_least_once);
    EXPECT_THROW(run(joined(tasks)), std::runtime_error);
}

TEST(GuideOfThreads, any_thread_reports_through_a_poster) {
    culex::Loop loop;
    FakeBroker broker(loop);
    broker.listen();
    culex::Event reported;
    broker.subscribe("report", [&](const culex::testing::PublishedMessage&) { reported.set(); });
    culex::AsyncClient client(loop);
    const auto main = [](culex::AsyncClient& c, const std::string& url, culex::Loop& on,
                         culex::Event& until) -> culex::Task<> {
        co_await c.connect(url);
        std::thread other(
            [&c, poster = on.poster()] { EXPECT_TRUE(report_from_anywhere(poster, c, "from elsewhere")); });
        other.join();
        co_await until.wait();
    };
    const std::string url = broker.url();
    loop.run(main(client, url, loop, reported));
    EXPECT_EQ(broker.messages().back().payload, "from elsewhere");
}

TEST(GuideOfThreads, poster_outlives_its_loop) {
    auto loop = std::make_unique<culex::Loop>();
    const culex::Loop::Poster poster = loop->poster();
    culex::testing::VirtualRuntime runtime;
    culex::AsyncClient client(runtime);
    loop.reset();
    EXPECT_FALSE(report_from_anywhere(poster, client, "nobody is there"));
}

TEST(GuideOfThreads, callback_makes_calls_that_wait_and_the_log_hook_hears_what_another_throws) {
    Log log;
    begin_log(log);
    culex::testing::BrokerThread broker;
    std::promise<std::string> pong;
    broker.call([&](FakeBroker& b) {
        b.subscribe("pong", [&](const culex::testing::PublishedMessage& message) { pong.set_value(message.payload); });
    });
    {
        culex::Client client("answering");
        client.connect("127.0.0.1", 60, broker.port());
        std::promise<void> is_called;
        client.on(culex::SUBACK, [&, called = false](culex::Client&, const culex::CallbackData&) mutable {
            if (!std::exchange(called, true)) is_called.set_value();
            throw std::runtime_error("enough");
        });
        answer_pings(client);
        client.publish("ping", "7", 1);
        EXPECT_EQ(pong.get_future().get(), "7");
        is_called.get_future().wait();
    } // waits for a callback that runs
    end_log();
    EXPECT_THAT(log.lines, ::testing::Contains(
                               ::testing::AllOf(::testing::StartsWith("error: "), ::testing::HasSubstr("enough"))));
}

TEST(GuideOfThreads, service_says_goodbye_when_it_is_told_to_end) {
    culex::testing::BrokerThread broker;
    std::promise<void> works;
    broker.call([&](FakeBroker& b) {
        b.options().authorize_subscribe = [&, called = false](std::string_view,
                                                              const culex::TopicSubscription&) mutable {
            if (!std::exchange(called, true)) works.set_value();
            return culex::ReasonCode::granted_qos_1;
        };
    });
    std::future<int> status = std::async(std::launch::async, [&] { return run_service(broker.url()); });
    works.get_future().wait();
    ::kill(::getpid(), SIGTERM);
    EXPECT_EQ(status.get(), EXIT_SUCCESS);
    EXPECT_EQ(broker.call([](FakeBroker& b) {
        return b.count(culex::testing::Direction::received, culex::PacketType::disconnect);
    }),
              1u);
}

#ifdef CULEX_CERTIFICATES
std::string certificate(const std::string& name) { return CULEX_CERTIFICATES "/" + name; }

TEST(GuideOfTls, second_connection_resumes_the_session_of_the_first) {
    const std::string ca = certificate("ca.pem");
    const std::string own = certificate("client.pem");
    const std::string own_key = certificate("client.key");
    const std::string server = certificate("server.pem");
    const std::string server_key = certificate("server.key");
    const culex::testing::TlsServer tls(
        {.certificate_file = server, .key_file = server_key, .client_ca_file = ca, .demand_client_certificate = true});
    culex::testing::BrokerThread broker({.tls = tls});
    culex::Loop loop;
    EXPECT_EQ(connect_twice(loop, broker.url(), {.ca_file = ca, .certificate_file = own, .key_file = own_key}), 1u);
}

TEST(GuideOfTls, key_agreed_upon_before_is_enough) {
    const culex::testing::TlsServer tls(
        {.psk_identity = "lamp", .psk_key = culex::as_bytes("a secret of some length")});
    culex::testing::BrokerThread broker({.tls = tls});
    for (const char* key : {"a secret of some length", "another secret of ours "}) {
        culex::Client client("lamp");
        const bool right = std::string_view(key).starts_with("a secret");
        const auto connect = [&] { client.connect("127.0.0.1", 60, broker.port(), {.tls = with_key("lamp", key)}); };
        if (right) {
            EXPECT_NO_THROW(connect());
        } else {
            EXPECT_THROW(connect(), culex::Error);
        }
    }
}

TEST(GuideOfTls, reload_that_fails_leaves_the_old_certificates) {
    const std::string path = ::testing::TempDir() + "culex_guide_ca_" + std::to_string(::getpid()) + ".pem";
    const auto become = [&](std::string_view text) {
        std::FILE* const file = std::fopen(path.c_str(), "w");
        std::fwrite(text.data(), 1, text.size(), file);
        std::fclose(file);
    };
    std::FILE* const good = std::fopen(certificate("ca.pem").c_str(), "r");
    std::string text(100'000, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), good));
    std::fclose(good);

    become(text);
    culex::TlsContext tls({.ca_file = path});
    EXPECT_TRUE(renewed(tls));
    become("no certificate");
    EXPECT_FALSE(renewed(tls));
    std::remove(path.c_str());
}
#endif

TEST(GuideOfTesting, an_hour_of_heartbeats_takes_no_time) { EXPECT_EQ(heartbeats_in_an_hour(), 60u); }

TEST(GuideOfTesting, lost_acknowledgement_makes_two_at_qos_1_and_one_at_qos_2) {
    EXPECT_EQ(deliveries_after_a_lost_acknowledgement(culex::QoS::at_least_once), 2u);
    EXPECT_EQ(deliveries_after_a_lost_acknowledgement(culex::QoS::exactly_once), 1u);
}

TEST(GuideOfTesting, script_refuses_a_publish) {
    auto answer = culex::ReasonCode::success;
    EXPECT_THAT(complaints_about_a_refused_publish(answer), IsEmpty());
    EXPECT_EQ(answer, culex::ReasonCode::quota_exceeded);
}

TEST(GuideOfTesting, blocking_client_meets_a_broker_thread) { EXPECT_EQ(blocking_client_says(), "on"); }

TEST(GuideOfMoving, device_answers_and_its_will_is_discarded) {
    culex::testing::BrokerThread broker;
    std::promise<void> subscribed;
    std::promise<std::string> done;
    broker.call([&](FakeBroker& b) {
        b.options().authorize_subscribe = [&](std::string_view, const culex::TopicSubscription&) {
            subscribed.set_value();
            return culex::ReasonCode::granted_qos_1;
        };
        b.subscribe("devices/7/done", [&](const culex::testing::PublishedMessage& m) { done.set_value(m.payload); });
    });
    std::atomic<bool> stop{false};
    std::thread device([&] { run_device("127.0.0.1", broker.port(), stop); });
    subscribed.get_future().wait();
    broker.call([](FakeBroker& b) { b.publish("devices/7/do", "turn", culex::QoS::at_least_once); });
    EXPECT_EQ(done.get_future().get(), "turn");
    stop = true;
    stop.notify_one();
    device.join();
    const auto retained = broker.call([](FakeBroker& b) { return b.retained_messages(); });
    ASSERT_EQ(retained.size(), 1u);
    EXPECT_EQ(retained[0].payload, "here");
}

} // namespace

// What MQTT 5 lets a message say about itself: its content type, its age, whatever else in user properties, and which
// subscription it is for.
//
//     culex_example_properties                              with a broker inside this process
//     culex_example_properties --broker mqtt://host:1883    with a real one, which must speak MQTT 5
#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <culex/async_client.hpp>
#include <culex/loop.hpp>
#include <culex/testing/fake_broker.hpp>
#include <culex/timeout.hpp>

using namespace std::chrono_literals;
using culex::QoS;

namespace {

std::string unique_prefix() {
    return fmt::format("culex/properties/{:x}", culex::Clock::now().time_since_epoch().count());
}

void require(bool met, std::string_view what) {
    if (!met) throw std::runtime_error(fmt::format("not so: {}", what));
}

void print(const culex::Message& message) {
    const culex::PublishProperties& properties = message.properties();
    fmt::print("{} bytes of {}\n", message.payload().size(), properties.content_type.value_or("something"));
    if (properties.message_expiry_interval) fmt::print("  good for {} s more\n", *properties.message_expiry_interval);
    for (const culex::UserProperty& user : properties.user_properties) fmt::print("  {}: {}\n", user.name, user.value);
    for (const std::uint32_t id : properties.subscription_identifiers) fmt::print("  for subscription {}\n", id);
}

culex::Task<> exchange(culex::Loop& loop, std::string url) {
    const std::string prefix = unique_prefix();
    culex::AsyncClient client(loop, {.version = culex::Version::v5,
                                     .properties = {.session_expiry_interval = 60, .topic_alias_maximum = 10}});
    co_await client.connect(url);
    fmt::print("the broker calls us {}\n", client.client_id());

    const std::string filter = prefix + "/#";
    auto stream = co_await client.subscribe(filter, QoS::at_least_once, {.properties = {.subscription_identifier = 7}});

    // An array has a name of its own: g++ 12 wants no lists inside `co_await`.
    const std::array<culex::UserProperty, 3> user{{{"sensor", "attic"}, {"calibrated", "no"}, {"calibrated", "soon"}}};
    const std::string topic = prefix + "/temperature";
    co_await client.publish(topic, R"({"celsius": 21.5})",
                            {.qos = QoS::at_least_once,
                             .properties = {.payload_format_indicator = std::uint8_t{1},
                                            .message_expiry_interval = 3600,
                                            .content_type = "application/json",
                                            .user_properties = user}});
    const auto message = co_await stream.next(10s);
    require(message.has_value(), "a message has come");
    print(*message);
    const culex::PublishProperties& properties = message->properties();
    require(properties.content_type == "application/json", "its content type is JSON");
    require(properties.payload_format_indicator == 1, "its payload is text");
    require(properties.message_expiry_interval > 3500u, "it is good for an hour");
    require(properties.user_properties.size() == 3, "it has three user properties");
    require(properties.user_properties[2] == user[2], "they are in their order, and names may repeat");
    require(properties.subscription_identifiers.size() == 1 && properties.subscription_identifiers[0] == 7,
            "it names the subscription");

    // The broker's own words: nobody subscribes to this.
    const auto nobody = co_await client.publish("culex/nobody/listens", "x", {.qos = QoS::at_least_once});
    fmt::print("nobody listens: {}\n", culex::to_string(nobody.reason_code));
    co_await client.disconnect();
}

} // namespace

int main(int argc, char** argv) {
    std::string url;
    if (argc == 3 && std::string_view(argv[1]) == "--broker") {
        url = argv[2];
    } else if (argc != 1) {
        fmt::print(stderr, "usage: {} [--broker mqtt://host:port]\n", argv[0]);
        return 2;
    }
    try {
        culex::Loop loop;
        std::optional<culex::testing::FakeBroker> broker;
        if (url.empty()) {
            broker.emplace(loop);
            broker->listen();
            url = broker->url();
        }
        loop.run(exchange(loop, url));
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
}

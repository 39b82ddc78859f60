// A service that runs a libuv loop of its own, with a timer and a listening socket on it, and adds an MQTT client.
//
//     culex_example_embed [--broker mqtt://host:1883]
//
// The service's timer ticks; each tick is published from plain callback code. The client's coroutine receives the ticks
// back. After five of them everything is closed, and the loop ends by itself.
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <culex/async_client.hpp>
#include <culex/testing/fake_broker.hpp>
#include <culex/uv.hpp>

namespace {

/// What the service is about. Its handles are libuv's, as they were before MQTT came in.
struct Service {
    uv_timer_t ticker{};
    uv_tcp_t listener{};
    int ticks = 0;
    culex::AsyncClient* client = nullptr;
};

constexpr const char* topic = "service/tick";
constexpr int enough = 5;

void tick(uv_timer_t* timer) {
    auto& service = *static_cast<Service*>(timer->data);
    const std::string text = std::to_string(++service.ticks);
    const auto published =
        service.client->try_publish(topic, culex::as_bytes(text), {.qos = culex::QoS::at_least_once});
    if (!published) fmt::print("tick {}: {}\n", text, published.failure().message());
    if (service.ticks == enough) uv_timer_stop(timer);
}

void begin_ticking(Service& service) { uv_timer_start(&service.ticker, tick, 10, 10); }

culex::Task<> mqtt(Service& service, std::string url) {
    co_await service.client->connect(url);
    auto ticks = co_await service.client->subscribe(topic, culex::QoS::at_least_once);
    begin_ticking(service);
    for (int i = 1; i <= enough; ++i) {
        const auto message = co_await ticks.next();
        if (!message) co_return;
        fmt::print("received tick {}\n", message->text());
    }
    co_await service.client->disconnect();
}

} // namespace

int main(int argc, char** argv) {
    uv_loop_t uv{};
    uv_loop_init(&uv);
    Service service;
    uv_timer_init(&uv, &service.ticker);
    service.ticker.data = &service;
    uv_tcp_init(&uv, &service.listener);

    std::unique_ptr<culex::Loop> loop = culex::adopt(&uv);
    std::optional<culex::testing::FakeBroker> broker;
    std::string url;
    if (argc == 3 && std::string_view(argv[1]) == "--broker") {
        url = argv[2];
    } else {
        broker.emplace(*loop);
        broker->listen();
        url = broker->url();
    }
    int status = 0;
    {
        culex::AsyncClient client(*loop, {.client_id = "embedded-service"});
        service.client = &client;

        // The program owns the task and runs its own loop; when the task has ended, it lets go of what else holds the loop.
        struct Main : culex::TaskRoot<> {
            Main(culex::Task<> task, std::optional<culex::testing::FakeBroker>& broker_)
                : TaskRoot(std::move(task), [](TaskRoot& ended) { static_cast<Main&>(ended).broker.reset(); }),
                  broker(broker_) {}
            std::optional<culex::testing::FakeBroker>& broker;
        };
        Main task(mqtt(service, url), broker);
        task.start_on(*loop);
        uv_run(&uv, UV_RUN_DEFAULT);
        try {
            if (!task.done()) throw std::runtime_error("the loop ended before the task");
            task.result();
        } catch (const std::exception& error) {
            fmt::print(stderr, "{}\n", error.what());
            status = 1;
        }
    }
    uv_close(reinterpret_cast<uv_handle_t*>(&service.ticker), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&service.listener), nullptr);
    loop.reset();
    uv_run(&uv, UV_RUN_DEFAULT); // handles close on a turn of the loop
    const int left = uv_loop_close(&uv);
    fmt::print("loop closed: {}\n", left == 0 ? "nothing left" : uv_strerror(left));
    return left == 0 ? status : 1;
}

// A test of somebody else's: a client and a broker in memory, in virtual time.

#include <cstdio>

#include <culex/async_client.hpp>
#include <culex/testing/fake_broker.hpp>
#include <culex/testing/virtual_runtime.hpp>

culex::Task<> publish_once(culex::AsyncClient& client) {
    co_await client.connect("mqtt://broker");
    co_await client.publish("lamp/state", "on", {.qos = culex::QoS::exactly_once});
}

int main() {
    culex::testing::VirtualRuntime runtime;
    culex::testing::FakeBroker broker{runtime};
    broker.listen("mqtt://broker");
    culex::AsyncClient client{runtime, {.client_id = "lamp"}};
    runtime.run(publish_once(client));
    if (broker.messages().back().payload == "on") std::puts("outside: as expected");
}

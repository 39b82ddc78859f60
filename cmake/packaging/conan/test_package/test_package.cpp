// A message from a client to a broker, both in memory and in virtual time; and what needs libuv is linked.

#include <culex/culex.hpp>
#include <culex/testing/fake_broker.hpp>
#include <culex/testing/virtual_runtime.hpp>

culex::Task<> publish_once(culex::AsyncClient& client) {
    co_await client.connect("mqtt://broker");
    co_await client.publish("lamp/state", "on", {.qos = culex::QoS::at_least_once});
}

int main() {
    const culex::Client blocking{"test-package"};
    culex::testing::VirtualRuntime runtime;
    culex::testing::FakeBroker broker{runtime};
    broker.listen("mqtt://broker");
    culex::AsyncClient client{runtime, {.client_id = "lamp"}};
    runtime.run(publish_once(client));
    return broker.messages().back().payload == "on" ? 0 : 1;
}

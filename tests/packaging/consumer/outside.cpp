// A program of somebody else's: all public headers, the loop, a client. Nothing listens, so nothing is sent.

#include <cstdio>

#include <culex/culex.hpp>
#include <culex/uv.hpp>

culex::Task<> publish_unconnected(culex::Loop& loop) {
    culex::AsyncClient client{loop, {.client_id = "outside"}};
    try {
        co_await client.publish("a/b", "c", {.qos = culex::QoS::at_least_once});
    } catch (const culex::Error& error) {
        if (error.failure() == culex::Errc::not_connected) std::puts("outside: as expected");
    }
}

int main() {
    const culex::Client blocking{"outside-blocking"};
    return culex::run(publish_unconnected);
}

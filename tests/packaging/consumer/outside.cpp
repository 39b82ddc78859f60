// A program of somebody else's, with the public headers and the library alone.

#include <cstdio>

#include <culex/endpoint.hpp>

int main() {
    auto endpoint = culex::Endpoint::parse("mqtt://localhost");
    if (!endpoint) {
        std::puts(endpoint.failure().message().c_str());
        return 1;
    }
    std::printf("a program outside: %s:%d\n", endpoint->host().c_str(), endpoint->port());
}

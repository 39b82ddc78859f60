// Mutual TLS: the client verifies the broker and shows a certificate of its own; the second connection resumes the session
// of the first; and who comes without a certificate is told so.
//
//     culex_example_tls                                 with a broker inside this process, and certificates of the build
//     culex_example_tls mqtts://host:8883 ca.pem client.pem client.key
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <culex/async_client.hpp>
#include <culex/loop.hpp>
#include <culex/testing/fake_broker.hpp>
#include <culex/testing/tls_server.hpp>
#include <culex/tls.hpp>

using culex::QoS;

namespace {

struct Files {
    std::string ca, certificate, key;
};

culex::Task<> talk(culex::AsyncClient& client, std::string url) {
    co_await client.connect(url);
    const std::string topic = fmt::format("culex/tls/{:x}", culex::Clock::now().time_since_epoch().count());
    auto stream = co_await client.subscribe(topic, QoS::at_least_once);
    co_await client.publish(topic, "nobody else reads this", {.qos = QoS::at_least_once});
    const auto message = co_await stream.next();
    if (!message) throw std::runtime_error("the stream has ended");
    fmt::print("received: {}\n", message->text());
    co_await client.disconnect();
}

culex::Task<> connect_without_certificate(culex::AsyncClient& client, std::string url) {
    try {
        co_await client.connect(url);
        fmt::print("without a certificate: connected, the broker does not demand one\n");
    } catch (const culex::Error& error) {
        fmt::print("without a certificate: {}\n", error.what());
    }
}

culex::Task<> tls(culex::Loop& loop, std::string url, Files files) {
    // One context for all connections of a kind: it keeps the certificates, and the sessions that can be resumed.
    const culex::TlsContext mutual({.ca_file = files.ca, .certificate_file = files.certificate, .key_file = files.key});
    for (int i = 0; i < 2; ++i) {
        culex::AsyncClient client(loop, {.tls = &mutual});
        co_await talk(client, url);
    }
    const culex::TlsStatistics statistics = mutual.statistics();
    fmt::print("handshakes: {}, of which resumed: {}\n", statistics.handshakes, statistics.resumed);

    const culex::TlsContext anonymous({.ca_file = files.ca});
    culex::AsyncClient client(loop, {.tls = &anonymous});
    co_await connect_without_certificate(client, url);
}

/// A broker that demands client certificates.
void listen(culex::testing::FakeBroker& broker, const std::string& folder) {
    const std::string certificate = folder + "/server.pem";
    const std::string key = folder + "/server.key";
    const std::string ca = folder + "/ca.pem";
    broker.options().tls = culex::testing::TlsServer(
        {.certificate_file = certificate, .key_file = key, .client_ca_file = ca, .demand_client_certificate = true});
    broker.listen();
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 1 && argc != 5) {
        fmt::print(stderr, "usage: {} [mqtts://host:port CA CERTIFICATE KEY]\n", argv[0]);
        return 2;
    }
    try {
        culex::Loop loop;
        std::optional<culex::testing::FakeBroker> broker;
        std::string url;
        Files files;
        if (argc == 5) {
            url = argv[1];
            files = {argv[2], argv[3], argv[4]};
        } else {
            const std::string folder = CULEX_CERTIFICATES;
            files = {folder + "/ca.pem", folder + "/client.pem", folder + "/client.key"};
            listen(broker.emplace(loop), folder);
            url = broker->url();
        }
        loop.run(tls(loop, url, files));
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
}

// The manual's example, transcribed: ten tries to connect, callbacks with and without a condition, and a loop that runs
// them on its own thread while the program does something else. A will and a retained message tell others how it is.
//
//     culex_example_legacy                              with a broker inside this process
//     culex_example_legacy --broker mqtt://host:1883    with a real one
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <culex/client.hpp>
#include <culex/testing/broker_thread.hpp>

using namespace std::chrono_literals;
using culex::CallbackData;
using culex::Client;

namespace {

/// Prints from any thread, and knows how many lines of each kind there were.
class Printer {
public:
    void print(std::string_view kind, std::string_view line) {
        const std::scoped_lock lock(mutex_);
        fmt::print("{}: {}\n", kind, line);
        lines_ += fmt::format("{}: {}\n", kind, line);
        changed_.notify_all();
    }
    void wait_for(std::string_view line) {
        std::unique_lock lock(mutex_);
        const auto printed = [&] { return lines_.find(line) != lines_.npos; };
        if (!changed_.wait_for(lock, 20s, printed)) throw std::runtime_error(fmt::format("never came: {}", line));
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string lines_;
};

/// Goes on printing how the other client is, as the broker tells it.
void watch_status(Client& watcher, Printer& printer, const culex::Endpoint& broker, const std::string& status) {
    watcher.connect(broker.host(), 60, broker.port());
    watcher.loop([&](Client&, const CallbackData& data) {
        printer.print(data.message->retain() ? "status, retained" : "status", data.message->text());
    });
    watcher.subscribe({{status, 1}});
}

void legacy(const culex::Endpoint& broker) {
    // Names of this run alone, so that a broker with other clients on it does not disturb.
    const std::string id = fmt::format("culex-legacy-{:x}", culex::Clock::now().time_since_epoch().count());
    const std::string status = id + "/status";
    Printer printer;

    const auto is_cool = [&](const CallbackData& data) {
        // The PUBLISH of a message at QoS 2 comes without it: that is there with the PUBREL.
        return data.message && data.message->topic() == id + "/cool";
    };
    const auto print_cool_stuff = [&](Client&, const CallbackData& data) {
        printer.print("cool", data.message->text());
    };
    const auto print_generic_stuff = [&](Client&, const CallbackData& data) {
        if (data.message) printer.print("not cool", data.message->text());
    };

    Client my_client{id, true};
    my_client.set_will(status, "gone", 1, true);
    for (int retry = 0; retry < 10; ++retry) {
        try {
            my_client.connect(broker.host(), 60, broker.port(),
                              {.after_connect = [&](Client& client) { client.publish(status, "here", 1, true); }});
            break;
        } catch (const std::exception& error) {
            fmt::print("connecting... ({})\n", error.what());
            if (retry == 9) throw;
        }
    }
    my_client.subscribe({{id + "/cool", 1}, {id + "/other/#", 2}});
    my_client.on(culex::PUBLISH, print_cool_stuff, is_cool);
    my_client.on(culex::PUBLISH, print_generic_stuff);
    my_client.on(culex::PUBREL, print_generic_stuff);
    my_client.loop();

    // do something else...
    my_client.publish(id + "/other/0", "a message at QoS 0");
    my_client.publish(id + "/cool", "a message at QoS 1", 1);
    my_client.publish(id + "/other/2", "a message at QoS 2", 2);
    printer.wait_for("not cool: a message at QoS 0");
    printer.wait_for("\ncool: a message at QoS 1");
    printer.wait_for("not cool: a message at QoS 2");

    Client watcher{id + "-watcher", true};
    watch_status(watcher, printer, broker, status);
    printer.wait_for("status, retained: here");
    my_client.reconnect(); // goes without a word and comes back: the broker publishes the will, and we are here again
    printer.wait_for("status: gone");
    printer.wait_for("status: here");

    my_client.publish(status, "", 1, true); // tidy up
    my_client.disconnect();                 // and this is the word: no will any more
    watcher.disconnect();
    fmt::print("disconnected\n");
}

} // namespace

int main(int argc, char** argv) {
    const bool named = argc == 3 && std::string_view(argv[1]) == "--broker";
    if (argc != 1 && !named) {
        fmt::print(stderr, "usage: {} [--broker mqtt://host:port]\n", argv[0]);
        return 2;
    }
    try {
        std::optional<culex::testing::BrokerThread> broker;
        legacy(culex::Endpoint::parse(named ? argv[2] : broker.emplace().url()).value());
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
}

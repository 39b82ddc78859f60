// Programs for clients from a seed. Streams, messages and ends of connections come together often: that is where it hurts.
#include <random>

#include "model/program.hpp"

namespace culex::model {
namespace {

class ClientMaker {
public:
    explicit ClientMaker(std::uint64_t seed) : random_(seed) {}

    Program make() {
        Program program;
        program.setting = setting();
        clients_ = program.setting.clients;
        for (std::uint32_t client = 0; client < clients_; ++client) {
            if (one_in(8)) continue;
            program.steps.push_back({Op::connect, {client, 1}});
            if (!one_in(4)) program.steps.push_back(subscribe(client));
            if (!one_in(3)) program.steps.push_back({Op::time, {10}});
        }
        const std::uint32_t count = 15 + below(36);
        while (program.steps.size() < count) program.steps.push_back(step());
        return program;
    }

private:
    std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
    bool one_in(std::uint32_t count) { return below(count) == 0; }
    std::uint32_t client() { return below(clients_); }
    std::uint32_t size() {
        if (one_in(100)) return 17'000; // large enough to go its own way
        return one_in(8) ? 100 + below(400) : below(30);
    }

    Setting setting() {
        Setting setting;
        setting.world = static_cast<std::uint32_t>(WorldKind::client);
        setting.version = one_in(2) ? 5 : 4;
        setting.clients = one_in(3) ? 2 : 1;
        if (one_in(2)) setting.receive_maximum = 1 + below(5);
        if (one_in(2)) setting.messages = 1 + below(6);
        setting.when_full = one_in(3) ? 0 : below(5);
        if (one_in(setting.when_full == 0 ? 3 : 6)) setting.bytes = 300 + below(2000);
        if (one_in(3)) setting.soft = 1 + below(5);
        if (one_in(4)) setting.hard = setting.soft == 100'000 ? 1 + below(8) : setting.soft + below(5);
        if (setting.hard < setting.soft) setting.soft = setting.hard;
        if (one_in(3)) setting.chunk = 1 + below(one_in(2) ? 8 : 60);
        if (one_in(2)) setting.latency = 1 + below(5);
        if (one_in(4)) setting.keep_alive = 1 + below(60);
        if (one_in(8)) setting.attempts = 1 + below(3);
        return setting;
    }
    Step step() {
        const std::uint32_t drawn = below(100);
        if (drawn < 22) return publish();
        if (drawn < 36) return {Op::inject, {below(3), size(), below(3)}};
        if (drawn < 41) return subscribe(client());
        if (drawn < 58) return consume();
        if (drawn < 72) return {Op::turn, {1 + below(8)}};
        if (drawn < 79) return {Op::time, {one_in(5) ? below(100'000) : below(300)}};
        if (drawn < 87) return network();
        if (drawn < 92) return {Op::drop_call, {below(6)}};
        if (drawn < 97) return verb();
        return broker();
    }
    Step publish() {
        const std::uint32_t way = one_in(2) ? 0 : below(way_count);
        return {Op::call_publish, {client(), below(3), size(), below(3), way, 1 + below(one_in(2) ? 10 : 500)}};
    }
    Step subscribe(std::uint32_t client) {
        const std::uint32_t other = one_in(4) ? 1 + below(5) : 0;
        const std::uint32_t timeout = one_in(6) ? 1 + below(50) : 0;
        return {Op::call_subscribe, {client, below(5), other, below(3), one_in(3) ? 1U : 0U, timeout}};
    }
    Step consume() {
        const std::uint32_t drawn = below(20);
        if (drawn < 6) return {Op::take, {below(4), 1 + below(3)}};
        if (drawn < 11) return {Op::wait_next, {below(4), 1 + below(4), one_in(3) ? 1 + below(100) : 0}};
        if (drawn < 15) return {Op::ack, {below(4)}};
        if (drawn < 16) return {Op::refuse, {below(4)}};
        if (drawn < 17) return {Op::put_back, {below(4)}};
        if (drawn < 18) return {Op::listen, {client(), below(5), below(2)}};
        if (drawn < 19) return {Op::catch_all, {client(), below(2)}};
        return {Op::drop_stream, {below(4)}};
    }
    Step network() {
        const std::uint32_t drawn = below(8);
        if (drawn < 3) return {Op::cut_client, {client()}};
        if (drawn < 6) {
            const bool up = one_in(2);
            const std::uint32_t bytes = 1 + below(200);
            return {Op::fault,
                    {up ? bytes : 0, up ? 0 : bytes, one_in(4) ? 1 + below(20) : 0, one_in(4) ? below(20) : 0}};
        }
        if (drawn < 7) return {Op::reconnect, {client()}};
        return {Op::away, {below(2)}};
    }
    Step verb() {
        const std::uint32_t drawn = below(8);
        if (drawn < 2) return {Op::call_unsubscribe, {client(), below(5), one_in(3) ? 1 + below(50) : 0}};
        if (drawn < 4) return {Op::disconnect, {client(), one_in(2) ? 0 : below(1000)}};
        if (drawn < 7) return {Op::connect, {client(), below(2), one_in(4) ? 1 + below(500) : 0}};
        return {Op::destroy, {client()}};
    }
    Step broker() {
        const std::uint32_t drawn = below(8);
        if (drawn < 2) return {Op::lose, {}};
        if (drawn < 3) return {Op::deny, {1 + below(2)}};
        if (drawn < 4) return {Op::refuse_connect, {below(3)}};
        if (drawn < 6) return {Op::hold, {below(2)}};
        return {Op::grant, {one_in(3) ? 0 : 1 + below(4), one_in(4) ? 40 + below(200) : 0}};
    }

    std::mt19937_64 random_;
    std::uint32_t clients_ = 1;
};

} // namespace

Program make_client_program(std::uint64_t seed) { return ClientMaker(seed).make(); }

} // namespace culex::model

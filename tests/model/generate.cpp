// Programs from a seed. What is drawn more often is what lets much be under way at once: then an end of the link hurts.
#include <random>

#include "model/program.hpp"

namespace culex::model {
namespace {

class Maker {
public:
    explicit Maker(std::uint64_t seed) : random_(seed) {}

    Program make() {
        Program program;
        program.setting = setting();
        version5_ = program.setting.version == 5;
        if (below(4) != 0) program.steps.push_back(open());
        const std::uint32_t count = 20 + below(41);
        while (program.steps.size() < count) program.steps.push_back(step());
        return program;
    }

private:
    std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
    bool one_in(std::uint32_t count) { return below(count) == 0; }
    /// Mostly small, now and then large.
    std::uint32_t size() { return one_in(8) ? 100 + below(400) : below(30); }

    Setting setting() {
        Setting setting;
        setting.version = one_in(2) ? 5 : 4;
        setting.on_pubrel = below(2);
        setting.sink = below(2);
        if (one_in(2)) setting.receive_maximum = 1 + below(5);
        if (one_in(3)) setting.aliases = 1 + below(4);
        if (one_in(3)) setting.messages = 1 + below(8);
        if (one_in(6)) setting.bytes = 200 + below(2000);
        setting.when_full = below(5);
        if (one_in(3)) setting.high_water = 20 + below(200);
        if (one_in(3)) setting.keep_alive = 1 + below(60);
        return setting;
    }
    Step open() {
        Step step{Op::open, {}};
        if (one_in(2)) step.n[0] = 1 + below(5);
        if (one_in(3)) step.n[1] = 1 + below(3);
        if (one_in(8)) step.n[2] = 60 + below(200);
        if (one_in(16)) step.n[3] = 1;
        return step;
    }
    Step step() {
        const std::uint32_t drawn = below(100);
        if (drawn < 24) return {Op::publish, {below(3), size(), below(3), version5_ && one_in(8) ? 1 + below(30) : 0}};
        if (drawn < 27) return {Op::lent, {below(3), size(), below(3)}};
        if (drawn < 31) return {Op::subscribe, {below(3), below(3)}};
        if (drawn < 32) return {Op::unsubscribe, {below(3)}};
        if (drawn < 42) return {Op::inject, {below(3), size(), below(3)}};
        if (drawn < 50) return {one_in(8) ? Op::refuse : Op::ack, {below(6)}};
        if (drawn < 66) return carry();
        if (drawn < 78) return {Op::turn, {1 + below(2)}};
        if (drawn < 82) return {Op::time, {one_in(4) ? below(100'000) : below(3'000)}};
        if (drawn < 84) return {Op::reading, {below(2)}};
        if (drawn < 88) return {Op::cut, {below(2)}};
        if (drawn < 91) return {one_in(2) ? Op::cut_up : Op::cut_down, {below(100)}};
        if (drawn < 97) return open();
        if (drawn < 98) return {Op::lose, {}};
        if (drawn < 99) return {Op::deny, {1 + below(2)}};
        if (one_in(10)) return {Op::skip, {65'500 + below(40)}}; // nearly all, so that they begin anew
        return {Op::expire, {}};
    }
    Step carry() {
        const std::uint32_t drawn = below(6);
        const std::uint32_t bytes = one_in(2) ? 1 + below(12) : 1 + below(200);
        if (drawn == 0) return {Op::flush, {bytes}};
        if (drawn == 1) return {Op::flush, {0}};
        return {drawn < 4 ? Op::up : Op::down, {bytes}};
    }

    std::mt19937_64 random_;
    bool version5_ = false;
};

} // namespace

Program make_program(std::uint64_t seed) { return Maker(seed).make(); }

} // namespace culex::model

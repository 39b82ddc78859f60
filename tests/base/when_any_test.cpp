#include <culex/when_any.hpp>

#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <culex/channel.hpp>
#include <culex/error.hpp>
#include <culex/event.hpp>
#include <culex/nursery.hpp>
#include <culex/timeout.hpp>

#include <gtest/gtest.h>

#include "support/manual_scheduler.hpp"
#include "support/trace.hpp"

namespace culex {
namespace {

using namespace std::chrono_literals;
using testing::ManualScheduler;
using testing::Trace;

Task<int> number(Duration delay, int value, std::string& log) {
    const Trace trace(log, static_cast<char>('0' + value));
    co_await sleep_for(delay);
    log += '!';
    co_return value;
}
Task<std::unique_ptr<std::string>> word(Duration delay, std::string& log) {
    const Trace trace(log, 'w');
    co_await sleep_for(delay);
    co_return std::make_unique<std::string>("word");
}
Task<> nothing(Duration delay, std::string& log) {
    const Trace trace(log, 'n');
    co_await sleep_for(delay);
}
Task<int> at_once(int value) { co_return value; }
Task<int> failing(Duration delay) {
    co_await sleep_for(delay);
    throw std::runtime_error("on purpose");
}
Task<int> failing_at_once() {
    throw std::runtime_error("at once");
    co_return 0;
}

Task<std::size_t> race(std::string& log, Duration a, Duration b, Duration c) {
    auto first = co_await when_any(number(a, 1, log), word(b, log), nothing(c, log));
    log += '=';
    switch (first.index()) {
    case 0:
        EXPECT_EQ(std::get<0>(first), 1);
        break;
    case 1:
        EXPECT_EQ(*std::get<1>(first), "word");
        break;
    default:
        break;
    }
    co_return first.index();
}

class Races : public ::testing::Test {
protected:
    ManualScheduler scheduler;
    std::string log;
    const TimePoint start = scheduler.now();
};

TEST_F(Races, the_first_to_end_wins_and_the_losers_are_dropped_before_it_goes_on) {
    EXPECT_EQ(scheduler.run(race(log, 1s, 2s, 3s)), 0u);
    EXPECT_EQ(log, "!1wn=");
    log.clear();
    EXPECT_EQ(scheduler.run(race(log, 2s, 1s, 3s)), 1u);
    EXPECT_EQ(log, "w1n=");
    log.clear();
    EXPECT_EQ(scheduler.run(race(log, 3s, 2s, 1s)), 2u);
    EXPECT_EQ(log, "n1w=");
    EXPECT_EQ(scheduler.next_timer(), TimePoint::max());
    EXPECT_EQ(scheduler.now(), start + 3s);
}

TEST_F(Races, losers_are_dropped_though_the_race_has_a_name_and_goes_on_living) {
    struct Body {
        static Task<> run(std::string& out) {
            auto race_with_name = when_any(number(1s, 1, out), number(2s, 2, out));
            co_await race_with_name;
            out += '=';
            co_await sleep_for(5s);
        }
    };
    scheduler.run(Body::run(log));
    EXPECT_EQ(log, "!12=");
}

TEST_F(Races, of_those_that_end_at_the_same_time_the_first_wins) {
    EXPECT_EQ(scheduler.run(race(log, 1s, 1s, 1s)), 0u);
}

TEST_F(Races, one_that_ends_at_once_keeps_the_next_from_being_started) {
    struct Body {
        static Task<std::size_t> run(std::string& out) {
            const auto first = co_await when_any(number(1s, 1, out), at_once(7), number(1s, 3, out));
            EXPECT_EQ(std::get<1>(first), 7);
            co_return first.index();
        }
    };
    EXPECT_EQ(scheduler.run(Body::run(log)), 1u);
    EXPECT_EQ(log, "1") << "the first was started and dropped, the third never started";
    EXPECT_EQ(scheduler.now(), start);
}

TEST_F(Races, an_exception_wins_too) {
    struct Body {
        static Task<> run(std::string& out) { co_await when_any(number(2s, 1, out), failing(1s)); }
        static Task<> run_at_once(std::string& out) { co_await when_any(number(2s, 1, out), failing_at_once()); }
    };
    EXPECT_THROW(scheduler.run(Body::run(log)), std::runtime_error);
    EXPECT_THROW(scheduler.run(Body::run_at_once(log)), std::runtime_error);
    EXPECT_EQ(log, "11");
}

TEST_F(Races, dropped_in_the_middle_it_drops_all) {
    {
        TaskRoot<std::size_t> root(race(log, 1s, 2s, 3s));
        root.start_on(scheduler);
        scheduler.run_until_idle();
    }
    EXPECT_EQ(log.size(), 3u);
    EXPECT_EQ(scheduler.next_timer(), TimePoint::max());
}

TEST_F(Races, a_loser_that_waits_for_a_channel_loses_no_value) {
    struct Body {
        static Task<int> pop(Channel<int>& channel) {
            const auto value = co_await channel.pop();
            co_return value.value_or(-1);
        }
        static Task<int> run(Channel<int>& channel, std::string& out) {
            const auto first = co_await when_any(pop(channel), number(1s, 1, out));
            EXPECT_EQ(first.index(), 1u);
            co_await channel.push(5);
            co_return co_await pop(channel);
        }
    };
    Channel<int> channel(1);
    EXPECT_EQ(scheduler.run(Body::run(channel, log)), 5);
}

TEST_F(Races, when_all_gives_all_results_in_order) {
    struct Body {
        static Task<> run(std::string& out) {
            auto [one, owned, none, seven] =
                co_await when_all(number(3s, 1, out), word(1s, out), nothing(2s, out), at_once(7));
            EXPECT_EQ(one, 1);
            EXPECT_EQ(*owned, "word");
            EXPECT_EQ(none, std::monostate{});
            EXPECT_EQ(seven, 7);
        }
        static Task<int> all_at_once() {
            const auto [a, b] = co_await when_all(at_once(1), at_once(2));
            co_return a + b;
        }
    };
    scheduler.run(Body::run(log));
    EXPECT_EQ(log, "wn!1");
    EXPECT_EQ(scheduler.now(), start + 3s);
    EXPECT_EQ(scheduler.run(Body::all_at_once()), 3);
}

TEST_F(Races, when_all_ends_with_the_first_exception_and_drops_the_rest) {
    struct Body {
        static Task<> run(std::string& out) { co_await when_all(number(2s, 1, out), failing(1s), nothing(3s, out)); }
        static Task<> run_at_once(std::string& out) {
            co_await when_all(number(2s, 1, out), failing_at_once(), number(3s, 3, out));
        }
    };
    EXPECT_THROW(scheduler.run(Body::run(log)), std::runtime_error);
    EXPECT_EQ(log, "1n");
    EXPECT_EQ(scheduler.now(), start + 1s);
    EXPECT_THROW(scheduler.run(Body::run_at_once(log)), std::runtime_error);
    EXPECT_EQ(log, "1n1");
    EXPECT_EQ(scheduler.next_timer(), TimePoint::max());
}

TEST_F(Races, when_all_dropped_in_the_middle_drops_all) {
    struct Body {
        static Task<> run(std::string& out) { co_await when_all(number(1s, 1, out), nothing(2s, out)); }
    };
    {
        TaskRoot<> root(Body::run(log));
        root.start_on(scheduler);
        scheduler.advance(1s);
        EXPECT_EQ(log, "!1");
    }
    EXPECT_EQ(log, "!1n");
}

/// A random tree of everything that owns tasks, over things that end, fail, wait for each other and cancel each other. What
/// is checked is that nothing is used after its end (ASan) and that nothing is left behind.
class Jungle {
public:
    explicit Jungle(unsigned seed) : random_(seed) {}

    Task<int> grow(int depth) {
        const Alive alive(*this);
        const auto kind = depth == 0 ? random_() % 6 : random_() % 12;
        switch (kind) {
        case 0:
            co_return 1;
        case 1:
            throw std::runtime_error("jungle");
        case 2:
            co_await sleep_for(some_time());
            co_return 2;
        case 3:
            co_await event_.wait();
            co_return 3;
        case 4: {
            co_await channel_.push(static_cast<int>(random_() % 100));
            event_.set();
            event_.reset();
            co_return 4;
        }
        case 5: {
            const auto value = co_await channel_.pop();
            co_await yield();
            co_return value.value_or(5);
        }
        case 6: {
            const int limited = co_await with_timeout(grow(depth - 1), some_time());
            co_return limited;
        }
        case 7: {
            const auto first = co_await when_any(grow(depth - 1), grow(depth - 1), grow_quietly(depth - 1));
            co_return static_cast<int>(first.index());
        }
        case 8: {
            const auto [a, b] = co_await when_all(grow(depth - 1), grow(depth - 1));
            co_return a + b;
        }
        case 9: {
            Nursery nursery;
            for (auto i = random_() % 4; i > 0; --i) nursery.spawn(grow_quietly(depth - 1));
            nursery.spawn(grow_in(nursery, depth - 1));
            if (random_() % 2) co_await sleep_for(some_time());
            if (random_() % 2) co_await nursery.join();
            co_return 9;
        }
        case 10: {
            int sum = 0;
            for (int i = 0; i < 3; ++i) {
                try {
                    const int value = co_await grow(depth - 1);
                    sum += value;
                } catch (const std::exception&) {
                    sum -= 1;
                }
            }
            co_return sum;
        }
        default: {
            try {
                co_await with_timeout(grow_quietly(depth - 1), some_time());
            } catch (const Error&) {
                event_.set();
            }
            event_.reset();
            co_return 11;
        }
        }
    }
    int alive() const noexcept { return alive_; }

private:
    struct Alive {
        explicit Alive(Jungle& of) : jungle(of) { ++jungle.alive_; }
        Alive(const Alive&) = delete;
        Alive& operator=(const Alive&) = delete;
        ~Alive() { --jungle.alive_; }
        Jungle& jungle;
    };
    Task<> grow_quietly(int depth) { co_await grow(depth); }
    Task<> grow_in(Nursery& nursery, int depth) {
        const int value = co_await grow(depth);
        if (value % 2) nursery.cancel();
        co_await yield();
    }
    Duration some_time() { return std::chrono::milliseconds(random_() % 5); }

    std::mt19937 random_;
    Event event_;
    Channel<int> channel_{2};
    int alive_ = 0;
};

TEST_F(Races, two_hundred_random_trees_leave_nothing_behind) {
    for (unsigned seed = 0; seed < 200; ++seed) {
        SCOPED_TRACE(seed);
        Jungle jungle(seed);
        std::vector<std::unique_ptr<TaskRoot<int>>> roots;
        for (int i = 0; i < 5; ++i) {
            roots.push_back(std::make_unique<TaskRoot<int>>(jungle.grow(5)));
            roots.back()->start_on(scheduler);
        }
        std::mt19937 random(seed);
        for (int i = 0; i < 20; ++i) {
            if (random() % 2) {
                scheduler.turn();
            } else {
                scheduler.advance(1ms);
            }
            if (random() % 8 == 0) roots[random() % roots.size()].reset();
        }
        roots.clear();
        EXPECT_EQ(jungle.alive(), 0);
        EXPECT_FALSE(scheduler.has_ready());
        EXPECT_EQ(scheduler.next_timer(), TimePoint::max());
    }
}

} // namespace
} // namespace culex

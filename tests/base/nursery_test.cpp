#include <culex/nursery.hpp>

#include <memory>
#include <stdexcept>
#include <string>

#include <culex/event.hpp>
#include <culex/log.hpp>
#include <culex/timeout.hpp>

#include <gtest/gtest.h>

#include "support/manual_scheduler.hpp"
#include "support/trace.hpp"

namespace culex {
namespace {

using namespace std::chrono_literals;
using testing::ManualScheduler;
using testing::Trace;

Task<> child(Duration delay, std::string& log, char letter) {
    const Trace trace(log, letter);
    co_await sleep_for(delay);
    log += '!';
}
Task<> failing(Duration delay, const char* what) {
    co_await sleep_for(delay);
    throw std::runtime_error(what);
}
Task<> failing_at_once() {
    throw std::runtime_error("at once");
    co_return;
}
Task<> cancelling(Nursery& nursery, std::string& log) {
    const Trace trace(log, 'c');
    co_await yield();
    nursery.cancel();
    log += '.'; // still alive: cancelling goes through the ready queue
    co_await sleep_for(1h);
    log += '!';
}

class Nurseries : public ::testing::Test {
protected:
    ManualScheduler scheduler;
    std::string log;
};

TEST_F(Nurseries, join_waits_for_all) {
    struct Body {
        static Task<> run(std::string& out) {
            Nursery nursery;
            nursery.spawn(child(2s, out, 'a'));
            nursery.spawn(child(1s, out, 'b'));
            EXPECT_EQ(nursery.size(), 2u);
            co_await nursery.join();
            out += 'j';
            EXPECT_EQ(nursery.size(), 0u);
            co_await nursery.join(); // nothing left to wait for
        }
    };
    scheduler.run(Body::run(log));
    EXPECT_EQ(log, "!b!aj");
}

TEST_F(Nurseries, spawned_tasks_begin_on_a_turn_and_not_inside_spawn) {
    Nursery nursery(scheduler);
    struct Body {
        static Task<> run(std::string& out) {
            out += 'x';
            co_return;
        }
    };
    nursery.spawn(Body::run(log)); // from outside of the loop
    EXPECT_EQ(log, "");
    scheduler.run();
    EXPECT_EQ(log, "x");
    EXPECT_EQ(nursery.size(), 0u);
}

TEST_F(Nurseries, the_first_exception_cancels_the_others_and_join_throws_it) {
    struct Body {
        static Task<std::string> run(std::string& out) {
            Nursery nursery;
            nursery.spawn(child(9s, out, 'a'));
            nursery.spawn(failing(2s, "second"));
            nursery.spawn(failing(1s, "first"));
            nursery.spawn(child(9s, out, 'b'));
            std::string what;
            try {
                co_await nursery.join();
            } catch (const std::runtime_error& error) {
                what = error.what();
            }
            co_await nursery.join(); // thrown once
            co_return what;
        }
    };
    const TimePoint start = scheduler.now();
    EXPECT_EQ(scheduler.run(Body::run(log)), "first");
    EXPECT_EQ(log, "ab");
    EXPECT_EQ(scheduler.now(), start + 1s);
}

TEST_F(Nurseries, an_exception_that_nobody_joins_is_logged) {
    struct Body {
        static Task<> run() {
            Nursery nursery;
            nursery.spawn(failing(1s, "unheard"));
            co_await sleep_for(2s);
        }
    };
    std::string logged;
    const auto keep = [](void* to, LogLevel, std::string_view line) { static_cast<std::string*>(to)->append(line); };
    set_log_hook(keep, &logged, LogLevel::error);
    scheduler.run(Body::run());
    set_log_hook(nullptr);
    EXPECT_NE(logged.find("unheard"), std::string::npos) << logged;
}

TEST_F(Nurseries, join_throws_what_happened_before_it) {
    struct Body {
        static Task<> run() {
            Nursery nursery;
            nursery.spawn(failing_at_once());
            co_await sleep_for(1s);
            EXPECT_EQ(nursery.size(), 0u);
            co_await nursery.join();
        }
    };
    EXPECT_THROW(scheduler.run(Body::run()), std::runtime_error);
}

TEST_F(Nurseries, cancel_from_inside_a_child_takes_effect_on_a_later_turn) {
    struct Body {
        static Task<> run(std::string& out) {
            Nursery nursery;
            nursery.spawn(child(9s, out, 'a'));
            nursery.spawn(cancelling(nursery, out));
            nursery.spawn(child(9s, out, 'b'));
            co_await nursery.join();
            out += 'j';
        }
    };
    scheduler.run(Body::run(log));
    EXPECT_EQ(log, ".acbj");
    EXPECT_EQ(scheduler.next_timer(), TimePoint::max());
}

TEST_F(Nurseries, cancel_also_takes_those_who_have_not_begun) {
    Nursery nursery(scheduler);
    nursery.cancel();
    nursery.spawn(child(1s, log, 'a'));
    scheduler.run();
    EXPECT_EQ(log, "");
    EXPECT_EQ(nursery.size(), 0u);
    nursery.spawn(child(1s, log, 'b')); // and can be used again
    scheduler.run();
    EXPECT_EQ(log, "!b");
}

TEST_F(Nurseries, children_may_spawn_children) {
    struct Body {
        static Task<> tree(Nursery& nursery, int depth, std::string& out) {
            out += static_cast<char>('0' + depth);
            if (depth == 0) co_return;
            nursery.spawn(tree(nursery, depth - 1, out));
            nursery.spawn(tree(nursery, depth - 1, out));
        }
        static Task<> run(std::string& out) {
            Nursery nursery;
            nursery.spawn(tree(nursery, 3, out));
            co_await nursery.join();
        }
    };
    scheduler.run(Body::run(log));
    EXPECT_EQ(log, "322111100000000");
}

TEST_F(Nurseries, what_is_spawned_while_children_are_dropped_is_dropped_too) {
    struct Heir { // spawns when it is destroyed
        Nursery& nursery;
        std::string& out;
        Heir(Nursery& of, std::string& log_) : nursery(of), out(log_) {}
        Heir(const Heir&) = delete;
        Heir& operator=(const Heir&) = delete;
        ~Heir() { nursery.spawn(child(1s, out, 'h')); }
    };
    struct Body {
        static Task<> run(Nursery& nursery, std::string& out) {
            const Heir heir(nursery, out);
            co_await sleep_for(1h);
        }
    };
    {
        Nursery nursery(scheduler);
        nursery.spawn(Body::run(nursery, log));
        scheduler.run_until_idle();
        nursery.cancel();
        scheduler.run_until_idle();
        EXPECT_EQ(nursery.size(), 0u);
        nursery.spawn(Body::run(nursery, log));
        scheduler.run_until_idle();
    }
    scheduler.run();
    EXPECT_EQ(log, "") << "an heir never began";
}

TEST_F(Nurseries, dropping_the_parent_drops_the_children) {
    struct Body {
        static Task<> run(std::string& out) {
            const Trace trace(out, 'p');
            Nursery nursery;
            nursery.spawn(child(9s, out, 'a'));
            nursery.spawn(child(9s, out, 'b'));
            co_await nursery.join();
        }
    };
    {
        TaskRoot<> root(Body::run(log));
        root.start_on(scheduler);
        scheduler.advance(1s);
        EXPECT_EQ(log, "");
    }
    EXPECT_EQ(log, "abp");
    EXPECT_EQ(scheduler.next_timer(), TimePoint::max());
}

TEST_F(Nurseries, who_joins_a_nursery_that_is_destroyed_is_not_resumed) {
    struct Body {
        static Task<> run(Nursery& nursery, std::string& out) {
            co_await nursery.join();
            out += 'j';
        }
    };
    auto nursery = std::make_unique<Nursery>(scheduler);
    nursery->spawn(child(9s, log, 'a'));
    TaskRoot<> root(Body::run(*nursery, log));
    root.start_on(scheduler);
    scheduler.run_until_idle();
    nursery.reset();
    scheduler.run();
    EXPECT_EQ(log, "a");
}

TEST_F(Nurseries, a_timeout_around_a_join_cancels_the_children) {
    struct Body {
        static Task<> inner(std::string& out) {
            Nursery nursery;
            nursery.spawn(child(9s, out, 'a'));
            co_await nursery.join();
        }
        static Task<> run(std::string& out) {
            try {
                co_await with_timeout(inner(out), 1s);
            } catch (const std::exception&) {
                out += 't';
            }
        }
    };
    scheduler.run(Body::run(log));
    EXPECT_EQ(log, "at");
}

TEST_F(Nurseries, ten_thousand_children_use_no_stack) {
    struct Body {
        static Task<> one(Event& go, int& count) {
            co_await go.wait();
            ++count;
        }
        static Task<> run(int& count) {
            Event go;
            Nursery nursery;
            for (int i = 0; i < 10'000; ++i) nursery.spawn(one(go, count));
            co_await yield();
            go.set();
            co_await nursery.join();
        }
    };
    int count = 0;
    scheduler.run(Body::run(count));
    EXPECT_EQ(count, 10'000);
}

} // namespace
} // namespace culex

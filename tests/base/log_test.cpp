#include "base/log.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace culex {
namespace {

using Lines = std::vector<std::pair<LogLevel, std::string>>;

void keep(void* context, LogLevel level, std::string_view message) {
    static_cast<Lines*>(context)->emplace_back(level, message);
}

/// Logging is the process's: each test leaves it off, as it found it.
class Log : public testing::Test {
protected:
    ~Log() override { set_log_hook(nullptr); }
    Lines lines;
};

/// Counts how often it is formatted.
struct Counted {
    int* formatted;
};

} // namespace
} // namespace culex

template <> struct fmt::formatter<culex::Counted> : fmt::formatter<int> {
    auto format(const culex::Counted& counted, fmt::format_context& context) const {
        return fmt::formatter<int>::format(++*counted.formatted, context);
    }
};

namespace culex {
namespace {

TEST_F(Log, is_off_at_first_and_formats_nothing_then) {
    int formatted = 0;
    EXPECT_FALSE(logs(LogLevel::error));
    log(LogLevel::error, "{}", Counted{&formatted});
    EXPECT_EQ(formatted, 0);
    set_log_hook(keep, &lines, LogLevel::warning);
    log(LogLevel::info, "{}", Counted{&formatted});
    EXPECT_EQ(formatted, 0);
    log(LogLevel::warning, "{}", Counted{&formatted});
    EXPECT_EQ(formatted, 1);
}

TEST_F(Log, gives_a_hook_what_is_of_its_level_or_above) {
    set_log_hook(keep, &lines);
    log(LogLevel::trace, "trace");
    log(LogLevel::debug, "debug");
    log(LogLevel::info, "info {}", 1);
    log(LogLevel::warning, "warning {}", "two");
    log(LogLevel::error, "error {:02x}", 3);
    EXPECT_EQ(lines,
              (Lines{{LogLevel::info, "info 1"}, {LogLevel::warning, "warning two"}, {LogLevel::error, "error 03"}}));
    set_log_hook(keep, &lines, LogLevel::trace);
    EXPECT_TRUE(logs(LogLevel::trace));
    log(LogLevel::trace, "trace");
    EXPECT_EQ(lines.back().second, "trace");
}

TEST_F(Log, is_turned_off_by_null_and_by_the_level_off) {
    set_log_hook(keep, &lines, LogLevel::trace);
    set_log_hook(nullptr, &lines, LogLevel::trace);
    EXPECT_FALSE(logs(LogLevel::error));
    set_log_hook(keep, &lines, LogLevel::off);
    EXPECT_FALSE(logs(LogLevel::error));
    log(LogLevel::error, "unheard");
    log(LogLevel::off, "no level of a message");
    EXPECT_TRUE(lines.empty());
}

TEST_F(Log, passes_long_messages_whole) {
    set_log_hook(keep, &lines);
    log(LogLevel::info, "{}", std::string(100'000, 'x'));
    EXPECT_EQ(lines[0].second.size(), 100'000u);
}

TEST_F(Log, leaves_out_what_a_hook_itself_logs) {
    static int calls = 0;
    calls = 0;
    set_log_hook([](void*, LogLevel, std::string_view) {
        ++calls;
        log(LogLevel::error, "from within");
    });
    log(LogLevel::info, "first");
    EXPECT_EQ(calls, 1);
    log(LogLevel::info, "second");
    EXPECT_EQ(calls, 2);
}

TEST_F(Log, lets_a_hook_replace_itself) {
    static Lines* later = nullptr;
    later = &lines;
    set_log_hook([](void*, LogLevel, std::string_view) { set_log_hook(keep, later); });
    log(LogLevel::info, "first");
    log(LogLevel::info, "second");
    EXPECT_EQ(lines, (Lines{{LogLevel::info, "second"}}));
}

TEST_F(Log, swallows_what_a_hook_throws) {
    set_log_hook(
        [](void* context, LogLevel level, std::string_view message) {
            keep(context, level, message);
            throw std::runtime_error("hook");
        },
        &lines);
    EXPECT_NO_THROW(log(LogLevel::info, "first"));
    log(LogLevel::info, "second");
    EXPECT_EQ(lines.size(), 2u);
    set_log_hook(nullptr); // would wait forever if the calls that threw still counted
}

TEST_F(Log, waits_for_the_hook_before_to_end_so_that_its_context_may_go) {
    struct Context {
        std::atomic<int> calls{0};
        bool alive = true;
        ~Context() { alive = false; }
    };
    std::atomic<bool> stop{false};
    std::atomic<int> dead{0};
    static std::atomic<int>* deaths = nullptr;
    deaths = &dead;
    const LogHook hook = [](void* context, LogLevel, std::string_view) {
        auto& mine = *static_cast<Context*>(context);
        ++mine.calls;
        if (!mine.alive) ++*deaths;
    };
    std::vector<std::thread> talkers;
    for (int i = 0; i < 3; ++i) {
        talkers.emplace_back([&stop] {
            while (!stop) log(LogLevel::info, "talk");
        });
    }
    std::vector<std::thread> setters;
    for (int i = 0; i < 2; ++i) {
        setters.emplace_back([hook] {
            for (int round = 0; round < 200; ++round) {
                auto context = std::make_unique<Context>();
                set_log_hook(hook, context.get());
                while (round % 50 == 0 && context->calls == 0 && logs(LogLevel::info)) std::this_thread::yield();
                set_log_hook(nullptr);
            }
        });
    }
    for (std::thread& thread : setters) thread.join();
    stop = true;
    for (std::thread& thread : talkers) thread.join();
    EXPECT_EQ(dead, 0);
}

TEST_F(Log, lets_hooks_on_several_threads_set_hooks_without_deadlock) {
    static constexpr LogHook hook = [](void*, LogLevel, std::string_view) {
        static std::atomic<int> calls{0};
        set_log_hook(hook, nullptr, ++calls % 2 == 0 ? LogLevel::trace : LogLevel::info);
    };
    set_log_hook(hook);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([] {
            for (int round = 0; round < 500; ++round) log(LogLevel::info, "talk");
        });
    }
    for (std::thread& thread : threads) thread.join();
}

TEST(LogLevel, has_a_name) {
    EXPECT_EQ(to_string(LogLevel::trace), "trace");
    EXPECT_EQ(to_string(LogLevel::debug), "debug");
    EXPECT_EQ(to_string(LogLevel::info), "info");
    EXPECT_EQ(to_string(LogLevel::warning), "warning");
    EXPECT_EQ(to_string(LogLevel::error), "error");
    EXPECT_EQ(to_string(LogLevel::off), "off");
    EXPECT_EQ(to_string(static_cast<LogLevel>(17)), "?");
}

} // namespace
} // namespace culex

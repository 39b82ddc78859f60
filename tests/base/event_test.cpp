#include <culex/event.hpp>

#include <string>

#include <gtest/gtest.h>

#include "support/manual_scheduler.hpp"

namespace culex {
namespace {

using testing::ManualScheduler;

Task<> note_after(Event& event, std::string& log, char letter) {
    co_await event.wait();
    log += letter;
}

Task<> note_each(Signal& signal, std::string& log, char letter) {
    for (;;) {
        co_await signal.wait();
        log += letter;
    }
}

class Roots { // two tasks beside each other
public:
    Roots(Scheduler& scheduler, Task<> a, Task<> b) : first(std::move(a)), second(std::move(b)) {
        first->start_on(scheduler);
        second->start_on(scheduler);
    }
    std::optional<TaskRoot<>> first;
    std::optional<TaskRoot<>> second;
};

TEST(Event, goes_on_at_once_where_it_is_set) {
    ManualScheduler scheduler;
    Event event;
    std::string log;
    event.set();
    TaskRoot<> root(note_after(event, log, 'a'));
    root.start_on(scheduler);
    scheduler.turn();
    EXPECT_TRUE(root.done());
    EXPECT_TRUE(event.is_set()) << "it stays set";
}

TEST(Event, resumes_all_who_wait_in_their_order_and_never_inside_set) {
    ManualScheduler scheduler;
    Event event;
    std::string log;
    Roots roots(scheduler, note_after(event, log, 'a'), note_after(event, log, 'b'));
    scheduler.run();
    EXPECT_EQ(log, "");
    event.set(); // by a plain caller: no scheduler is current
    EXPECT_EQ(log, "");
    scheduler.run();
    EXPECT_EQ(log, "ab");
}

TEST(Event, reset_does_not_hold_back_those_whom_set_has_woken) {
    ManualScheduler scheduler;
    Event event;
    std::string log;
    Roots roots(scheduler, note_after(event, log, 'a'), note_after(event, log, 'b'));
    scheduler.run();
    event.set();
    event.reset();
    scheduler.run();
    EXPECT_EQ(log, "ab");
    EXPECT_FALSE(event.is_set());
}

TEST(Event, forgets_who_is_dropped_while_waiting_or_woken) {
    ManualScheduler scheduler;
    Event event;
    std::string log;
    Roots roots(scheduler, note_after(event, log, 'a'), note_after(event, log, 'b'));
    scheduler.run();
    roots.first.reset();
    event.set();
    roots.second.reset();
    scheduler.run();
    EXPECT_EQ(log, "");
}

TEST(Event, resumes_each_waiter_on_the_loop_on_which_it_waits) {
    ManualScheduler one;
    ManualScheduler two;
    Event event;
    std::string log;
    TaskRoot<> a(note_after(event, log, 'a'));
    TaskRoot<> b(note_after(event, log, 'b'));
    a.start_on(one);
    b.start_on(two);
    one.run();
    two.run();
    event.set();
    two.run();
    EXPECT_EQ(log, "b");
    one.run();
    EXPECT_EQ(log, "ba");
}

TEST(Signal, remembers_one_notification_for_the_next_who_waits) {
    ManualScheduler scheduler;
    Signal signal;
    std::string log;
    signal.notify();
    signal.notify();
    TaskRoot<> root(note_each(signal, log, 'x'));
    root.start_on(scheduler);
    scheduler.run();
    EXPECT_EQ(log, "x");
    EXPECT_FALSE(signal.is_notified());
    signal.notify();
    EXPECT_EQ(log, "x");
    signal.notify(); // before the first was taken: one and the same
    scheduler.run();
    EXPECT_EQ(log, "xx");
}

TEST(Signal, leaves_the_notification_to_the_next_when_the_one_it_woke_is_dropped) {
    ManualScheduler scheduler;
    Signal signal;
    std::string log;
    std::optional<TaskRoot<>> first(note_each(signal, log, 'a'));
    first->start_on(scheduler);
    scheduler.run();
    signal.notify();
    first.reset();
    TaskRoot<> second(note_each(signal, log, 'b'));
    second.start_on(scheduler);
    scheduler.run();
    EXPECT_EQ(log, "b");
}

} // namespace
} // namespace culex

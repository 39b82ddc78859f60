#pragma once
/// \file loop_fixture.hpp
/// What the tests of the loop share.

#include "io/io_test.hpp"

namespace culex::testing {

struct Note : ReadyNode {
    Note(std::vector<int>& into, int mark)
        : ReadyNode([](ReadyNode& node) {
              auto& self = static_cast<Note&>(node);
              self.log.push_back(self.number);
          }),
          log(into), number(mark) {}
    std::vector<int>& log;
    int number;
};

struct Alarm : Timer {
    Alarm(std::vector<int>& into, int mark)
        : Timer([](Timer& timer) {
              auto& self = static_cast<Alarm&>(timer);
              self.log.push_back(self.number);
              self.clock_at_call = Clock::now();
          }),
          log(into), number(mark) {}
    std::vector<int>& log;
    int number;
    TimePoint clock_at_call{};
};

/// Counts the turns of a loop from beside it.
class TurnCounter {
public:
    explicit TurnCounter(Loop& loop) {
        EXPECT_EQ(check_.open(this, [&](uv_check_t* handle) { return uv_check_init(native(loop), handle); }), 0);
        uv_unref(check_.base());
        uv_check_start(check_.get(), [](uv_check_t* handle) { ++static_cast<TurnCounter*>(handle->data)->turns; });
    }
    int turns = 0;

private:
    io::Handle<uv_check_t> check_;
};

} // namespace culex::testing

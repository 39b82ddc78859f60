#pragma once
/// \file ready_node.hpp
/// What a loop runs on a coming turn. Whoever only makes something ready need not know the loop: see scheduler.hpp.

#include <culex/intrusive_list.hpp>

namespace culex {

class Scheduler;

/// Something to run on a coming turn: a plain function and what derives from this. Destroying it, or `unlink`, takes it
/// back. The function may destroy its node; it must not throw (an exception that gets out of it ends the program).
class ReadyNode : public ListNode {
public:
    /// Called with the node, which is not linked any more.
    using Run = void (*)(ReadyNode&);
    /// What to run; it is not posted yet.
    explicit ReadyNode(Run run) noexcept : run_(run) {}

protected:
    /// What it runs.
    [[nodiscard]] Run to_run() const noexcept { return run_; }
    /// For one that is not posted.
    void set_run(Run run) noexcept { run_ = run; }

private:
    friend class Scheduler;
    Run run_;
};

} // namespace culex

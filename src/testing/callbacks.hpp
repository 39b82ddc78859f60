#pragma once
/// \file callbacks.hpp
/// Nodes and timers that call a member function of their owner.

#include <culex/scheduler.hpp>

namespace culex::testing {

template <class Owner> class OwnedNode : public ReadyNode {
public:
    using Call = void (Owner::*)();
    OwnedNode(Owner& owner, Call call) noexcept : ReadyNode(&OwnedNode::run), owner_(owner), call_(call) {}

private:
    static void run(ReadyNode& node) {
        auto& self = static_cast<OwnedNode&>(node);
        (self.owner_.*self.call_)();
    }

    Owner& owner_;
    Call call_;
};

template <class Owner> class OwnedTimer : public Timer {
public:
    using Call = void (Owner::*)();
    OwnedTimer(Owner& owner, Call call) noexcept : Timer(&OwnedTimer::run), owner_(owner), call_(call) {}

private:
    static void run(Timer& timer) {
        auto& self = static_cast<OwnedTimer&>(timer);
        (self.owner_.*self.call_)();
    }

    Owner& owner_;
    Call call_;
};

} // namespace culex::testing

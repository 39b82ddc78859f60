#include <culex/nursery.hpp>

#include "base/log.hpp"

namespace culex {
namespace {

[[gnu::cold]] void tell_of_lost(const std::exception_ptr& exception) noexcept {
    try {
        std::rethrow_exception(exception);
    } catch (const std::exception& error) {
        log(LogLevel::error, "a task of a nursery threw, and nobody has joined it: {}", error.what());
    } catch (...) {
        log(LogLevel::error, "a task of a nursery threw, and nobody has joined it");
    }
}

} // namespace

/// In the list of its nursery, and in the ready queue when its task is to begin or has ended.
struct Nursery::Child : ListNode {
    struct Root : TaskRoot<> {
        Root(Task<> task, Child& child) noexcept
            : TaskRoot(std::move(task), [](TaskRoot& self) { static_cast<Root&>(self).owner.ended(); }), owner(child) {}
        Child& owner;
    };

    Child(Task<> task, Nursery& of) noexcept : nursery(of), root(std::move(task), *this) {}
    static void* operator new(std::size_t size) { return pool_allocate(size); }
    static void operator delete(void* memory, std::size_t size) noexcept { pool_free(memory, size); }
    void ended() noexcept { nursery.ended(*this); }

    Nursery& nursery;
    Root root;
};

Nursery::~Nursery() {
    static_cast<void>(joiner_.pop_front()); // there is nothing left to come back to
    drop_children();
    if (exception_) tell_of_lost(exception_);
}

void Nursery::spawn(Task<> task) {
    auto* child = new Child(std::move(task), *this);
    children_.push_back(*child);
    ++size_;
    child->root.start_on(scheduler_);
}

void Nursery::ended(Child& child) noexcept {
    auto exception = child.root.exception();
    drop(child);
    if (!exception) return;
    if (!exception_) exception_ = std::move(exception);
    drop_children();
}

void Nursery::drop_children() noexcept {
    // One by one from the front: what a task's locals do when they are destroyed may spawn more.
    while (!children_.empty()) drop(static_cast<Child&>(children_.front()));
}

void Nursery::drop(Child& child) noexcept {
    child.unlink();
    --size_;
    delete &child;
    if (size_ > 0) return;
    if (Waiter* joiner = joiner_.pop_front()) joiner->wake();
}

} // namespace culex

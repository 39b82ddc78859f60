#include <culex/testing/broker_thread.hpp>

#include <utility>

namespace culex::testing {

BrokerThread::BrokerThread(FakeBrokerOptions options) {
    thread_ = std::thread([this, options = std::move(options)]() mutable { run(std::move(options)); });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return started_; });
    if (!failure_) return;
    lock.unlock();
    thread_.join();
    std::rethrow_exception(failure_);
}

BrokerThread::~BrokerThread() {
    loop_->post([this] { loop_->stop(); });
    thread_.join();
}

void BrokerThread::run(FakeBrokerOptions options) {
    try {
        Loop loop;
        const Loop::Hold hold(loop); // runs on while the test has stopped the listening, too
        FakeBroker broker(loop, std::move(options));
        broker.listen();
        announce(loop, broker);
        loop.run();
    } catch (...) {
        const std::lock_guard lock(mutex_);
        if (started_) throw; // nobody waits for it any more; it ends the program, and is seen
        failure_ = std::current_exception();
        started_ = true;
        changed_.notify_all();
    }
}

void BrokerThread::announce(Loop& loop, FakeBroker& broker) {
    const std::lock_guard lock(mutex_);
    url_ = broker.url();
    port_ = broker.endpoint().port();
    loop_ = &loop;
    broker_ = &broker;
    broker_thread_ = std::this_thread::get_id();
    started_ = true;
    changed_.notify_all();
}

void BrokerThread::execute(Function<void(FakeBroker&)> function) {
    if (std::this_thread::get_id() == broker_thread_) return function(*broker_);
    bool done = false;
    std::exception_ptr failure;
    loop_->post([&] {
        std::exception_ptr thrown;
        try {
            function(*broker_);
        } catch (...) {
            thrown = std::current_exception();
        }
        // What is captured is gone as soon as the caller sees `done`: notified inside, and touched no more.
        const std::lock_guard lock(mutex_);
        failure = std::move(thrown);
        done = true;
        changed_.notify_all();
    });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done; });
    lock.unlock();
    if (failure) std::rethrow_exception(failure);
}

} // namespace culex::testing

#include <culex/testing/broker_thread.hpp>

#include <future>
#include <utility>

namespace culex::testing {

BrokerThread::BrokerThread(FakeBrokerOptions options) {
    thread_ = std::thread([this, options = std::move(options)]() mutable { run(std::move(options)); });
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return started_; });
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
    std::optional<Loop> loop;
    std::optional<FakeBroker> broker;
    try {
        loop.emplace();
        broker.emplace(*loop, std::move(options));
        broker->listen();
    } catch (...) {
        failure_ = std::current_exception();
    }
    {
        const std::lock_guard lock(mutex_);
        if (!failure_) {
            url_ = broker->url();
            port_ = broker->endpoint().port();
            loop_ = &*loop;
            broker_ = &*broker;
        }
        started_ = true;
        ready_.notify_one();
    }
    if (failure_) return;
    const Loop::Hold hold(*loop); // runs on while the test has stopped the listening, too
    loop->run();
    broker.reset();
}

void BrokerThread::execute(Function<void(FakeBroker&)> function) {
    std::promise<void> promise;
    auto done = promise.get_future();
    loop_->post([&] {
        try {
            function(*broker_);
            promise.set_value();
        } catch (...) {
            promise.set_exception(std::current_exception());
        }
    });
    done.get();
}

} // namespace culex::testing

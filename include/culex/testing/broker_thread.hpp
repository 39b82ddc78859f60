#pragma once
/// \file broker_thread.hpp
/// A fake broker on a loop and a thread of its own, for tests of blocking code and for examples.

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>

#include <culex/function.hpp>
#include <culex/loop.hpp>
#include <culex/testing/fake_broker.hpp>

namespace culex::testing {

/// Listens on 127.0.0.1, on a port that the system chooses, as long as it lives. All methods may be called from any thread,
/// the destructor from any but the broker's own.
class BrokerThread {
public:
    /// Returns when the broker listens; throws where it cannot.
    explicit BrokerThread(FakeBrokerOptions options = {});
    BrokerThread(const BrokerThread&) = delete;
    BrokerThread& operator=(const BrokerThread&) = delete;
    /// Closes every connection and joins the thread.
    ~BrokerThread();

    /// Where clients connect to: `"mqtt://127.0.0.1:43211"`.
    [[nodiscard]] const std::string& url() const noexcept { return url_; }
    /// The one that the system has chosen.
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

    /// Runs `function(FakeBroker&)` on the broker's thread, waits for it, and returns what it returns or throws what it
    /// throws. On the broker's own thread it runs at once.
    template <class F> auto call(F&& function) -> std::invoke_result_t<F&, FakeBroker&> {
        using Value = std::invoke_result_t<F&, FakeBroker&>;
        if constexpr (std::is_void_v<Value>) {
            execute([&](FakeBroker& broker) { function(broker); });
        } else {
            std::optional<Value> value;
            execute([&](FakeBroker& broker) { value.emplace(function(broker)); });
            return *std::move(value);
        }
    }

private:
    void run(FakeBrokerOptions options);
    void announce(Loop& loop, FakeBroker& broker);
    void execute(Function<void(FakeBroker&)> function);

    std::mutex mutex_; // guards what is below until `started_`, and the ends of calls
    std::condition_variable changed_;
    bool started_ = false;
    std::exception_ptr failure_;
    std::string url_;
    std::uint16_t port_ = 0;
    Loop* loop_ = nullptr; // while the thread runs
    FakeBroker* broker_ = nullptr;
    std::thread::id broker_thread_;
    std::thread thread_;
};

} // namespace culex::testing

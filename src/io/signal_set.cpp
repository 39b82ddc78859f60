#include <culex/signal_set.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <culex/error.hpp>
#include <culex/event.hpp>
#include <culex/uv.hpp>

#include "io/handle.hpp"
#include "io/socket.hpp"

namespace culex {

struct SignalSet::State {
    std::vector<io::Handle<uv_signal_t>> handles;
    std::vector<int> came; // has room for each number: a callback of libuv's must not throw
    Event event;

    void catch_one(uv_loop_t* loop, int number) {
        io::Handle<uv_signal_t>& handle = handles.emplace_back();
        int error = handle.open(this, [loop](uv_signal_t* fresh) { return uv_signal_init(loop, fresh); });
        if (error == 0) error = uv_signal_start(handle.get(), &State::on_signal, number);
        if (error != 0) {
            const std::string detail = fmt::format("signal {} cannot be caught", number);
            throw Error(error == UV_EINVAL ? Failure(Errc::invalid_argument, detail) : io::uv_failure(error, detail));
        }
        uv_unref(handle.base());
    }
    static void on_signal(uv_signal_t* handle, int number) noexcept {
        State& self = *static_cast<State*>(handle->data);
        if (std::ranges::find(self.came, number) == self.came.end()) self.came.push_back(number);
        self.event.set();
    }
};

SignalSet::SignalSet(Loop& loop, std::initializer_list<int> numbers) : state_(std::make_unique<State>()) {
    state_->handles.reserve(numbers.size());
    state_->came.reserve(numbers.size());
    for (const int number : numbers) state_->catch_one(native(loop), number);
}

SignalSet::~SignalSet() = default;

Task<int> SignalSet::next() {
    State& state = *state_;
    while (state.came.empty()) {
        state.event.reset();
        co_await state.event.wait();
    }
    const int number = state.came.front();
    state.came.erase(state.came.begin());
    co_return number;
}

} // namespace culex

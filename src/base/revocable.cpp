#include "base/revocable.hpp"

#include <mutex>
#include <utility>

namespace culex {
namespace {

constinit std::mutex mutex;
constinit RevocablePlace* first_free = nullptr;
constinit std::uint64_t last_number = 0;

} // namespace

RevocablePlace& RevocablePlace::take(void* owner) {
    const std::scoped_lock lock(mutex);
    RevocablePlace* place = first_free ? first_free : new RevocablePlace;
    first_free = std::exchange(place->next_free_, nullptr);
    place->owner_ = owner;
    place->number_.store(++last_number, std::memory_order_release);
    return *place;
}

void RevocablePlace::give_back() noexcept {
    const std::scoped_lock lock(mutex);
    number_.store(0, std::memory_order_relaxed);
    next_free_ = std::exchange(first_free, this);
}

} // namespace culex

#include "facade/callback_table.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace culex::facade {
namespace {

bool holds(Condition& condition, const CallbackData& data) noexcept {
    const std::string_view packet = to_string(data.command);
    try {
        return condition(data);
    } catch (const std::exception& error) {
        log(LogLevel::error, "a condition for {} threw: {}", packet, error.what());
    } catch (...) {
        log(LogLevel::error, "a condition for {} threw", packet);
    }
    return false;
}

} // namespace

void CallbackTable::add(Command command, Callback callback, Condition condition, int priority) {
    auto shared = callback ? std::make_shared<Callback>(std::move(callback)) : nullptr;
    if (condition) {
        insert(entry(command), {std::move(condition), priority, std::move(shared)});
    } else {
        entry(command).generic = std::move(shared);
    }
}

void CallbackTable::set_message_callback(Callback callback) {
    auto shared = std::make_shared<Callback>(std::move(callback));
    entry(Command::pubrel).generic = shared;
    const auto before = std::exchange(for_messages_, shared);
    for (Conditional& conditional : entry(Command::publish).conditional) {
        if (before && conditional.callback == before) {
            conditional.callback = std::move(shared);
            return;
        }
    }
    const auto has_message = [](const CallbackData& data) { return data.message != nullptr; };
    insert(entry(Command::publish), {has_message, -1, std::move(shared)});
}

void CallbackTable::insert(Entry& entry, Conditional conditional) {
    const auto behind_equals = [](int priority, const Conditional& other) { return priority > other.priority; };
    auto& all = entry.conditional;
    const auto place = std::upper_bound(all.begin(), all.end(), conditional.priority, behind_equals);
    all.insert(place, std::move(conditional));
}

Callback* CallbackTable::select(const CallbackData& data) {
    Entry& found = entry(data.command);
    for (Conditional& conditional : found.conditional) {
        if (holds(conditional.condition, data)) return conditional.callback.get();
    }
    return found.generic.get();
}

} // namespace culex::facade

namespace culex {

std::string_view to_string(Command command) noexcept {
    switch (command) {
    case Command::publish:
    case Command::puback:
    case Command::pubrec:
    case Command::pubrel:
    case Command::pubcomp:
    case Command::suback:
    case Command::unsuback:
    case Command::pingreq:
    case Command::pingresp:
        return to_string(static_cast<PacketType>(command));
    }
    return "?";
}

} // namespace culex

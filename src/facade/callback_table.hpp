#pragma once
/// \file callback_table.hpp
/// Which callback a packet is for.

#include <array>
#include <memory>
#include <vector>

#include <culex/callback_data.hpp>

namespace culex::facade {

/// Belongs to the thread that dispatches. A callback must not be added while one of the table's own runs.
class CallbackTable {
public:
    /// Without a condition it is the command's generic callback, which replaces the former one (an empty one just takes
    /// that away), and priority means nothing.
    void add(Command command, Callback callback, Condition condition, int priority);
    /// The callback for messages of every QoS: generic for PUBREL, and for PUBLISH a conditional one of priority -1 that
    /// holds where there is a message. A later one replaces an earlier one, and takes its place.
    void set_message_callback(Callback callback);

    /// The callback that is to run, null where there is none: of the conditional ones whose condition is true the one with
    /// the highest priority, of equal ones the one that came first; if none is true, the generic one. Conditions are asked
    /// in that order, and no further than to the first that is true.
    [[nodiscard]] Callback* select(const CallbackData& data);

private:
    struct Conditional {
        Condition condition;
        int priority = 0;
        std::shared_ptr<Callback> callback;
    };
    struct Entry {
        std::vector<Conditional> conditional; // in the order in which they are asked
        std::shared_ptr<Callback> generic;
    };

    [[nodiscard]] Entry& entry(Command command) noexcept { return entries_[static_cast<std::size_t>(command)]; }
    static void insert(Entry& entry, Conditional conditional);

    std::array<Entry, 16> entries_; // by the number of the packet type, of which there are 15
    std::shared_ptr<Callback> for_messages_;
};

} // namespace culex::facade

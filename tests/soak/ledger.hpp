#pragma once
// The balance sheet of a soak: what was published on each topic at each QoS, and what has come.

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include <fmt/format.h>

#include <culex/types.hpp>

namespace soak {

/// Numbers that have come, each once or more, in any order. Only gaps cost memory.
class Arrivals {
public:
    /// False where it had come before.
    bool add(std::uint64_t number) {
        if (number < next_ || !ahead_.insert(number).second) return false;
        while (!ahead_.empty() && *ahead_.begin() == next_) {
            ahead_.erase(ahead_.begin());
            ++next_;
        }
        return true;
    }
    /// Whether all below `count` have come.
    [[nodiscard]] bool complete(std::uint64_t count) const noexcept { return next_ >= count; }
    [[nodiscard]] std::uint64_t missing(std::uint64_t count) const noexcept {
        return next_ >= count ? 0 : count - next_ - ahead_.size();
    }

private:
    std::uint64_t next_ = 0;
    std::set<std::uint64_t> ahead_;
};

/// Any thread.
class Ledger {
public:
    struct Totals {
        std::uint64_t published = 0; ///< at QoS 1 and 2 acknowledged as well
        std::uint64_t received = 0;  ///< different ones
        std::uint64_t again = 0;     ///< that had come before
        std::uint64_t missing = 0;
    };

    /// The messages of a topic are numbered from 0 on.
    void published(const std::string& topic, culex::QoS qos) {
        const std::scoped_lock lock(mutex_);
        ++lines_[topic].published;
        lines_[topic].qos = qos;
    }
    void received(std::string_view topic, std::uint64_t number) {
        const std::scoped_lock lock(mutex_);
        Line& line = lines_[std::string(topic)];
        ++(line.arrivals.add(number) ? line.received : line.again);
    }
    /// The broker has sent a message at QoS 2 again that it had released.
    void broker_repeats_itself() {
        const std::scoped_lock lock(mutex_);
        ++repeated_by_broker_;
    }
    [[nodiscard]] std::array<Totals, 3> totals() const {
        const std::scoped_lock lock(mutex_);
        std::array<Totals, 3> totals;
        for (const auto& [topic, line] : lines_) {
            Totals& total = totals.at(static_cast<std::size_t>(line.qos));
            total.published += line.published;
            total.received += line.received;
            total.again += line.again;
            total.missing += line.arrivals.missing(line.published);
        }
        return totals;
    }
    /// Whether everything at QoS 1 and 2 has come.
    [[nodiscard]] bool complete() const {
        const auto all = totals();
        return all[1].missing == 0 && all[2].missing == 0;
    }
    /// Prints the sheet; false where MQTT's promises were broken.
    [[nodiscard]] bool balance() const {
        bool good = true;
        fmt::print("\nQoS  published  received  again  missing\n");
        const auto all = totals();
        for (std::size_t qos = 0; qos < all.size(); ++qos) {
            const Totals& total = all.at(qos);
            const std::uint64_t excused = qos == 2 ? repeated_by_broker_ : 0;
            const bool once = qos == 1 || total.again <= excused;
            const bool arrived = qos == 0 || total.missing == 0;
            good = good && once && arrived && total.received > 0;
            fmt::print("{}  {:>10}  {:>8}  {:>5}  {:>7}  {}\n", qos, total.published, total.received, total.again,
                       total.missing, once && arrived ? "" : "WRONG");
        }
        if (repeated_by_broker_ > 0)
            fmt::print("the broker has sent {} again after their PUBREL\n", repeated_by_broker_);
        for (const auto& [topic, line] : lines_) {
            if (line.qos != culex::QoS::at_most_once && line.arrivals.missing(line.published) > 0)
                fmt::print("missing on {}: {}\n", topic, line.arrivals.missing(line.published));
        }
        return good;
    }

private:
    struct Line {
        culex::QoS qos{};
        std::uint64_t published = 0;
        std::uint64_t received = 0;
        std::uint64_t again = 0;
        Arrivals arrivals;
    };

    mutable std::mutex mutex_;
    std::map<std::string, Line> lines_;
    std::uint64_t repeated_by_broker_ = 0;
};

} // namespace soak

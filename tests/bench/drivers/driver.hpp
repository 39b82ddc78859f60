#pragma once
// What the drivers have in common: one client library each, one command line, one line of JSON as the answer.
//
//     driver workload count size port [ca.pem] [in_flight=N] [subscriptions=N] [clients=N] [keep_alive=N]
//
// The last four are for `scale`, and for Culex' coroutine driver alone: messages under way at once in w3, filters that are
// subscribed to besides in w5, in w12 how many clients publish, one message after the other and without a pause, and in w8 the
// keep-alive in seconds, of which the idle clients then live three.
// `workload` is one of the table in README.md, "w1" to "w12"; what a driver does not do it refuses with exit status 3.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// What poured and published messages have: with 16 bytes of payload a QoS 0 message takes 34 bytes.
inline constexpr const char* topic = "bench/messages";

enum class Kind : std::uint8_t { publish, receive, round_trip, idle, threads, many };

struct Job {
    std::string workload;
    Kind kind = Kind::publish;
    int qos = 0;
    bool tls = false;
    std::uint64_t count = 0;
    std::size_t size = 0;
    std::uint16_t port = 0;
    std::string ca{};
    std::uint64_t in_flight = 0; ///< 0: as the driver sees fit
    std::uint64_t subscriptions = 0;
    std::uint64_t clients = 0;
    std::uint64_t keep_alive = 0; ///< seconds

    /// The client identifier by which the null broker knows what is wanted.
    [[nodiscard]] std::string client_id() const {
        if (kind == Kind::round_trip) return "echo";
        if (kind != Kind::receive) return "bench";
        return "pour," + std::to_string(qos) + "," + std::to_string(size) + "," + std::to_string(count);
    }
    [[nodiscard]] std::string payload() const { return std::string(size, 'x'); }
};

/// Measures what lies between `begin` and `end`: connecting, and ending, are not part of it.
class Meter {
public:
    using Clock = std::chrono::steady_clock;

    void begin() {
        processor_ = processor_time();
        begun_ = Clock::now();
    }
    void end() {
        seconds_ = std::chrono::duration<double>(Clock::now() - begun_).count();
        processor_ = processor_time() - processor_;
    }
    /// Of one round trip.
    void note(Clock::duration time) { times_.push_back(std::chrono::duration<double, std::micro>(time).count()); }
    void note_idle(double bytes_each, int threads) {
        bytes_each_ = bytes_each;
        threads_ = threads;
    }
    /// PINGREQs of all clients in so many seconds.
    void note_pings(std::uint64_t count, double in) {
        pings_ += count;
        most_pings_ = std::max(most_pings_, static_cast<double>(count) / in / 10);
    }
    void note_connected(std::uint64_t count) { connected_ = count; }
    /// Prints the answer.
    void report(const Job& job);

    /// Seconds of this process, in all its threads.
    static double processor_time();

private:
    Clock::time_point begun_{};
    double seconds_ = 0;
    double processor_ = 0;
    double bytes_each_ = 0;
    int threads_ = 0;
    std::uint64_t pings_ = 0;
    double most_pings_ = 0; // in a tenth of a second
    std::uint64_t connected_ = 0;
    std::vector<double> times_;
};

/// Memory of this process in bytes, as the kernel counts it: what is resident and not shared with a file.
double resident_bytes();
int thread_count();

/// Parses the command line, runs `run`, which says whether it does this workload, and reports.
int drive(int argc, char** argv, bool (*run)(const Job&, Meter&));

} // namespace bench

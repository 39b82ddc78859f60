#include "bench/drivers/driver.hpp"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <fstream>

namespace bench {
namespace {

struct Row {
    std::string_view workload;
    Kind kind;
    int qos;
    bool tls;
};
constexpr Row rows[] = {
    {"w1", Kind::publish, 0, false},    {"w2", Kind::publish, 0, false},      {"w3", Kind::publish, 1, false},
    {"w4", Kind::publish, 2, false},    {"w5", Kind::receive, 0, false},      {"w6", Kind::receive, 1, false},
    {"w7", Kind::round_trip, 0, false}, {"w7q1", Kind::round_trip, 1, false}, {"w8", Kind::idle, 0, false},
    {"w8tls", Kind::idle, 0, true},     {"w9", Kind::publish, 1, false},      {"w10", Kind::publish, 0, true},
    {"w11", Kind::threads, 0, false},   {"w12", Kind::many, 0, false},
};

/// `name=number`; anything else is the authority's certificate.
void parse_more(std::string_view word, Job& job) {
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const std::uint64_t value =
        equals == word.npos ? 0 : std::strtoull(word.substr(equals + 1).data(), nullptr, 10); // a word of argv
    if (name == "in_flight") {
        job.in_flight = value;
    } else if (name == "subscriptions") {
        job.subscriptions = value;
    } else if (name == "clients") {
        job.clients = value;
    } else if (name == "keep_alive") {
        job.keep_alive = value;
    } else {
        job.ca = word;
    }
}

bool parse(int argc, char** argv, Job& job) {
    if (argc < 5) return false;
    const auto* const row =
        std::find_if(std::begin(rows), std::end(rows), [&](const Row& each) { return each.workload == argv[1]; });
    if (row == std::end(rows)) return false;
    job = {.workload = argv[1],
           .kind = row->kind,
           .qos = row->qos,
           .tls = row->tls,
           .count = std::strtoull(argv[2], nullptr, 10),
           .size = std::strtoull(argv[3], nullptr, 10),
           .port = static_cast<std::uint16_t>(std::atoi(argv[4]))};
    for (int i = 5; i < argc; ++i) parse_more(argv[i], job);
    return job.count > 0 && job.port > 0 && (!job.tls || !job.ca.empty());
}

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// The number behind a name in /proc/self/status.
double status(std::string_view name) {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(name)) return std::strtod(line.c_str() + name.size(), nullptr);
    }
    return 0;
}

} // namespace

double Meter::processor_time() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void Meter::report(const Job& job) {
    std::printf(R"({"messages": %llu, "seconds": %.9f, "processor": %.9f, "peak": %.0f)",
                static_cast<unsigned long long>(job.count), seconds_, processor_, status("VmHWM:") * 1024);
    if (!times_.empty()) {
        std::sort(times_.begin(), times_.end());
        std::printf(R"(, "median": %.3f, "p99": %.3f)", times_[times_.size() / 2], times_[times_.size() * 99 / 100]);
    }
    if (threads_ > 0) std::printf(R"(, "bytes_each": %.0f, "threads": %d)", bytes_each_, threads_);
    if (job.keep_alive > 0) {
        std::printf(R"(, "pings": %llu, "most_pings": %.0f, "connected": %llu)",
                    static_cast<unsigned long long>(pings_), most_pings_, static_cast<unsigned long long>(connected_));
    }
    std::printf("}\n");
}

double resident_bytes() { return status("RssAnon:") * 1024; }
int thread_count() { return static_cast<int>(status("Threads:")); }

int drive(int argc, char** argv, bool (*run)(const Job&, Meter&)) {
    Job job;
    if (!parse(argc, argv, job)) {
        std::fprintf(stderr, "usage: %s workload count size port [ca.pem] [name=number...]\n", argv[0]);
        return 2;
    }
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    try {
        Meter meter;
        if (!run(job, meter)) return 3;
        meter.report(job);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
        return 1;
    }
}

} // namespace bench

// A broker that does nothing but answer: one thread, epoll, loopback. It is the other end of every benchmark, and must be
// faster than any of them; the raw driver's rows of the table show how fast.
//
//     culex_bench_broker [--window N] [--tls certificate.pem key.pem]
//
// Prints "port N". Of its standard input, "total" makes it print "publishes N", what came since it was last asked; and the
// end of it ends the broker, so that it never outlives whoever has started it.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bench/broker/null_session.hpp"
#include "bench/broker/null_tls.hpp"

namespace {

struct Settings {
    unsigned window = 1000;
    const char* certificate = nullptr;
    const char* key = nullptr;
};

struct Connection {
    Connection(int fd_, unsigned window) : fd(fd_), session(window) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() { close(fd); }

    int fd;
    bool waits_to_write = false;
    std::unique_ptr<bench::NullTls> tls;
    bench::NullSession session;
};

class Broker {
public:
    explicit Broker(const Settings& settings);
    void run();

private:
    void accept_all();
    void commands();
    /// False where the connection is over.
    bool serve(Connection& connection, unsigned events);
    bool flush(Connection& connection);
    void watch(int fd, unsigned events, int how);

    const Settings settings_;
    std::unique_ptr<bench::NullTlsContext> tls_;
    int listener_ = -1;
    int epoll_ = epoll_create1(0);
    bool over_ = false;
    std::uint64_t gone_ = 0; // messages of connections that are over
    std::unordered_map<int, std::unique_ptr<Connection>> connections_;
    std::vector<char> buffer_ = std::vector<char>(std::size_t{256} << 10);
};

void check(bool holds, const char* what) {
    if (!holds) throw std::runtime_error(std::string(what) + ": " + std::to_string(errno));
}

Broker::Broker(const Settings& settings) : settings_(settings) {
    if (settings.certificate) tls_ = bench::make_null_tls(settings.certificate, settings.key);
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    check(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
    check(listen(listener_, 4096) == 0, "listen");
    check(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
    watch(listener_, EPOLLIN, EPOLL_CTL_ADD);
    watch(STDIN_FILENO, EPOLLIN, EPOLL_CTL_ADD);
    std::printf("port %d\n", ntohs(address.sin_port));
    std::fflush(stdout);
}

void Broker::watch(int fd, unsigned events, int how) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    check(epoll_ctl(epoll_, how, fd, &event) == 0, "epoll_ctl");
}

void Broker::run() {
    std::array<epoll_event, 256> events{};
    while (!over_) {
        const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            if (event.data.fd == listener_) {
                accept_all();
            } else if (event.data.fd == STDIN_FILENO) {
                commands();
            } else {
                const auto found = connections_.find(event.data.fd);
                if (found == connections_.end() || serve(*found->second, event.events)) continue;
                gone_ += found->second->session.publishes();
                connections_.erase(found);
            }
        }
    }
}

void Broker::accept_all() {
    for (;;) {
        const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
        if (fd < 0) return;
        const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        auto connection = std::make_unique<Connection>(fd, settings_.window);
        if (tls_) connection->tls = bench::make_null_tls_connection(*tls_, fd);
        connections_.emplace(fd, std::move(connection));
        watch(fd, EPOLLIN, EPOLL_CTL_ADD);
    }
}

void Broker::commands() {
    char text[64];
    const ssize_t count = read(STDIN_FILENO, text, sizeof text);
    if (count <= 0) {
        over_ = true;
        return;
    }
    std::uint64_t total = gone_;
    for (const auto& [fd, connection] : connections_) total += connection->session.publishes();
    gone_ -= total; // of those that are still here it was told, too
    std::printf("publishes %llu\n", static_cast<unsigned long long>(total));
    std::fflush(stdout);
}

bool Broker::serve(Connection& connection, unsigned events) {
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        for (;;) {
            const ssize_t count = connection.tls ? connection.tls->receive(buffer_.data(), buffer_.size())
                                                 : recv(connection.fd, buffer_.data(), buffer_.size(), 0);
            if (count == 0) return false;
            if (count < 0) {
                if (errno != EAGAIN) return false;
                break;
            }
            if (!connection.session.input({buffer_.data(), static_cast<std::size_t>(count)})) return false;
            if (!connection.tls) break; // a record may be left in the library; a socket tells again
        }
    }
    return flush(connection);
}

bool Broker::flush(Connection& connection) {
    bool full = false;
    for (int rounds = 0; !full && rounds < 16; ++rounds) {
        const std::string_view bytes = connection.session.output();
        if (bytes.empty()) break;
        const ssize_t count = connection.tls ? connection.tls->send(bytes.data(), bytes.size())
                                             : send(connection.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count < 0 && errno != EAGAIN) return false;
        if (count > 0) connection.session.sent(static_cast<std::size_t>(count));
        full = count < 0;
    }
    const bool waits = full || !connection.session.output().empty();
    if (waits != connection.waits_to_write) {
        connection.waits_to_write = waits;
        watch(connection.fd, waits ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
    }
    return true;
}

Settings settings_of(int argc, char** argv) {
    Settings settings;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--window" && i + 1 < argc) {
            settings.window = static_cast<unsigned>(std::atoi(argv[++i]));
        } else if (word == "--tls" && i + 2 < argc) {
            settings.certificate = argv[++i];
            settings.key = argv[++i];
        } else {
            throw std::runtime_error("usage: culex_bench_broker [--window N] [--tls certificate.pem key.pem]");
        }
    }
    return settings;
}

} // namespace

int main(int argc, char** argv) {
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    try {
        Broker(settings_of(argc, argv)).run();
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}

// No client at all: blocks of packets that were built before, and a loop that looks at what comes no closer than it must.
// Its rows are the limit: what the socket and the null broker allow.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "bench/drivers/driver.hpp"
#include "bench/drivers/raw_tls.hpp"

using bench::Job;
using bench::Kind;
using bench::Meter;

namespace {

constexpr std::size_t write_size = 65'536;
constexpr std::uint64_t greatest_window = 30'000; // in flight at once, QoS 1 and 2

std::string text16(std::size_t number) {
    return {static_cast<char>(number >> 8 & 0xFF), static_cast<char>(number & 0xFF)};
}
std::string packet(unsigned first, const std::string& body) {
    std::string text(1, static_cast<char>(first));
    std::size_t left = body.size();
    do {
        text += static_cast<char>((left & 0x7F) | (left > 0x7F ? 0x80U : 0U));
        left >>= 7;
    } while (left > 0);
    return text + body;
}
std::string named(const std::string& text) { return text16(text.size()) + text; }
std::string publish(int qos, std::size_t id, const std::string& payload) {
    return packet(0x30U | static_cast<unsigned>(qos) << 1, named(bench::topic) + (qos > 0 ? text16(id) : "") + payload);
}

class Socket {
public:
    explicit Socket(const Job& job);
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() { close(fd_); }

    void send(std::string_view bytes) {
        if (tls_) {
            if (!bytes.empty() && !tls_->send(bytes)) throw std::runtime_error("the broker is gone");
            return;
        }
        while (!bytes.empty()) {
            const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count <= 0) throw std::runtime_error("the broker is gone");
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
    }
    /// Gives every packet of one read to `take`: its first byte, and where its body begins.
    template <class F> void receive(F take) {
        char* const free = buffer_.data() + held_;
        const ssize_t count =
            tls_ ? tls_->receive(free, buffer_.size() - held_) : recv(fd_, free, buffer_.size() - held_, 0);
        if (count <= 0) throw std::runtime_error("the broker is gone");
        const std::size_t end = held_ + static_cast<std::size_t>(count);
        std::size_t at = 0;
        while (end - at >= 2) {
            const auto length = static_cast<unsigned char>(buffer_[at + 1]);
            if (length >= 0x80) throw std::runtime_error("a packet that is larger than this driver thinks");
            if (end - at < 2U + length) break;
            take(static_cast<unsigned char>(buffer_[at]), buffer_.data() + at + 2);
            at += 2U + length;
        }
        held_ = end - at;
        std::copy(buffer_.data() + at, buffer_.data() + end, buffer_.data());
    }
    void wait_for(unsigned first) {
        for (bool found = false; !found;)
            receive([&](unsigned char each, const char*) { found = found || each == first; });
    }

private:
    int fd_ = socket(AF_INET, SOCK_STREAM, 0);
    std::vector<char> buffer_ = std::vector<char>(write_size);
    std::size_t held_ = 0;
    std::unique_ptr<bench::RawTls> tls_;
};

Socket::Socket(const Job& job) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(job.port);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("no broker is there");
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (job.tls) {
        tls_ = bench::make_raw_tls(fd_, job.ca);
        if (!tls_) throw std::runtime_error("no TLS");
    }
    send(packet(0x10, named("MQTT") + std::string("\x04\x02\x00\x3c", 4) + named(job.client_id())));
    wait_for(0x20);
}

void publish_unacknowledged(Socket& socket, const Job& job) {
    const std::string one = publish(0, 0, job.payload());
    std::string block = one;
    while (block.size() + one.size() <= write_size) block += one;
    std::uint64_t left = job.count - 1;
    for (const std::uint64_t each = block.size() / one.size(); left > 0;) {
        const std::uint64_t count = std::min(each, left);
        socket.send(std::string_view(block).substr(0, static_cast<std::size_t>(count) * one.size()));
        left -= count;
    }
    socket.send(publish(1, 1, job.payload()));
    socket.wait_for(0x40);
}

/// Packets for all identifiers lie ready in a row; of QoS 2 too, and their PUBRELs.
void publish_acknowledged(Socket& socket, const Job& job) {
    const std::size_t size = publish(job.qos, 1, job.payload()).size();
    const std::uint64_t ids = size > write_size ? 2 : greatest_window;
    const std::uint64_t step = std::max<std::uint64_t>(1, write_size / size);
    std::string block;
    for (std::uint64_t id = 1; id <= ids; ++id) block += publish(job.qos, static_cast<std::size_t>(id), job.payload());
    std::uint64_t sent = 0;
    std::uint64_t done = 0;
    std::string releases;
    while (done < job.count) {
        while (sent < job.count && sent - done < ids) {
            const std::uint64_t at = sent % ids;
            const std::uint64_t count = std::min({step, ids - at, job.count - sent, ids - (sent - done)});
            socket.send(std::string_view(block).substr(static_cast<std::size_t>(at) * size,
                                                       static_cast<std::size_t>(count) * size));
            sent += count;
            if (sent - done >= ids / 2) break;
        }
        socket.receive([&](unsigned char first, const char* body) {
            if (first == 0x50) {
                releases.append("\x62\x02", 2).append(body, 2);
            } else {
                ++done;
            }
        });
        socket.send(releases);
        releases.clear();
    }
}

void receive(Socket& socket, const Job& job) {
    socket.send(packet(0x82, text16(1) + named(bench::topic) + static_cast<char>(job.qos)));
    const std::size_t id_at = named(bench::topic).size();
    std::uint64_t received = 0;
    std::string acknowledgements;
    while (received < job.count) {
        socket.receive([&](unsigned char first, const char* body) {
            if (first >> 4 != 3) return;
            ++received;
            if (job.qos > 0) acknowledgements.append("\x40\x02", 2).append(body + id_at, 2);
        });
        socket.send(acknowledgements);
        acknowledgements.clear();
    }
}

void round_trips(Socket& socket, const Job& job, Meter& meter) {
    socket.send(packet(0x82, text16(1) + named(bench::topic) + static_cast<char>(job.qos)));
    socket.wait_for(0x90);
    const std::string message = publish(job.qos, 1, job.payload());
    for (std::uint64_t i = 0; i < job.count; ++i) {
        const auto begun = Meter::Clock::now();
        socket.send(message);
        socket.wait_for(0x30U | static_cast<unsigned>(job.qos) << 1);
        meter.note(Meter::Clock::now() - begun);
        if (job.qos > 0) socket.send(std::string("\x40\x02\x00\x01", 4));
    }
}

bool run(const Job& job, Meter& meter) {
    if (job.kind > Kind::round_trip) return false;
    Socket socket(job);
    meter.begin();
    if (job.kind == Kind::receive) {
        receive(socket, job);
    } else if (job.kind == Kind::round_trip) {
        round_trips(socket, job, meter);
    } else if (job.qos == 0) {
        publish_unacknowledged(socket, job);
    } else {
        publish_acknowledged(socket, job);
    }
    meter.end();
    socket.send(std::string("\xE0\x00", 2));
    return true;
}

} // namespace

int main(int argc, char** argv) { return bench::drive(argc, argv, run); }

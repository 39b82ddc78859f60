#pragma once
/// \file io_test.hpp
/// What the tests of this floor share: a fixture that counts descriptors, handlers that record, and plain sockets as peers.

#include <filesystem>
#include <string>
#include <vector>

#include <culex/uv.hpp>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "io/handle.hpp"
#include "io/socket.hpp"

namespace culex::testing {

inline std::ptrdiff_t open_descriptors() {
    // The iterator's own descriptor is counted each time.
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator{});
}

/// Each test ends with the descriptors with which it began: whatever it has opened is closed by then.
class IoTest : public ::testing::Test {
protected:
    IoTest() {
        {
            const Loop warm_up;
        } // libuv keeps a pipe for signals once there was a loop
        before_ = open_descriptors();
    }
    ~IoTest() override {
        if (!directory_.empty()) std::filesystem::remove_all(directory_);
        EXPECT_EQ(open_descriptors(), before_);
    }
    /// In a folder of the test's own. It is made when it is first asked for: a process that a death test starts ends without
    /// the destructor.
    [[nodiscard]] std::string path(const char* name) {
        if (directory_.empty()) {
            directory_ = std::filesystem::temp_directory_path() / ("culex-io-" + std::to_string(::getpid()));
            std::filesystem::create_directory(directory_);
        }
        return directory_ / name;
    }

private:
    std::ptrdiff_t before_ = 0;
    std::filesystem::path directory_;
};

/// Turns the loop until `condition` holds. The loop sleeps between; a turn with nothing to wait for is a failure.
template <class Condition> void run_until(Loop& loop, Condition condition) {
    while (!condition()) {
        if (uv_run(native(loop), UV_RUN_ONCE) == 0 && !condition()) {
            FAIL() << "nothing is left that could make it true";
        }
    }
}

struct Recorder : StreamHandler {
    virtual ~Recorder() = default;
    void on_read(Bytes bytes) override {
        received += as_text(bytes);
        ++reads;
    }
    void on_end(Failure why) override {
        ++ends;
        failure = std::move(why);
    }
    void on_drained() override { ++drains; }

    std::string received;
    Failure failure;
    int reads = 0;
    int ends = 0;
    int drains = 0;
};

struct Opened : OpenHandler {
    virtual ~Opened() = default;
    void on_open(Result<std::unique_ptr<Stream>> result) override {
        ++calls;
        if (result) {
            stream = *std::move(result);
        } else {
            failure = std::move(result).failure();
        }
    }
    [[nodiscard]] bool done() const { return calls > 0; }

    std::unique_ptr<Stream> stream;
    Failure failure;
    int calls = 0;
};

struct Accepted : AcceptHandler {
    virtual ~Accepted() = default;
    void on_accept(std::unique_ptr<Stream> stream) override { streams.push_back(std::move(stream)); }
    std::vector<std::unique_ptr<Stream>> streams;
};

inline void write_text(Stream& stream, std::string_view text) {
    Buffer buffer;
    buffer.append(as_bytes(text));
    stream.write(buffer);
    EXPECT_TRUE(buffer.empty());
}

/// A socket that the loop does not know: the other side, made of system calls that block.
class PlainSocket {
public:
    /// Bound to a free port of an address in digits.
    explicit PlainSocket(const std::string& host) {
        io::SocketAddress address;
        EXPECT_TRUE(address.parse(host, 0));
        socket_ = io::FileDescriptor(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(::bind(number(), address.get(), address.size()), 0);
        EXPECT_TRUE(address_.read_local(number()));
    }
    explicit PlainSocket(int number) : socket_(number) {}

    [[nodiscard]] int number() const { return socket_.number(); }
    [[nodiscard]] std::uint16_t port() const { return address_.port(); }
    void listen(int waiting = 8) { EXPECT_EQ(::listen(number(), waiting), 0); }
    [[nodiscard]] PlainSocket accept() { return PlainSocket(::accept4(number(), nullptr, nullptr, SOCK_CLOEXEC)); }
    void connect(const PlainSocket& to) { EXPECT_EQ(::connect(number(), to.address_.get(), to.address_.size()), 0); }
    void send(std::string_view text) {
        EXPECT_EQ(::send(number(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    }
    [[nodiscard]] std::string receive() {
        char bytes[4096];
        const ssize_t count = ::recv(number(), bytes, sizeof bytes, 0);
        return count > 0 ? std::string(bytes, static_cast<std::size_t>(count)) : std::string();
    }
    void close() { socket_ = io::FileDescriptor(); }
    /// Closes with a reset instead of an orderly end.
    void reset() {
        const linger none{1, 0};
        EXPECT_EQ(::setsockopt(number(), SOL_SOCKET, SO_LINGER, &none, sizeof none), 0);
        close();
    }

private:
    io::FileDescriptor socket_;
    io::SocketAddress address_;
};

/// An address that never answers: a listener whose queue is full, so that the system drops who knocks.
class BlackHole {
public:
    explicit BlackHole(const std::string& host) : listener_(host), filler_(host) {
        listener_.listen(0);
        filler_.connect(listener_);
    }
    [[nodiscard]] std::uint16_t port() const { return listener_.port(); }

private:
    PlainSocket listener_;
    PlainSocket filler_;
};

/// More than any socket takes at once.
inline constexpr std::size_t large_size = std::size_t{16} << 20;
inline Buffer large_buffer() {
    Buffer large;
    std::memset(large.reserve(large_size), 'x', large_size);
    large.commit(large_size);
    return large;
}

inline Endpoint tcp(const std::string& host, std::uint16_t port) { return Endpoint(Transport::tcp, host, port); }

} // namespace culex::testing

// TLS between a client's and a server's stream, with somebody between them who holds back, changes, invents and cuts; or a
// single stream that hears the input's bytes alone. In memory and in virtual time.
//
// Invariant: what a stream hands on is a beginning of what the other application has written, and nothing at all before the
// peer has proved itself. Each side hears of one end and of nothing after it; when the transport has gone, it has heard of
// it. Nothing runs for ever at one instant, and memory stays bounded. The keys are random in each run: an input says what
// happens, not to which bytes.

#include <culex/testing/pipe.hpp>
#include <culex/testing/virtual_runtime.hpp>

#include "fuzz/fuzz.hpp"
#include "io/tls_engine.hpp"
#include "io/tls_pem.hpp"
#include "io/tls_stream.hpp"

namespace culex::fuzz {
namespace {

using Config = std::shared_ptr<const io::TlsConfig>;

std::string file(const std::string& name) {
    const Result<std::string> text = io::read_file(CULEX_CERTIFICATES "/" + name);
    FUZZ_CHECK(text, "{}", text.failure().message());
    return *text;
}

struct Configs {
    Config client;
    Config server;
};

/// Of TLS 1.2, of 1.3, and of whatever both agree on. What one connection leaves must not change the next: no resumption.
const Configs& configs(std::size_t which) {
    static const auto make = [](TlsVersion least, TlsVersion most) {
        const auto counters = std::make_shared<io::TlsCounters>();
        const std::string ca = file("ca.pem");
        const io::TlsClientSettings client(
            {.ca = ca, .min_version = least, .max_version = most, .resume_sessions = false});
        const io::TlsServerSettings server{.certificate = file("server.pem"),
                                           .key = file("server.key"),
                                           .min_version = least,
                                           .max_version = most,
                                           .resume_sessions = false};
        return Configs{io::TlsConfig::client(client, counters).value(),
                       io::TlsConfig::server(server, counters).value()};
    };
    static const Configs all[] = {make(TlsVersion::v1_2, TlsVersion::v1_2), make(TlsVersion::v1_3, TlsVersion::v1_3),
                                  make(TlsVersion::v1_2, TlsVersion::v1_3)};
    return all[which];
}

/// One end of TLS with its application.
class Side final : StreamHandler, io::TlsHandshake {
public:
    void make(Scheduler& scheduler, std::unique_ptr<Stream> transport, const Config& config, bool client) {
        auto engine = std::make_unique<io::TlsEngine>(config, client ? "localhost" : "", std::uint16_t{8883});
        stream_ = std::make_unique<io::TlsStream>(scheduler, std::move(transport), std::move(engine));
        if (client) {
            stream_->shake_hands(*this);
        } else {
            start();
        }
    }
    /// A client's, once it is established: from then on it has a handler.
    void start_if_established() {
        if (established_ && !started_) start();
    }
    void write(std::size_t size) {
        if (!stream_ || !started_ || shut_ || ended_) return;
        if (stream_->backlog() > bound) return; // an owner who respects it
        size = std::min(size, bound);
        Buffer buffer;
        std::string text;
        while (text.size() < size) text += static_cast<char>('a' + (wrote.size() + text.size()) % 26);
        buffer.append(as_bytes(text));
        stream_->write(buffer);
        FUZZ_CHECK(buffer.empty(), "{} bytes were not taken", buffer.size());
        wrote += text;
    }
    void set_reading(bool on) {
        if (stream_ && started_ && !ended_) stream_->set_reading(on);
        reading_ = on;
    }
    void shut() {
        if (!stream_ || !started_ || ended_ || std::exchange(shut_, true)) return;
        stream_->shutdown();
    }
    void destroy() { stream_.reset(); }
    /// The transport has gone, and time has passed.
    void check_ended() {
        if (stream_) FUZZ_CHECK(ended_, "it has heard of no end (started: {})", started_);
    }

    std::string wrote;
    std::string heard;
    std::size_t bound = 300'000; ///< of the backlog with which it still writes, and of what it writes at once

private:
    void start() {
        started_ = true;
        stream_->start(*this);
        if (!reading_) stream_->set_reading(false);
    }
    void on_handshake(Failure why) override {
        FUZZ_CHECK(!established_ && !ended_, "a second handshake");
        if (why) {
            ended_ = true;
        } else {
            established_ = true;
        }
    }
    void on_read(Bytes bytes) override {
        FUZZ_CHECK(!ended_, "bytes behind the end");
        FUZZ_CHECK(!bytes.empty() && reading_, "{} bytes while nobody reads", bytes.size());
        heard += as_text(bytes);
    }
    void on_end(Failure why) override {
        FUZZ_CHECK(!ended_, "a second end: {}", why.message());
        FUZZ_CHECK(why, "an end without a cause");
        ended_ = true;
    }
    void on_drained() override { FUZZ_CHECK(!ended_, "drained behind the end"); }

    std::unique_ptr<io::TlsStream> stream_;
    bool established_ = false;
    bool started_ = false;
    bool reading_ = true;
    bool shut_ = false;
    bool ended_ = false;
};

/// The one between: what has come from one side, and has not gone on to the other.
struct Tap final : StreamHandler {
    void on_read(Bytes bytes) override { held.append(bytes); }
    void on_end(Failure) override { over = true; }
    void on_drained() override {}

    void send(Bytes bytes) {
        if (!stream || over || stream->backlog() > bound) return;
        bytes = bytes.first(std::min(bytes.size(), bound));
        Buffer buffer;
        buffer.append(bytes);
        stream->write(buffer);
    }

    std::unique_ptr<Stream> stream;
    Buffer held;
    bool over = false;
    std::size_t bound = 300'000;
};

class World {
public:
    explicit World(Input input) : input_(input) {
        runtime_.set_turn_limit(100'000); // or it throws
        const std::uint8_t how = input_.byte();
        const Configs& those = configs(how % 3);
        has_[0] = how % 5 != 3;
        has_[1] = how % 5 != 4;
        const testing::PipeOptions narrow{.capacity = 700, .chunk_size = 1 + input_.byte() * std::size_t{3}};
        const testing::PipeOptions options = (how & 0x80) != 0 ? narrow : testing::PipeOptions{};
        for (std::size_t i = 0; i < 2; ++i) {
            // Where a turn carries a byte, fewer of them do as well.
            if ((how & 0x80) != 0) sides_[i].bound = taps_[i].bound = 4'000;
            if (!has_[i]) continue;
            testing::Pipe pipe = testing::make_pipe(runtime_, options);
            taps_[i].stream = std::move(pipe.second);
            taps_[i].stream->start(taps_[i]);
            sides_[i].make(runtime_, std::move(pipe.first), i == 0 ? those.client : those.server, i == 0);
        }
    }
    void run() {
        settle();
        for (int step = 0; step < 200 && !input_.empty(); ++step) {
            act();
            settle();
        }
        finish();
    }

private:
    void act() {
        const std::uint8_t what = input_.byte();
        const std::size_t at = what >> 7;
        Side& side = sides_[at];
        Buffer& held = taps_[at].held;
        switch (what % 16) {
        case 0:
        case 1:
        case 2:
        case 3: // all of it, in both directions, until both are silent
            return exchange();
        case 4:
            return pass_on(at, held.size());
        case 5:
            return pass_on(at, input_.byte());
        case 6: // one bit
            if (held.empty()) return;
            return flip(held, input_.word() % held.size(), input_.byte());
        case 7:
            return held.consume(std::min<std::size_t>(held.size(), input_.byte()));
        case 8: // invents
            return taps_[at].send(input_.bytes(input_.byte()));
        case 9: // says it twice
            return taps_[1 - at].send(held.bytes());
        case 10:
            return invent_record(at);
        case 11:
            return side.write(input_.byte() * std::size_t{input_.byte()});
        case 12:
            return side.set_reading(input_.flag());
        case 13:
            return side.shut();
        case 14:
            if (input_.below(4) == 0) side.destroy();
            return;
        default:
            return runtime_.advance(std::chrono::milliseconds(input_.byte()));
        }
    }
    void exchange() {
        for (int i = 0; i < 20 && (!taps_[0].held.empty() || !taps_[1].held.empty()); ++i) {
            pass_on(0, taps_[0].held.size());
            pass_on(1, taps_[1].held.size());
            settle();
        }
    }
    void pass_on(std::size_t from, std::size_t size) {
        Buffer& held = taps_[from].held;
        size = std::min(size, held.size());
        taps_[1 - from].send(held.bytes().first(size));
        held.consume(size);
    }
    static void flip(Buffer& held, std::size_t place, std::uint8_t bits) {
        std::vector<std::byte> copy(held.bytes().begin(), held.bytes().end());
        copy[place] ^= static_cast<std::byte>(bits == 0 ? 1 : bits);
        held.clear();
        held.append(copy);
    }
    /// A header that fits, so that the body is looked at: handshake messages, alerts, a change of ciphers, data.
    void invent_record(std::size_t to) {
        const std::size_t type = 20 + input_.below(5);
        const Bytes body = input_.bytes(input_.byte());
        const std::uint8_t header[] = {static_cast<std::uint8_t>(type), 3, 3,
                                       static_cast<std::uint8_t>(body.size() >> 8),
                                       static_cast<std::uint8_t>(body.size())};
        taps_[to].send(std::as_bytes(std::span(header)));
        taps_[to].send(body);
    }
    void settle() {
        runtime_.run_until_idle();
        sides_[0].start_if_established();
        runtime_.run_until_idle();
        for (std::size_t i = 0; i < 2; ++i) {
            const std::string& wrote = sides_[1 - i].wrote;
            FUZZ_CHECK(wrote.starts_with(sides_[i].heard), "side {} has heard what nobody said", i);
        }
        FUZZ_CHECK(memory_.taken() <= std::size_t{24} << 20, "{} bytes of memory", memory_.taken());
    }
    /// The transport goes, and whoever reads must hear of it.
    void finish() {
        for (Tap& tap : taps_) tap.stream.reset();
        settle();
        for (std::size_t i = 0; i < 2; ++i) sides_[i].set_reading(true);
        runtime_.advance(std::chrono::hours(1));
        settle();
        for (std::size_t i = 0; i < 2; ++i) {
            if (has_[i]) sides_[i].check_ended();
            sides_[i].destroy();
        }
        runtime_.run_until_idle();
    }

    const Memory memory_;
    Input input_;
    testing::VirtualRuntime runtime_;
    Tap taps_[2]; // at 0 that of the client: what it has sent
    Side sides_[2];
    bool has_[2] = {};
};

} // namespace
} // namespace culex::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    (void)culex::fuzz::configs(0); // not of the first input's memory
    culex::fuzz::World(culex::fuzz::Input(data, size)).run();
    return 0;
}

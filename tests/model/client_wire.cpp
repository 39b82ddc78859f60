#include "model/client_wire.hpp"

#include <string>
#include <utility>

namespace culex::model {
namespace {

WireWatcher* the_watcher = nullptr;

class WatchedStream final : public Stream, private StreamHandler {
public:
    WatchedStream(std::unique_ptr<Stream> inner, WireWatcher& watcher, std::size_t client)
        : inner_(std::move(inner)), watcher_(watcher), client_(client) {
        watcher_.link_began(client_);
    }
    ~WatchedStream() override { over(); }

    void start(StreamHandler& handler) override {
        handler_ = &handler;
        inner_->start(*this);
    }
    void write(Buffer& bytes) override {
        if (live_) watcher_.before_output(client_, bytes.bytes());
        inner_->write(bytes);
    }
    [[nodiscard]] std::size_t backlog() const noexcept override { return inner_->backlog(); }
    void set_reading(bool on) override {
        if (live_ && !on) watcher_.reading_stopped(client_);
        inner_->set_reading(on);
    }
    void shutdown() override {
        over();
        inner_->shutdown();
    }
    [[nodiscard]] std::string peer() const override { return inner_->peer(); }

private:
    void on_read(Bytes bytes) override {
        const bool counts = live_;
        if (counts) watcher_.before_input(client_, bytes);
        handler_->on_read(bytes);
        if (counts) watcher_.after_input(client_);
    }
    void on_end(Failure why) override {
        over();
        handler_->on_end(std::move(why));
    }
    void on_drained() override { handler_->on_drained(); }
    void over() {
        if (std::exchange(live_, false)) watcher_.link_ended(client_);
    }

    std::unique_ptr<Stream> inner_;
    WireWatcher& watcher_;
    const std::size_t client_;
    StreamHandler* handler_ = nullptr;
    bool live_ = true;
};

class WatchedOpening final : public Opening, private OpenHandler {
public:
    WatchedOpening(Runtime& runtime, std::size_t client, OpenHandler& handler)
        : client_(client), handler_(handler), inner_(runtime.open({Transport::tcp, "broker", 1883}, {}, *this)) {}

private:
    void on_open(Result<std::unique_ptr<Stream>> stream) override {
        if (!stream) return handler_.on_open(std::move(stream));
        handler_.on_open(
            std::unique_ptr<Stream>(std::make_unique<WatchedStream>(*std::move(stream), *the_watcher, client_)));
    }

    const std::size_t client_;
    OpenHandler& handler_;
    std::unique_ptr<Opening> inner_;
};

} // namespace

std::unique_ptr<Opening> open_watched(Runtime& runtime, const Endpoint& endpoint, const StreamOptions& /*options*/,
                                      OpenHandler& handler) {
    return std::make_unique<WatchedOpening>(runtime, std::stoul(endpoint.host()), handler);
}

void set_watcher(WireWatcher* watcher) noexcept { the_watcher = watcher; }

} // namespace culex::model

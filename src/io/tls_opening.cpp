#include "io/tls_opening.hpp"

#include <culex/tls.hpp>

#include "base/log.hpp"
#include "io/tls_context.hpp"

namespace culex {
namespace io {

TlsOpening::TlsOpening(Runtime& runtime, const Endpoint& endpoint, OpenHandler& handler)
    : runtime_(runtime), endpoint_(endpoint), handler_(handler) {}

void TlsOpening::start(const StreamOptions& options) {
    try {
        config_ = (options.tls ? TlsShared::of(*options.tls) : TlsShared::of_process()).config();
    } catch (const Error& error) {
        return fail(Failure(error.failure()).during(Phase::tls));
    }
    options_ = options;
    options_.tls = nullptr; // may be gone when we need them again
    open();
}

void TlsOpening::open() {
    inner_ = runtime_.open(Endpoint(Transport::tcp, endpoint_.host(), endpoint_.port()), options_, *this);
}

void TlsOpening::on_open(Result<std::unique_ptr<Stream>> stream) {
    if (!stream) return fail(stream.failure());
    auto engine = std::make_unique<TlsEngine>(config_, endpoint_.host(), endpoint_.port());
    stream_ = std::make_unique<TlsStream>(runtime_, *std::move(stream), std::move(engine));
    stream_->shake_hands(*this);
}

/// Told on another turn: the stream is still busy with what has ended the handshake.
void TlsOpening::on_handshake(Failure why) {
    if (why && stream_->engine().offered_session() && !std::exchange(again_, true)) {
        log(LogLevel::debug, "{}: once more, without the session: {}", endpoint_.to_string(), why.message());
        stream_.reset();
        return open();
    }
    if (why) return fail(why);
    outcome_ = std::unique_ptr<Stream>(std::move(stream_));
    runtime_.post(notice_);
}

/// The stream beneath was opened under its own name; the failure tells the one that was asked for.
void TlsOpening::fail(const Failure& why) {
    outcome_ = Failure(why.code(), why.detail(), why.reason_code()).during(why.phase()).at(endpoint_.to_string());
    runtime_.post(notice_);
}

void TlsOpening::on_ready(ReadyNode& node) noexcept {
    TlsOpening& self = static_cast<Notice&>(node).opening;
    self.handler_.on_open(*std::move(self.outcome_)); // which may destroy the opening
}

} // namespace io

std::unique_ptr<Opening> open_tls(Runtime& runtime, const Endpoint& endpoint, const StreamOptions& options,
                                  OpenHandler& handler) {
    auto opening = std::make_unique<io::TlsOpening>(runtime, endpoint, handler);
    opening->start(options);
    return opening;
}

} // namespace culex

#include "io/lookup.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>

#include "base/text.hpp"

namespace culex::io {
namespace {

constexpr addrinfo stream_of_any_family() noexcept {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_protocol = IPPROTO_TCP;
    return hints;
}

std::vector<SocketAddress> addresses_of(const addrinfo* found, std::uint16_t port) {
    std::vector<SocketAddress> addresses;
    for (const addrinfo* info = found; info; info = info->ai_next) {
        addresses.emplace_back(info->ai_addr, info->ai_addrlen).set_port(port);
    }
    return addresses;
}

} // namespace

struct Lookup::Request {
    uv_getaddrinfo_t handle{};
    LoopCore* core = nullptr;
    Lookup* owner = nullptr; // null = called off
    std::uint16_t port = 0;
    Done done{};
};

Lookup::~Lookup() {
    if (!request_) return;
    request_->owner = nullptr;
    request_->done = nullptr;
    // Succeeds only while no thread has begun with it. Either way the callback comes on a later turn.
    uv_cancel(reinterpret_cast<uv_req_t*>(&request_->handle));
}

int Lookup::start(LoopCore& core, const std::string& host, std::uint16_t port, Done done) {
    static constexpr addrinfo hints = stream_of_any_family();
    auto request = std::make_unique<Request>();
    request->core = &core;
    request->owner = this;
    request->port = port;
    request->done = std::move(done);
    request->handle.data = request.get();
    const int error = uv_getaddrinfo(core.uv(), &request->handle, &Lookup::on_resolved, host.c_str(), nullptr, &hints);
    if (error == 0) request_ = request.release();
    return error;
}

void Lookup::on_resolved(uv_getaddrinfo_t* handle, int status, addrinfo* found) noexcept {
    const std::unique_ptr<Request> request(static_cast<Request*>(handle->data));
    const std::unique_ptr<addrinfo, decltype(&uv_freeaddrinfo)> list(found, &uv_freeaddrinfo);
    if (!request->owner) return; // and perhaps no loop of ours any more
    request->owner->request_ = nullptr;
    const Turn turn(*request->core);
    request->done(status, addresses_of(list.get(), request->port));
}

Result<std::vector<SocketAddress>> look_up_now(LoopCore& core, const std::string& host, std::uint16_t port) {
    static constexpr addrinfo hints = stream_of_any_family();
    uv_getaddrinfo_t request{};
    const int error = uv_getaddrinfo(core.uv(), &request, nullptr, host.c_str(), nullptr, &hints);
    if (error) return lookup_failure(host, error);
    std::vector<SocketAddress> addresses = addresses_of(request.addrinfo, port);
    uv_freeaddrinfo(request.addrinfo);
    return addresses;
}

Failure lookup_failure(const std::string& host, int status) {
    return Failure(Errc::host_not_found, fmt::format("{}: {}", quoted(host), error_text(-status)));
}

} // namespace culex::io

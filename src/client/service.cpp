// The other side of a request: `AsyncClient::serve`.
#include <exception>
#include <utility>
#include <vector>

#include <culex/event.hpp>
#include <culex/nursery.hpp>

#include "base/log.hpp"
#include "client/core.hpp"
#include "wire/roles.hpp"

namespace culex::client {

/// Lives in the frame of the task that `serve` returns, which owns all that runs here. The client may go before it does.
class Service {
public:
    Service(Revocable<Core>::Reference core, std::string filter, RequestHandler handler, const ServeOptions& options)
        : core_(core), filter_(std::move(filter)), handler_(std::move(handler)), options_(options) {}
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    Task<> run();

private:
    /// A handler that runs counts, until it ends or is cancelled.
    class Running {
    public:
        explicit Running(Service& service) noexcept : service_(service) {}
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;
        ~Running() {
            --service_.running_;
            service_.node_.changed.notify();
        }

    private:
        Service& service_;
    };

    [[nodiscard]] Core& core() const;
    void check_version() const;
    Task<Subscription> subscribe();
    Task<> answer(Message request);
    Task<Reply> handle(const Message& request);
    Task<> send(const Message& request, const Reply& reply);

    Revocable<Core>::Reference core_;
    std::string filter_;
    RequestHandler handler_;
    ServeOptions options_;
    std::size_t running_ = 0;
    ServiceNode node_;
};

Core& Service::core() const {
    if (Core* const core = core_.get()) return *core;
    throw Error(Failure(Errc::closed));
}

void Service::check_version() const {
    if (!node_.is_over && wire::carries_properties(core().version())) return;
    throw Error(Failure(Errc::not_supported, "MQTT 3.1.1 has no response topics: use version 5"));
}

Task<Subscription> Service::subscribe() {
    check_version();
    if (!handler_) throw Error(Failure(Errc::invalid_argument, "handler: there is none"));
    if (options_.concurrency == 0) throw Error(Failure(Errc::invalid_argument, "concurrency: at least 1"));
    const TopicSubscription requests{
        .filter = filter_, .qos = options_.qos, .retain_handling = RetainHandling::do_not_send};
    const SubscribeOptions manual{.acknowledge = Acknowledge::manual};
    auto stream = co_await SubscribeOperation(core(), std::span(&requests, 1), manual);
    check_version(); // the broker may have refused 5 meanwhile
    if (const ReasonCode code = stream.reason_code(); failed(code)) {
        throw Error(Failure(Errc::rejected, "the broker refuses the subscription to " + filter_, code));
    }
    co_return std::move(stream);
}

Task<> Service::run() {
    node_.requests = co_await subscribe();
    core().enlist(node_);
    if (options_.ready) options_.ready->set();
    Nursery handlers;
    while (auto request = co_await node_.requests.next()) {
        if (node_.is_over) break;
        ++running_;
        handlers.spawn(answer(*std::move(request)));
        while (running_ >= options_.concurrency && !node_.is_over) co_await node_.changed.wait();
    }
    if (!core_.get()) co_return; // nobody is left who could send a reply
    if (node_.is_over) check_version();
    co_await handlers.join();
}

Task<> Service::answer(Message request) {
    const Running running(*this);
    const Reply reply = co_await handle(request);
    if (request.properties().response_topic) {
        try {
            co_await send(request, reply);
        } catch (const Error& error) {
            log(LogLevel::warning, "a reply was not sent: {}", error.what());
        }
    }
    request.ack();
}

Task<Reply> Service::handle(const Message& request) {
    try {
        co_return co_await handler_(request);
    } catch (const std::exception& exception) {
        log(LogLevel::error, "the handler of a request has thrown: {}", exception.what());
    } catch (...) {
        log(LogLevel::error, "the handler of a request has thrown what is no std::exception");
    }
    Reply failed;
    failed.user_properties.emplace_back(handler_failed_property, "");
    co_return std::move(failed);
}

Task<> Service::send(const Message& request, const Reply& reply) {
    std::vector<UserProperty> user_properties;
    user_properties.reserve(reply.user_properties.size());
    for (const auto& [name, value] : reply.user_properties) user_properties.push_back({name, value});
    Publish message{.topic = *request.properties().response_topic,
                    .payload = as_bytes(reply.payload),
                    .qos = request.qos(),
                    .properties = {.correlation_data = request.properties().correlation_data, // [MQTT-3.3.2-16]
                                   .user_properties = user_properties}};
    if (reply.content_type) message.properties.content_type = *reply.content_type;
    const PublishResult sent = co_await PublishOperation(core(), message);
    if (failed(sent.reason_code)) {
        log(LogLevel::warning, "the broker has not taken a reply: {}", to_string(sent.reason_code));
    }
}

namespace {

Task<> serve(Revocable<Core>::Reference core, std::string filter, RequestHandler handler, ServeOptions options) {
    Service service(core, std::move(filter), std::move(handler), options);
    co_await service.run();
}

} // namespace
} // namespace culex::client

namespace culex {

Task<> AsyncClient::serve(std::string_view filter, RequestHandler handler, const ServeOptions& options) {
    return client::serve(core_->reference(), std::string(filter), std::move(handler), options);
}

} // namespace culex

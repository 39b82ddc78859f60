// The public face: operations, and the client that makes them.
#include <utility>

#include "base/duration.hpp"
#include "client/core.hpp"

namespace culex {

using client::Core;

// --- what all operations share

ClientOperation::ClientOperation(Core& core, Completed completed) noexcept : Operation(completed), core_(&core) {}

ClientOperation::~ClientOperation() {
    if (!prepared_) return;
    session::Exchange::Owner{prepared_}; // NOLINT(bugprone-unused-raii): it is there to be destroyed
    if (!place_.linked()) return;
    place_.unlink();
    core_->waiter_left();
}

void ClientOperation::begin_deadline(std::chrono::milliseconds timeout) {
    if (timeout.count() != 0) core_->runtime().arm_after(deadline_, bounded(timeout));
}

void ClientOperation::await_suspend(std::coroutine_handle<> waiting) noexcept { waiting_.handle = waiting; }

void ClientOperation::check() {
    if (failure_) throw Error(std::move(failure_));
}

void ClientOperation::finish() noexcept {
    done_ = true;
    deadline_.disarm();
    place_.unlink();
    if (waiting_.handle) core_->runtime().post(waiting_);
}

void ClientOperation::note(session::Outcome&& outcome) {
    failure_ = std::move(outcome.failure);
    reason_code_ = outcome.reason_codes.empty() ? outcome.reason_code : outcome.reason_codes.front();
}

void ClientOperation::on_completed(session::Operation& operation, session::Outcome&& outcome) {
    ClientOperation& self = from(operation);
    self.note(std::move(outcome));
    self.finish();
}

void ClientOperation::expired(Timer& timer) {
    ClientOperation& self = static_cast<Deadline&>(timer).operation;
    const bool taken = self.attached();
    const bool unsent = session::Exchange::is_unsent(self);
    self.detach();
    const session::Exchange::Owner not_taken{std::exchange(self.prepared_, nullptr)};
    Core& core = *self.core_;
    Failure late = self.awaits_reply_ ? core.late("no reply")
                   : unsent           ? core.late("not sent")
                   : taken            ? core.late("not acknowledged")
                   : not_taken        ? core.late_for_room()
                                      : core.late_to_connect();
    if (self.connects_) {
        core.call_off(late); // ends this operation too
    } else {
        self.failure_ = std::move(late);
        self.finish();
        if (not_taken) core.waiter_left();
    }
}

// --- each of them

SubscribeOperation::SubscribeOperation(Core& core, std::span<const TopicSubscription> subscriptions,
                                       const SubscribeOptions& options)
    : ClientOperation(core, &SubscribeOperation::on_granted) {
    begin_deadline(options.timeout);
    core.subscribe(subscriptions, options, *this);
}

void SubscribeOperation::on_granted(session::Operation& operation, session::Outcome&& outcome) {
    auto& self = static_cast<SubscribeOperation&>(from(operation));
    self.core_->granted(self.subscription_, outcome.reason_codes);
    self.note(std::move(outcome));
    self.finish();
}

Subscription SubscribeOperation::await_resume() {
    if (failure_) subscription_ = Subscription(); // the operation may be kept, the stream is not
    check();
    return std::move(subscription_);
}

UnsubscribeOperation::UnsubscribeOperation(Core& core, std::span<const std::string_view> filters,
                                           const UnsubscribeOptions& options)
    : ClientOperation(core, &ClientOperation::on_completed) {
    begin_deadline(options.timeout);
    core.unsubscribe(filters, options, *this);
}

ConnectOperation::ConnectOperation(Core& core, Result<std::vector<Endpoint>> endpoints, const ConnectOptions& options)
    : ClientOperation(core, &ClientOperation::on_completed) {
    begin_deadline(options.timeout);
    core.connect(std::move(endpoints), options, *this);
    connects_ = !done_;
}

ConnectOperation::~ConnectOperation() {
    if (!done_) core_->call_off(Failure(Errc::cancelled));
}

WaitConnectedOperation::WaitConnectedOperation(Core& core, std::chrono::milliseconds timeout)
    : ClientOperation(core, &ClientOperation::on_completed) {
    begin_deadline(timeout);
    core.wait_connected(*this);
}

ReauthenticateOperation::ReauthenticateOperation(Core& core, const ReauthenticateOptions& options)
    : ClientOperation(core, &ClientOperation::on_completed) {
    begin_deadline(options.timeout);
    core.reauthenticate(*this);
}

DisconnectOperation::DisconnectOperation(Core& core, const DisconnectOptions& options)
    : ClientOperation(core, &ClientOperation::on_completed) {
    core.disconnect(options, *this);
}

// --- the client

AsyncClient::AsyncClient(Runtime& runtime, const ClientOptions& options)
    : core_(std::make_unique<Core>(runtime, options)) {}
AsyncClient::AsyncClient(AsyncClient&&) noexcept = default;
AsyncClient& AsyncClient::operator=(AsyncClient&&) noexcept = default;
AsyncClient::~AsyncClient() = default;

namespace {

Result<std::vector<Endpoint>> parse_one(std::string_view url) {
    auto endpoint = Endpoint::parse(url);
    if (!endpoint) return std::move(endpoint).failure();
    return std::vector<Endpoint>{*std::move(endpoint)};
}

} // namespace

ConnectOperation AsyncClient::connect(std::string_view url, const ConnectOptions& options) {
    return ConnectOperation(*core_, parse_one(url), options);
}

ConnectOperation AsyncClient::connect(const Endpoint& endpoint, const ConnectOptions& options) {
    return ConnectOperation(*core_, std::vector<Endpoint>{endpoint}, options);
}

ConnectOperation AsyncClient::connect(const std::vector<Endpoint>& endpoints, const ConnectOptions& options) {
    return ConnectOperation(*core_, endpoints, options);
}

void AsyncClient::reconnect() { core_->reconnect(); }

WaitConnectedOperation AsyncClient::wait_connected(std::chrono::milliseconds timeout) {
    return WaitConnectedOperation(*core_, timeout);
}

ReauthenticateOperation AsyncClient::reauthenticate(const ReauthenticateOptions& options) {
    return ReauthenticateOperation(*core_, options);
}

void AsyncClient::before_attempt(AttemptHook hook) { core_->before_attempt(std::move(hook)); }
ConnectionEvents AsyncClient::connection_events(std::size_t capacity) { return core_->connection_events(capacity); }

SubscribeOperation AsyncClient::subscribe(std::string_view filter, QoS qos, const SubscribeOptions& options) {
    const TopicSubscription subscription{.filter = filter,
                                         .qos = qos,
                                         .no_local = options.no_local,
                                         .retain_as_published = options.retain_as_published,
                                         .retain_handling = options.retain_handling};
    return SubscribeOperation(*core_, std::span{&subscription, 1}, options);
}

SubscribeOperation AsyncClient::subscribe(std::span<const TopicSubscription> subscriptions,
                                          const SubscribeOptions& options) {
    return SubscribeOperation(*core_, subscriptions, options);
}

UnsubscribeOperation AsyncClient::unsubscribe(std::string_view filter, const UnsubscribeOptions& options) {
    return UnsubscribeOperation(*core_, std::span{&filter, 1}, options);
}

UnsubscribeOperation AsyncClient::unsubscribe(std::span<const std::string_view> filters,
                                              const UnsubscribeOptions& options) {
    return UnsubscribeOperation(*core_, filters, options);
}

DisconnectOperation AsyncClient::disconnect(const DisconnectOptions& options) {
    return DisconnectOperation(*core_, options);
}

Subscription AsyncClient::listen(std::string_view filter, Acknowledge acknowledge) {
    return core_->listen(filter, acknowledge);
}
Subscription AsyncClient::messages(Acknowledge acknowledge) { return core_->messages(acknowledge); }
ConnectionState AsyncClient::state() const noexcept { return core_->state(); }
std::string_view AsyncClient::client_id() const noexcept { return core_->client_id(); }
const Failure& AsyncClient::last_failure() const noexcept { return core_->last_failure(); }
std::size_t AsyncClient::outstanding() const noexcept { return core_->session().outstanding(); }
std::size_t AsyncClient::unacknowledged() const noexcept { return core_->session().unacknowledged(); }
std::uint64_t AsyncClient::unclaimed() const noexcept { return core_->router().unclaimed_count(); }
Statistics AsyncClient::statistics() const { return core_->statistics(); }
void AsyncClient::tap(Function<void(const TappedPacket&)> see) { core_->tap(std::move(see)); }
std::uint64_t AsyncClient::dropped() const noexcept { return core_->router().dropped_count(); }

} // namespace culex

#include <culex/testing/fake_broker.hpp>

#include "testing/fake_broker_core.hpp"

namespace culex::testing {

FakeBroker::FakeBroker(Runtime& runtime, FakeBrokerOptions options)
    : core_(std::make_shared<BrokerCore>(runtime, std::move(options))) {}
FakeBroker::~FakeBroker() { core_->end(); }

FakeBrokerOptions& FakeBroker::options() noexcept { return core_->options(); }

void FakeBroker::listen(std::string_view url) { core_->listen(url); }
std::string FakeBroker::url() const { return core_->endpoint().to_string(); }
const Endpoint& FakeBroker::endpoint() const noexcept { return core_->endpoint(); }
void FakeBroker::stop_listening() { core_->stop_listening(); }
void FakeBroker::serve(std::unique_ptr<Stream> stream) { core_->serve(std::move(stream)); }

void FakeBroker::drop_all_connections() { core_->drop_all_connections(); }
bool FakeBroker::drop_connection(std::string_view client_id) { return core_->drop_connection(client_id); }
void FakeBroker::shut_down() { core_->shut_down(); }
void FakeBroker::forget_sessions() { core_->forget_sessions(); }
void FakeBroker::forget_retained_messages() { core_->router().forget_retained(); }
void FakeBroker::script(Script script) { core_->script(std::move(script)); }
void FakeBroker::inject(Faults faults) { core_->inject(std::move(faults)); }
bool FakeBroker::disconnect(std::string_view client_id, const Disconnect& packet) {
    return core_->disconnect(client_id, packet);
}
void FakeBroker::release_acknowledgements(std::size_t count) { core_->release_acknowledgements(count); }
void FakeBroker::release_stalls() { core_->release_stalls(); }

void FakeBroker::publish(std::string_view topic, std::string_view payload, QoS qos, bool retain) {
    core_->publish_from_test({.topic = topic, .payload = as_bytes(payload), .qos = qos, .retain = retain});
}
void FakeBroker::publish(const Publish& message) { core_->publish_from_test(message); }
void FakeBroker::subscribe(std::string_view filter, Function<void(const PublishedMessage&)> receive) {
    core_->subscribe(filter, std::move(receive));
}
std::vector<PublishedMessage> FakeBroker::messages() const {
    return {core_->messages().begin(), core_->messages().end()};
}
std::vector<PublishedMessage> FakeBroker::retained_messages() const { return core_->retained_messages(); }

std::vector<ConnectionInfo> FakeBroker::connections() const { return core_->connections(); }
std::vector<SessionInfo> FakeBroker::sessions() const { return core_->sessions(); }
std::optional<SessionInfo> FakeBroker::session(std::string_view client_id) const {
    return core_->session_info(client_id);
}
std::size_t FakeBroker::accepted() const noexcept { return core_->accepted(); }
std::vector<PacketRecord> FakeBroker::log() const {
    return {core_->log().records().begin(), core_->log().records().end()};
}
std::vector<PacketRecord> FakeBroker::received(PacketType type) const {
    return core_->log().of(Direction::received, type);
}
std::vector<PacketRecord> FakeBroker::sent(PacketType type) const { return core_->log().of(Direction::sent, type); }
std::string FakeBroker::transcript() const { return core_->transcript(); }
std::uint64_t FakeBroker::count(Direction direction, PacketType type) const noexcept {
    return core_->log().count(direction, type);
}
std::vector<std::string> FakeBroker::complaints() const { return core_->complaints(); }
std::vector<std::string> FakeBroker::verify() const { return core_->verify(); }

} // namespace culex::testing

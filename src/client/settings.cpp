#include "client/settings.hpp"

#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/duration.hpp"
#include "wire/roles.hpp"

namespace culex::client {
namespace {

Connect connect_packet(const ClientOptions& options) {
    Connect packet{.client_id = options.client_id,
                   .clean_start = options.clean_start,
                   .keep_alive = static_cast<std::uint16_t>(options.keep_alive.count()),
                   .will = options.will,
                   .user_name = options.user_name,
                   .properties = options.properties};
    if (options.password) packet.password = as_bytes(*options.password);
    return packet;
}

Failure invalid(std::string what) { return Failure(Errc::invalid_argument, std::move(what)); }

Failure check_time(const char* name, std::chrono::milliseconds time, int least) {
    if (time.count() >= least) return Failure();
    return invalid(fmt::format("{} is {} ms: at least {}", name, time.count(), least));
}

Failure check_limits(const char* what, std::size_t soft, std::size_t hard) {
    if (soft <= hard) return Failure();
    return invalid(fmt::format("inbound.soft_{0} is {1}, and hard_{0} is {2}: at least as much", what, soft, hard));
}

Failure check_policy(const ReconnectPolicy& policy) {
    const bool grows = std::isfinite(policy.multiplier) && policy.multiplier >= 1.0;
    if (!grows) return invalid(fmt::format("reconnect.multiplier is {}: at least 1, and finite", policy.multiplier));
    if (Failure why = check_time("reconnect.first_delay", policy.first_delay, 0)) return why;
    if (Failure why = check_time("reconnect.max_delay", policy.max_delay, 0)) return why;
    if (Failure why = check_time("reconnect.reset_after", policy.reset_after, 0)) return why;
    for (const ReasonVerdict& row : policy.verdicts) {
        if (row.verdict <= Verdict::give_up) continue;
        return invalid(fmt::format("reconnect.verdicts: that for {} is {}, which is none", to_string(row.reason_code),
                                   static_cast<int>(row.verdict)));
    }
    return Failure();
}

wire::Frame frame_of(Bytes packet) {
    return {std::to_integer<std::uint8_t>(packet[0]), packet.subspan(session::Exchange::body_offset(packet))};
}

} // namespace

void Settings::change(const ClientOptions& options) {
    plain_ = {.version = options.version,
              .fall_back_to_3_1_1 = options.fall_back_to_3_1_1,
              .when_full = options.outbound.when_full,
              .inbound = options.inbound,
              .stream = options.stream,
              .authenticator = options.authenticator,
              .connect_timeout = options.connect_timeout};
    const TlsContext* const tls = options.tls ? options.tls : options.stream.tls;
    if (tls) {
        tls_ = *tls;
    } else {
        tls_.reset();
    }
    plain_.stream.tls = tls_ ? &*tls_ : nullptr;
    keep(options.stream.websocket_headers);
    bytes_.clear();
    client_id_ = {};
    fault_ = check(options);
}

Failure Settings::check(const ClientOptions& options) {
    if (options.keep_alive.count() < 0 || options.keep_alive.count() > 65'535) {
        return invalid(fmt::format("keep_alive is {} s: 0 to 65,535", options.keep_alive.count()));
    }
    if (Failure why = check_time("connect_timeout", options.connect_timeout, 1)) return why;
    if (Failure why = check_time("ping_timeout", options.ping_timeout, 1)) return why;
    const bool may_be_3_1_1 = options.version == Version::v3_1_1 || options.fall_back_to_3_1_1;
    if (options.client_id.empty() && !options.clean_start && may_be_3_1_1) { // [MQTT-3.1.3-7]
        return invalid("client_id: an empty one needs clean_start (MQTT 3.1.1)");
    }
    if (options.authenticator && !wire::has_authentication(options.version))
        return invalid("authenticator: MQTT 5 only");
    if (options.authenticator && options.properties.authentication_method)
        return invalid("properties.authentication_method: the authenticator names it");
    if (Failure why = check_policy(options.reconnect)) return why;
    const InboundLimits& inbound = options.inbound;
    if (Failure why = check_limits("bytes", inbound.soft_bytes, inbound.hard_bytes)) return why;
    if (Failure why = check_limits("messages", inbound.soft_messages, inbound.hard_messages)) return why;
    return keep(connect_packet(options)).failure();
}

void Settings::keep(std::span<const HttpHeader> headers) {
    Rare<Headers> fresh; // the new ones may view the old ones
    for (const HttpHeader& header : headers) {
        fresh.use().texts.emplace_back(header.name);
        fresh->texts.emplace_back(header.value);
    }
    for (std::size_t i = 0; i < fresh.look().texts.size(); i += 2)
        fresh->views.push_back({fresh->texts[i], fresh->texts[i + 1]});
    headers_ = std::move(fresh);
    plain_.stream.websocket_headers = headers_.look().views;
}

/// `packet` may view what is kept so far.
Result<void> Settings::keep(const Connect& packet) {
    Buffer checked;
    if (auto written = wire::encode(checked, packet, plain_.version); !written) return written;
    if (plain_.fall_back_to_3_1_1) { // what it could not say then is better known now
        if (auto written = wire::encode(checked, packet, Version::v3_1_1); !written) return written;
    }
    // Kept as MQTT 5 writes it, which holds everything that 3.1.1 has and the properties.
    Buffer bytes;
    if (auto written = wire::encode(bytes, packet, Version::v5); !written) return written;
    wire::Arena arena;
    auto read = wire::decode<Connect>(frame_of(bytes.bytes()), Version::v5, arena);
    if (!read) return std::move(read).failure();
    bytes_ = std::move(bytes); // the views of `read` move along
    client_id_ = read->client_id;
    return {};
}

Connect Settings::connect(wire::Arena& arena) const {
    if (bytes_.empty()) return {};
    return *wire::decode<Connect>(frame_of(bytes_.bytes()), Version::v5, arena);
}

bool Settings::clean_start() const {
    wire::Arena arena;
    return connect(arena).clean_start;
}

bool Settings::keeps_session() const {
    wire::Arena arena;
    return connect(arena).properties.session_expiry_interval.value_or(0) != 0;
}

Result<void> Settings::set_credentials(std::optional<std::string_view> user_name,
                                       std::optional<std::string_view> password) {
    wire::Arena arena;
    Connect packet = connect(arena);
    packet.user_name = user_name;
    packet.password.reset();
    if (password) packet.password = as_bytes(*password);
    return keep(packet);
}

session::Config session_config(const ClientOptions& options) noexcept {
    return {.version = options.version,
            .receive_maximum = options.properties.receive_maximum.value_or(65'535),
            .maximum_packet_size = options.properties.maximum_packet_size.value_or(session::unlimited_packet_size),
            .topic_alias_maximum = options.properties.topic_alias_maximum.value_or(0),
            .outbound_topic_aliases = options.outbound_topic_aliases,
            .ping_timeout = bounded(options.ping_timeout),
            .outbound_messages = options.outbound.messages,
            .outbound_bytes = options.outbound.bytes,
            .when_full = options.outbound.when_full,
            .authenticates = options.authenticator != nullptr};
}

} // namespace culex::client

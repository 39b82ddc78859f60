#include "facade/profile.hpp"

#include "client/settings.hpp"

namespace culex::facade {

ClientOptions Profile::options() const {
    ClientOptions options{.client_id = client_id,
                          .version = settings.version,
                          .fall_back_to_3_1_1 = settings.fall_back_to_3_1_1,
                          .clean_start = clean_session,
                          .keep_alive = keep_alive,
                          .user_name = user_name,
                          .password = password,
                          .reconnect = settings.reconnect,
                          .outbound = settings.outbound,
                          .inbound = settings.inbound,
                          .outbound_topic_aliases = settings.outbound_topic_aliases,
                          .connect_timeout = settings.connect_timeout,
                          .ping_timeout = settings.ping_timeout};
    options.authenticator = settings.authenticator.get();
    options.reconnect.verdicts = verdicts;
    if (properties) options.properties = properties->properties();
    // What 3.1.1 says with Clean Session alone, MQTT 5 says with two values (section 3.1.2.11.2).
    auto& expiry = options.properties.session_expiry_interval;
    if (!clean_session && !expiry) expiry = never_expires;
    if (will) {
        options.will = Will{will->topic, as_bytes(will->payload), will->qos, will->retain, {}};
        if (will->properties) options.will->properties = will->properties->properties();
    }
    options.stream.socket_keepalive = socket_keepalive;
    if (tls) options.tls = &*tls;
    return options;
}

void Profile::check() const {
    const client::Settings kept(options());
    if (kept.fault()) throw Error(kept.fault());
}

} // namespace culex::facade

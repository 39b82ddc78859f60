// The link heals, and everything is over.
#include <algorithm>

#include "model/world.hpp"

namespace culex::model {

void World::drain() {
    cut(false);
    broker_.deny(0);
    open({});
    int quiet = 0;
    for (int round = 0; quiet < 3 && !verdict_.failed(); ++round) {
        if (round > 2000) return broken("it comes to no end");
        quiet = drain_once() ? 0 : quiet + 1;
    }
    if (verdict_.failed()) return;
    check_end();
    if (!verdict_.failed()) say_goodbye();
}

bool World::drain_once() {
    if (!link_up_) open({});
    bool any = !held_.empty();
    while (!held_.empty()) acknowledge(0, ReasonCode::success);
    flush(SIZE_MAX);
    any = any || !to_broker_.empty();
    up(SIZE_MAX);
    any = any || !broker_.output().empty();
    down(SIZE_MAX);
    look_at_session();
    check_bounds();
    return any || !session_.output().empty();
}

void World::check_end() {
    for (const Call& call : calls_) check_end(call);
    if (session_.outstanding() != 0) broken("{} are left outstanding", session_.outstanding());
    if (session_.unacknowledged() != 0) broken("{} are left unacknowledged", session_.unacknowledged());
    if (!broker_.idle()) broken("the broker is left with messages for the client");
    if (!owed_.empty()) broken("message {} was never acknowledged", owed_.front().number);
    if (std::ranges::any_of(released_, [](const auto& one) { return one.second != 0; }))
        broken("a PUBREL was never answered");
    check_subscriptions();
}

void World::check_end(const Call& call) {
    if (call.live) return broken("operation {} has not ended", call.number);
    if (call.kind != PacketType::publish) return;
    if (call.arrivals > static_cast<int>(call.attempts))
        return broken("message {} was sent {} times and arrived {} times", call.number, call.attempts, call.arrivals);
    if (call.refused) return;
    if (call.attempts == 0) return broken("message {} is done, and was never sent", call.number);
    if (call.qos != QoS::at_most_once && call.arrivals == 0) broken("message {} was lost", call.number);
}

void World::check_subscriptions() {
    for (const auto& [filter, wanted] : wanted_) {
        if (!wanted.certain) continue;
        const auto found = broker_.subscriptions().find(filter);
        const bool has = found != broker_.subscriptions().end();
        if (has != wanted.qos.has_value() || (has && found->second != *wanted.qos))
            return broken("{} is {}subscribed to at the broker", filter, has ? "" : "not ");
    }
}

void World::say_goodbye() {
    session_.disconnect();
    flush(SIZE_MAX);
    if (!session_.finished() || !last_word_) broken("there is nothing left to do, and no DISCONNECT");
}

} // namespace culex::model

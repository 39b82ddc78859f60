#include <culex/testing/script.hpp>

#include <fmt/format.h>

#include "testing/hex.hpp"
#include "testing/script_step.hpp"
#include "wire/codec.hpp"

namespace culex::testing {

Script& Script::add(ScriptStep step) {
    steps_.push_back(std::make_shared<const ScriptStep>(std::move(step)));
    return *this;
}

Script& Script::expect(PacketType type, PacketCondition condition, std::string_view what) {
    std::string words(to_string(type));
    if (!what.empty()) {
        words += fmt::format(" {}", what);
    } else if (condition) {
        words += " that meets the condition";
    }
    return add({ScriptStep::Expect{.type = type,
                                   .condition = std::move(condition),
                                   .what = std::move(words),
                                   .within = std::exchange(within_, std::nullopt)}});
}

Script& Script::expect_bytes(std::string_view hex) { return expect_bytes(as_bytes(from_hex(hex))); }
Script& Script::expect_bytes(Bytes bytes) {
    return add({ScriptStep::Expect{
        .bytes = std::string(as_text(bytes)), .what = to_hex(bytes), .within = std::exchange(within_, std::nullopt)}});
}

Script& Script::expect_close() { return add({ScriptStep::ExpectClose{std::exchange(within_, std::nullopt)}}); }
Script& Script::expect_silence(Duration duration) { return add({ScriptStep::ExpectSilence{duration}}); }
Script& Script::within(Duration duration) {
    within_ = duration;
    return *this;
}
Script& Script::ignore(PacketType type) { return add({ScriptStep::PassOver{type, false}}); }
Script& Script::answer(PacketType type) { return add({ScriptStep::PassOver{type, true}}); }

Script& Script::reply(const Packet& packet) {
    ScriptStep::Send send;
    Failure failure;
    const auto encode = [&](Version version, std::string& bytes, std::string& fault) {
        Buffer out;
        const Result<void> encoded = wire::encode(out, packet, version);
        bytes = as_text(out.bytes());
        if (encoded) return true;
        failure = encoded.failure();
        fault = failure.message();
        return false;
    };
    const bool in_3_1_1 = encode(Version::v3_1_1, send.v3_1_1, send.fault_3_1_1);
    const bool in_5 = encode(Version::v5, send.v5, send.fault_5);
    if (!in_3_1_1 && !in_5) throw Error(std::move(failure));
    return add({std::move(send)});
}

Script& Script::reply_with(std::shared_ptr<Function<Packet(const Packet&)>> make) {
    return add({ScriptStep::Make{std::move(make)}});
}
Script& Script::acknowledge(ReasonCode code) { return add({ScriptStep::Acknowledge{code}}); }
Script& Script::reply_bytes(std::string_view hex) { return reply_bytes(as_bytes(from_hex(hex))); }
Script& Script::reply_bytes(Bytes bytes) {
    const std::string copy(as_text(bytes));
    return add({ScriptStep::Send{.v3_1_1 = copy, .v5 = copy}});
}

Script& Script::after(Duration duration) { return add({ScriptStep::Wait{duration}}); }
Script& Script::drop() { return add({ScriptStep::Drop{}}); }
Script& Script::close() { return add({ScriptStep::Close{}}); }
Script& Script::stall() { return add({ScriptStep::SetReading{false}}); }
Script& Script::resume() { return add({ScriptStep::SetReading{true}}); }
Script& Script::run(Function<void()> call) {
    return add({ScriptStep::Call{std::make_shared<Function<void()>>(std::move(call))}});
}
Script& Script::pass() { return add({ScriptStep::Pass{}}); }
Script& Script::pass_to_broker() { return add({ScriptStep::PassToBroker{}}); }

} // namespace culex::testing

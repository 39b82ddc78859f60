#pragma once
/// \file script.hpp
/// What a fake broker does on one connection, step by step, where a real broker would not do it so.
///
///     broker.script(Script{"loses the first PUBACK"}
///                       .expect(PacketType::connect).reply(Connack{})
///                       .expect<Publish>([](const Publish& publish) { return !publish.dup; })
///                       .drop());
///     broker.script(Script{}.expect(PacketType::connect).reply(Connack{.session_present = true})
///                       .expect<Publish>([](const Publish& publish) { return publish.dup; }).acknowledge()
///                       .pass_to_broker());
///
/// The broker plays scripts in the order in which it got them, one for each new connection; when it has none left, it is
/// itself again. A script is strict: each packet must be what the next `expect` says. Packets that come while the script is
/// at another step wait for their `expect`. What goes wrong is noted in words (`FakeBroker::verify`), and ends the connection.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <culex/packet.hpp>
#include <culex/testing/packet_condition.hpp>

namespace culex::testing {

struct ScriptStep;

/// May be copied, kept, and played many times. Whatever is passed in is copied. The functions throw `Error` for what can
/// never be sent, or read as hexadecimal digits.
class Script {
public:
    /// The name helps to understand complaints.
    explicit Script(std::string name = {}) : name_(std::move(name)) {}

    // --- what the client must do

    /// The next packet is of this type, and meets the condition. `what` says in words what the condition asks for.
    Script& expect(PacketType type, PacketCondition condition = {}, std::string_view what = {});
    template <class P> Script& expect() { return expect(P::type); }
    template <class P, class F> Script& expect(F predicate, std::string_view what = {}) {
        return expect(P::type, PacketCondition::of<P>(std::move(predicate)), what);
    }
    /// The next packet has exactly these bytes. Text is read as hexadecimal digits: `"C0 00"`.
    Script& expect_bytes(std::string_view hex);
    Script& expect_bytes(Bytes bytes);
    /// The client closes the connection, and sends nothing before it.
    Script& expect_close();
    /// The client sends nothing for so long.
    Script& expect_silence(Duration duration);
    /// The `expect` that comes next must be met within so long.
    Script& within(Duration duration);

    /// From here on, packets of this type do not count: they are passed over, or acknowledged at once.
    Script& ignore(PacketType type);
    /// Acknowledges them at once.
    Script& answer(PacketType type);

    // --- what the broker does

    /// Sends a packet, as an answer or not.
    Script& reply(const Packet& packet);
    /// Sends what `make(const Packet& last)` returns. `last` is what was expected last; the result may have views on it, or
    /// on what outlives the call.
    template <class F>
        requires std::is_invocable_r_v<Packet, F&, const Packet&>
    Script& reply(F make) {
        return reply_with(std::make_shared<Function<Packet(const Packet&)>>(std::move(make)));
    }
    template <class P, class F> Script& reply(F make) {
        return reply(
            [make = std::move(make)](const Packet& last) mutable -> Packet { return make(std::get<P>(last)); });
    }
    /// Answers what was expected last in the usual way: CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK (with what was
    /// asked for), UNSUBACK, PINGRESP; or with this code.
    Script& acknowledge(ReasonCode code = ReasonCode::success);
    /// Sends bytes, whatever they are: `"20 02 00"` and never the rest.
    Script& reply_bytes(std::string_view hex);
    Script& reply_bytes(Bytes bytes);

    Script& after(Duration duration);   ///< waits
    Script& drop();                     ///< closes without a word; what was sent before still goes out
    Script& close();                    ///< ends the stream behind what was sent
    Script& stall();                    ///< reads nothing more, and leaves the connection as it is
    Script& resume();                   ///< reads again
    Script& run(Function<void()> call); ///< calls a function of the test

    /// The broker handles what was expected last as it would without a script.
    Script& pass();
    /// The script ends and the broker goes on, beginning with what was expected last where the script has sent nothing
    /// since. Where the script has answered CONNECT, the broker takes that as its own answer.
    Script& pass_to_broker();

    /// What complaints call it.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

private:
    friend class ScriptPlayer;
    Script& reply_with(std::shared_ptr<Function<Packet(const Packet&)>> make);
    Script& add(ScriptStep step);

    std::string name_;
    std::vector<std::shared_ptr<const ScriptStep>> steps_;
    std::optional<Duration> within_;
};

} // namespace culex::testing

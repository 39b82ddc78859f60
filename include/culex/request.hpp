#pragma once
/// \file request.hpp
/// Request and response (MQTT 5, section 4.10): `AsyncClient::request` asks, `AsyncClient::serve` answers.
///
///     culex::Task<culex::Reply> temperature(const culex::Message&) { co_return "21.5"; }
///
///     co_await server.serve("rooms/1/temperature", &temperature);               // one client, in a task of its own
///     auto reply = co_await client.request("rooms/1/temperature", "now");       // and another
///
/// All requests of a client share one response topic, to which it subscribes before the first is sent, and are told apart
/// by their correlation data; any number may wait at once. The topic is made of the broker's Response Information, where it
/// was asked for (`ConnectProperties::request_response_information`) and given, or else stands under
/// `culex/responses/<client id>`; its end cannot be guessed. The broker must let the client subscribe to it, and the server
/// publish there. Requests leave in the order of the calls; only the first ones, which wait for the subscription, may be
/// passed by what is published after them.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <culex/async_client.hpp>
#include <culex/task.hpp>

namespace culex {

/// What `AsyncClient::request` returns: `co_await` gives the reply, whose payload and properties are what the other side has
/// sent. It begins when it is called, as every `ClientOperation`, and is told what becomes of it in the same table.
///
/// Besides what `publish` fails with:
///   Errc::rejected       the broker did not take the request, or says that nobody gets it (reason code 0x10), or refuses
///                        the subscription to the response topic; or the handler on the other side has failed (0x83)
///   Errc::session_lost   another broker gave other Response Information while the reply was waited for
///   Errc::timed_out      no reply in time. One that comes later is dropped, and counted (`Statistics::replies_dropped`)
///   Errc::not_supported  under 3.1.1; also a request that was begun before, when the client has fallen back to it
///                        (`ClientOptions::fall_back_to_3_1_1`)
///
/// It survives lost connections. What the other side has sent meanwhile comes where the broker has kept the session, or kept
/// trying; where it has not, the deadline ends the waiting: whether to ask again is for the caller to know.
class RequestOperation : public ClientOperation {
public:
    ~RequestOperation();
    Message await_resume() {
        check();
        return std::move(reply_);
    }

private:
    friend class AsyncClient;
    friend class client::Requests;
    explicit RequestOperation(client::Core& core) noexcept;
    RequestOperation(client::Core& core, Publish& message, std::chrono::milliseconds timeout);

    client::Requests* requests_ = nullptr; // while it has a place there
    std::uint32_t place_in_table_ = 0;
    bool waits_for_topic_ = false;
    Message reply_;
};

/// What a handler answers with. It owns what it says.
class Reply {
public:
    Reply() = default; ///< an empty payload
    Reply(std::string text) : payload(std::move(text)) {}
    Reply(std::string_view text) : payload(text) {}
    Reply(const char* text) : payload(text) {}
    Reply(Bytes bytes) : payload(as_text(bytes)) {}

    std::string payload; ///< any bytes
    std::optional<std::string> content_type;
    std::vector<std::pair<std::string, std::string>> user_properties;
};

/// The user property of a reply that says that there is none, since the handler has thrown. What it has thrown is logged and
/// stays here: it is nobody's business elsewhere.
inline constexpr std::string_view handler_failed_property = "culex-handler-failed";

/// \fn Task<> AsyncClient::serve(std::string_view filter, RequestHandler handler, const ServeOptions& options)
///
/// It subscribes, also to a shared subscription (`"$share/workers/rooms/+/temperature"`), and calls the handler for each
/// message; not for retained ones that were there before. It ends when the client has disconnected, or was told to
/// `unsubscribe` the filter, once the handlers that run have ended. It throws what `subscribe` does, `Errc::rejected` where
/// the broker refuses the subscription, `Errc::not_supported` under 3.1.1, and where the client gives up, the cause. Dropping
/// it cancels the handlers that run; so does a client that falls back to 3.1.1 meanwhile, with `Errc::not_supported`.
///
/// A message is acknowledged when its reply was: where the connection is lost before that, the broker sends it again, and
/// the handler may run twice for one request; the asker gets one reply. What was not handled when `serve` is dropped stays
/// unacknowledged, as with `Acknowledge::manual`.
///
/// A handler that throws does not end the service: the asker's `request` fails with `Errc::rejected` (other libraries see
/// an empty reply with the user property `handler_failed_property`), the exception is logged, the message acknowledged.
/// Likewise a reply that cannot be sent (too large, a response topic that is none) is logged; its asker hears nothing.
/// Messages without a response topic are handled as well, and the reply is dropped.
///
/// To end in good order: `unsubscribe` the filter, await `serve`, and `disconnect` then. `disconnect` does not wait for handlers,
/// and replies after it are not sent.

} // namespace culex

#pragma once
/// \file requests.hpp
/// What a client has asked, and waits to be answered.

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <culex/request.hpp>
#include <culex/task.hpp>

namespace culex::client {

class Core;

/// Each request has a place in a table; its correlation data is the number of the place and how often the place was used. So
/// a reply finds its request without a search, and one that comes late finds that the place has another use.
///
/// The first request begins the receiver, a coroutine: it waits for CONNACK, which may say what the response topic is to be
/// made of, subscribes, and takes the replies. Requests that come before SUBACK wait for it, with their messages encoded: a
/// reply must not come before the subscription is there.
class Requests {
public:
    explicit Requests(Core& core) noexcept : core_(core) {}
    /// After `end`.
    ~Requests();
    Requests(const Requests&) = delete;
    Requests& operator=(const Requests&) = delete;

    void begin(Publish& message, RequestOperation& operation);
    /// The operation goes.
    void leave(RequestOperation& operation) noexcept;
    /// There is a connection, perhaps with other Response Information.
    void connected();
    /// The client stops: nothing will be answered any more.
    void end(const Failure& why);
    void count_into(Statistics& statistics) const noexcept;
    /// Whether any waits for its reply.
    [[nodiscard]] bool any() const noexcept { return used_ != 0; }

    static void on_published(session::Operation& completed, session::Outcome&& outcome);

private:
    struct Slot {
        RequestOperation* operation = nullptr; ///< null: free
        std::uint32_t use = 0;
        std::uint32_t next_free = 0;
    };
    using Correlation = std::array<std::byte, 8>;
    static constexpr std::uint32_t none = 0xFFFFFFFF;

    void enlist(RequestOperation& operation);
    [[nodiscard]] Correlation correlation_of(const RequestOperation& operation) const noexcept;
    [[nodiscard]] RequestOperation* find(Bytes correlation) const noexcept;
    void send(Publish& message, RequestOperation& operation);
    void send_waiting();
    void take(Message reply);
    void fail_all(const Failure& why, bool waiting_too);

    void start_receiver();
    Task<> run_receiver();
    Task<> receive();
    [[nodiscard]] std::string make_topic();

    Core& core_;
    std::vector<Slot> slots_;
    std::uint32_t first_free_ = none;
    std::size_t used_ = 0;
    std::uint64_t replies_ = 0;
    std::uint64_t dropped_ = 0;
    IntrusiveList<ClientOperation::Place> waiting_; // for the subscription
    std::string secret_;                            // the end of the topic, of this client's whole life
    std::string information_;                       // of the broker, that the topic was made of
    std::string topic_;
    bool subscribed_ = false;
    std::optional<TaskRoot<>> receiver_;
};

} // namespace culex::client

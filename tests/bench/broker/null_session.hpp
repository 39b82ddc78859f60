#pragma once
// What the null broker knows of one connection: bytes in, bytes out. It parses for itself and as little as it can, so that it
// is no part of what is measured, and no mistake of Culex' codec is shared. It acknowledges and counts; it routes nothing.
//
// A client says by its client identifier what it wants besides:
//
//     pour,<QoS>,<size>,<count>     with SUBSCRIBE to bench/messages it is sent that many messages
//     echo                          what it publishes is sent back to it, at no more than the QoS of its subscription
#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

class NullSession {
public:
    /// `window`: how many messages of QoS 1 and 2 are on their way to the client at once; less than 65,535.
    explicit NullSession(unsigned window) noexcept : window_(window) {}

    /// Takes in what was read. False: it is no MQTT, or the client has said DISCONNECT.
    bool input(std::string_view bytes);
    /// What is to be sent next, or nothing; of it, `sent` takes off the front.
    std::string_view output();
    void sent(std::size_t count);

    [[nodiscard]] std::uint64_t publishes() const noexcept { return publishes_; }

private:
    struct Packet {
        unsigned char first;
        std::string_view body;
    };
    enum class Found : std::uint8_t { packet, beginning, nothing };

    std::size_t consume(std::string_view bytes);
    Found next(std::string_view bytes, Packet& packet, std::size_t& size) const;
    bool handle(const Packet& packet);
    void connect(std::string_view body);
    void subscribe(std::string_view body);
    void unsubscribe(std::string_view body);
    void publish(const Packet& packet);
    void echo(const Packet& packet, std::string_view topic, std::string_view rest);
    bool skip_payload(const Packet& packet, std::size_t size, std::size_t here);
    void reply(unsigned char first, unsigned id);
    void begin_pouring(std::string_view topic);
    void pour();

    const unsigned window_;
    bool v5_ = false;
    bool echo_ = false;
    bool over_ = false;
    unsigned echo_qos_ = 0;
    std::uint64_t publishes_ = 0;

    std::string in_; // the beginning of a packet
    std::size_t skip_ = 0;
    unsigned char owed_ = 0; // once that is skipped
    unsigned owed_id_ = 0;

    std::string out_;
    std::size_t out_begin_ = 0;

    unsigned pour_qos_ = 0;
    std::size_t pour_size_ = 0;
    std::uint64_t pour_left_ = 0;
    bool pouring_ = false;
    std::string pour_block_; // as many messages as are copied at once
    std::size_t pour_packet_ = 0;
    std::size_t pour_id_at_ = 0;
    unsigned next_id_ = 1;
    unsigned in_flight_ = 0;
};

} // namespace bench

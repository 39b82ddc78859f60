#pragma once
// A real mosquitto for the tests: a process of this test's own, on a port of 127.0.0.1 that was free.

#include <string>

#include <sys/types.h>

namespace culex {

/// Runs while it lives; ended by its own process id. Throws where it cannot be started. It ends with the thread that has
/// started it, even where that is killed.
class Mosquitto {
public:
    enum class Access { anonymous, password };
    /// With `password` only user "user" with password "secret" may connect.
    explicit Mosquitto(Access access = Access::anonymous, const std::string& extra_configuration = {});
    Mosquitto(const Mosquitto&) = delete;
    Mosquitto& operator=(const Mosquitto&) = delete;
    ~Mosquitto();

    [[nodiscard]] std::string url() const { return "mqtt://127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] int port() const noexcept { return port_; }
    /// Ends it without warning its clients, and starts it again on the same port, with what it has saved.
    void kill();
    void start();
    /// Ends it in order, so that it saves all that it has.
    void stop();

    /// A port that was free a moment ago.
    [[nodiscard]] static int free_port();

private:
    void end(int signal);
    bool try_start();

    /// Removed also where the constructor throws.
    class Folder {
    public:
        Folder();
        Folder(const Folder&) = delete;
        Folder& operator=(const Folder&) = delete;
        ~Folder();
        std::string path;
    };

    Folder folder_;
    Access access_;
    std::string extra_;
    int port_ = 0;
    pid_t process_ = -1;
};

} // namespace culex

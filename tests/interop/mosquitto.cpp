#include "interop/mosquitto.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace culex {
namespace {

std::string program(const char* name) {
    for (const char* folder : {"/usr/sbin/", "/usr/bin/", "/usr/local/sbin/", "/usr/local/bin/"}) {
        const std::string path = std::string(folder) + name;
        if (access(path.c_str(), X_OK) == 0) return path;
    }
    throw std::runtime_error(std::string(name) + " is not installed: see cmake/install-deps.sh");
}

pid_t spawn(const std::vector<std::string>& words, int error_output) {
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (error_output >= 0) posix_spawn_file_actions_adddup2(&actions, error_output, STDERR_FILENO);
    pid_t process = -1;
    const int failed = posix_spawn(&process, words[0].c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) throw std::runtime_error("cannot start " + words[0]);
    return process;
}

/// Reads until `word` has come; false at the end of the output, or after half a minute without any.
bool says(int output, const std::string& word) {
    std::string text;
    char chunk[512];
    for (;;) {
        pollfd ready{output, POLLIN, 0};
        if (poll(&ready, 1, 30'000) <= 0) return false;
        const ssize_t count = read(output, chunk, sizeof chunk);
        if (count <= 0) return false;
        text.append(chunk, static_cast<std::size_t>(count));
        if (text.find(word) != std::string::npos) return true;
    }
}

} // namespace

Mosquitto::Folder::Folder() : path(std::filesystem::temp_directory_path() / "culex-mosquitto-XXXXXX") {
    if (!mkdtemp(path.data())) throw std::runtime_error("no temporary folder");
}

Mosquitto::Folder::~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
}

Mosquitto::Mosquitto(Access access, const std::string& extra_configuration)
    : access_(access), extra_(extra_configuration) {
    if (access_ == Access::password) {
        const pid_t tool =
            spawn({program("mosquitto_passwd"), "-b", "-c", folder_.path + "/passwords", "user", "secret"}, -1);
        int status = 0;
        waitpid(tool, &status, 0);
        if (status != 0) throw std::runtime_error("mosquitto_passwd has failed");
    }
    for (int attempt = 0; attempt < 20; ++attempt) {
        port_ = free_port();
        if (try_start()) return;
    }
    throw std::runtime_error("mosquitto does not start");
}

Mosquitto::~Mosquitto() { kill(); }

void Mosquitto::kill() { end(SIGKILL); }
void Mosquitto::stop() { end(SIGTERM); }

void Mosquitto::end(int signal) {
    if (process_ < 0) return;
    ::kill(process_, signal);
    waitpid(process_, nullptr, 0);
    process_ = -1;
}

/// Who finds it taken tries another.
int Mosquitto::free_port() {
    const int socket_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(socket_, generic, size) != 0) throw std::runtime_error("no free port");
    getsockname(socket_, generic, &size);
    close(socket_);
    return ntohs(address.sin_port);
}

void Mosquitto::start() {
    if (!try_start()) throw std::runtime_error("mosquitto does not start again");
}

bool Mosquitto::try_start() {
    {
        std::ofstream file(folder_.path + "/mosquitto.conf");
        file << "listener " << port_ << " 127.0.0.1\nlog_dest stderr\nlog_type all\nuser root\n"
             << "persistence true\npersistence_location " << folder_.path
             << "/\nautosave_interval 1\nautosave_on_changes true\n";
        if (access_ == Access::anonymous) {
            file << "allow_anonymous true\n";
        } else {
            file << "allow_anonymous false\npassword_file " << folder_.path << "/passwords\n";
        }
        file << extra_;
    }
    int pipe_[2];
    if (pipe2(pipe_, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    // Whatever ends this test, its broker does not outlive it.
    process_ =
        spawn({program("setpriv"), "--pdeathsig", "KILL", program("mosquitto"), "-c", folder_.path + "/mosquitto.conf"},
              pipe_[1]);
    close(pipe_[1]);
    const bool running = says(pipe_[0], " running");
    // It goes on writing its log: into a file that nobody reads, rather than into a pipe that fills up. So the pipe is kept
    // open by a reader that has gone; mosquitto ignores SIGPIPE.
    close(pipe_[0]);
    if (!running) kill();
    return running;
}

} // namespace culex

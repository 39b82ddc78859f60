// The broker of these tests itself.

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "interop/mosquitto.hpp"

namespace culex {
namespace {

TEST(MosquittoOfTests, does_not_outlive_a_test_that_is_killed) {
    std::string folder = std::filesystem::temp_directory_path() / "culex-killed-XXXXXX"; // what it leaves behind
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    int held[2]; // its writing end is open as long as the other test or its broker lives
    ASSERT_EQ(pipe(held), 0);
    const pid_t other_test = fork();
    ASSERT_GE(other_test, 0);
    if (other_test == 0) {
        setenv("TMPDIR", folder.c_str(), 1);
        try {
            const Mosquitto mosquitto;
            static_cast<void>(write(held[1], "r", 1));
            std::raise(SIGKILL);
        } catch (const std::exception&) { // or else it would go on with the tests behind this one
        }
        _exit(1);
    }
    close(held[1]);
    char word = 0;
    EXPECT_EQ(read(held[0], &word, 1), 1) << "its broker has not started";
    int status = 0;
    EXPECT_EQ(waitpid(other_test, &status, 0), other_test);
    EXPECT_TRUE(WIFSIGNALED(status));
    pollfd ended{held[0], POLLIN, 0};
    EXPECT_EQ(poll(&ended, 1, 30'000), 1) << "its broker still runs";
    EXPECT_EQ(read(held[0], &word, 1), 0);
    close(held[0]);
    std::filesystem::remove_all(folder);
}

TEST(MosquittoOfTests, leaves_no_folder_where_it_does_not_start) {
    std::string folder = std::filesystem::temp_directory_path() / "culex-unstarted-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    const char* const given = std::getenv("TMPDIR");
    const std::string before = given ? given : "";
    setenv("TMPDIR", folder.c_str(), 1);
    EXPECT_THROW(Mosquitto(Mosquitto::Access::anonymous, "no_such_option true\n"), std::runtime_error);
    given ? setenv("TMPDIR", before.c_str(), 1) : unsetenv("TMPDIR");
    EXPECT_TRUE(std::filesystem::is_empty(folder));
    std::filesystem::remove_all(folder);
}

} // namespace
} // namespace culex

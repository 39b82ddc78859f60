// The broker of these tests itself.

#include <csignal>
#include <cstdlib>
#include <filesystem>
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
        const Mosquitto mosquitto;
        static_cast<void>(write(held[1], "r", 1));
        std::raise(SIGKILL);
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

} // namespace
} // namespace culex

// The main of a fuzz target that is built as an ordinary test: gives it every file of the folders and files that it is told,
// in the order of their names. A finding ends the program; a folder without a file fails, because nothing was shown then.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "fuzz/fuzz.hpp"

namespace {

std::vector<std::filesystem::path> files_of(const std::filesystem::path& place) {
    if (!std::filesystem::is_directory(place)) return {place};
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(place)) {
        if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::ranges::sort(files);
    return files;
}

bool replay(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> read{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file) return false;
    // A block of exactly its size, where a sanitizer sees who reads past it.
    std::vector<std::uint8_t> bytes(read.begin(), read.end());
    fmt::print("{}: {} bytes\n", path.filename().string(), bytes.size());
    std::fflush(stdout); // it is the last line where this one is a finding
    return LLVMFuzzerTestOneInput(bytes.data(), bytes.size()) == 0;
}

} // namespace

int main(int count, char** arguments) {
    int replayed = 0;
    for (int at = 1; at < count; ++at) {
        for (const std::filesystem::path& path : files_of(arguments[at])) {
            if (!replay(path)) {
                fmt::print(stderr, "{} cannot be read\n", path.string());
                return 1;
            }
            ++replayed;
        }
    }
    if (replayed == 0) fmt::print(stderr, "no file to replay\n");
    return replayed == 0 ? 1 : 0;
}

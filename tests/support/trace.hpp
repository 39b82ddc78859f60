#pragma once
/// \file trace.hpp
/// A local that writes a letter into a log when it is destroyed: how tests see what was cancelled, and in which order.

#include <string>

namespace culex::testing {

class Trace {
public:
    Trace(std::string& log, char letter) noexcept : log_(log), letter_(letter) {}
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;
    ~Trace() { log_ += letter_; }

private:
    std::string& log_;
    char letter_;
};

} // namespace culex::testing

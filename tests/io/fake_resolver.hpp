#pragma once
/// \file fake_resolver.hpp
/// The C library's `getaddrinfo`, replaced for the whole test program: names under `.fake` get the addresses that a test
/// says, and can be made to take their time. All other names go to the real one.

#include <string>
#include <vector>

namespace culex::testing {

class FakeResolver {
public:
    FakeResolver() = default;
    FakeResolver(const FakeResolver&) = delete;
    FakeResolver& operator=(const FakeResolver&) = delete;
    ~FakeResolver(); ///< releases what it holds, and forgets its names

    /// What `name` resolves to, addresses in digits.
    void set(const std::string& name, std::vector<std::string> addresses);
    /// Lookups of `.fake` names begin, and do not end before `release`.
    void block();
    void release();
    /// Waits until `count` lookups have begun since `block`.
    void wait_for_lookups(int count);
};

} // namespace culex::testing

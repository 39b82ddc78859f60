#pragma once
// A process that may open nothing any more.

#include <sys/resource.h>

#include <gtest/gtest.h>

namespace culex::testing {

/// UndefinedBehaviorSanitizer looks at the first object of a class through a pipe, and takes it for none where it has no pipe.
#ifdef __SANITIZE_ADDRESS__
inline constexpr bool errors_need_descriptors = true;
#else
inline constexpr bool errors_need_descriptors = false;
#endif

/// While it lives the process gets no more descriptors.
class NoDescriptors {
public:
    NoDescriptors() {
        EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
        const rlimit nothing_new{0, before_.rlim_max};
        EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &nothing_new), 0);
    }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;
    ~NoDescriptors() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }

private:
    rlimit before_{};
};

} // namespace culex::testing

#include <culex/timeout.hpp>

#include <culex/error.hpp>

namespace culex::detail {

void TimeoutBase::throw_timed_out() { throw Error(Failure(Errc::timed_out)); }

} // namespace culex::detail

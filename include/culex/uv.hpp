#pragma once
/// \file uv.hpp
/// For programs that run a `uv_loop_t` of their own. The only header of Culex that includes libuv's.

#include <memory>

#include <uv.h>

#include <culex/loop.hpp>

namespace culex {

/// Works on `loop`, which the program goes on to run as it likes; its own handles and Culex's take turns. What Culex
/// adds keeps `uv_run` from returning only while something of it is under way (see `Loop::run`, which may be called
/// too).
///
/// To be called, and destroyed, on the loop's thread, not inside a callback of Culex. The destructor begins to close a few
/// handles; they end when the loop has turned once more, and a name lookup that was called off when the resolver lets
/// go of it. So, at the end:
///
///     adopted.reset();
///     uv_run(&loop, UV_RUN_DEFAULT); // before it, uv_loop_close gives UV_EBUSY
///     uv_loop_close(&loop);
///
/// Nothing of these refers to the destroyed `Loop`. Throws `Error` where the process is out of descriptors.
[[nodiscard]] std::unique_ptr<Loop> adopt(uv_loop_t* loop);

/// The libuv loop beneath, for handles of the program's own. It is to be run with `Loop::run` where Culex owns it; then
/// close your handles (`uv_close`) and run the loop once more before it is destroyed (debug builds assert it): a
/// handle's memory is libuv's until its close callback.
[[nodiscard]] uv_loop_t* native(Loop& loop) noexcept;

} // namespace culex

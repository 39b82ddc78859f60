#pragma once
/// \file culex.hpp
/// All of Culex but what must be asked for by name: uv.hpp, for programs with a libuv loop of their own, and testing/.

#include <culex/async_client.hpp>
#include <culex/authenticator.hpp>
#include <culex/channel.hpp>
#include <culex/client.hpp>
#include <culex/event.hpp>
#include <culex/log.hpp>
#include <culex/loop.hpp>
#include <culex/nursery.hpp>
#include <culex/payload.hpp>
#include <culex/request.hpp>
#include <culex/scram.hpp>
#include <culex/signal_set.hpp>
#include <culex/task.hpp>
#include <culex/timeout.hpp>
#include <culex/tls.hpp>
#include <culex/topic.hpp>
#include <culex/websocket.hpp>
#include <culex/when_any.hpp>

#include "io/fake_resolver.hpp"

#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>

#include <dlfcn.h>
#include <netdb.h>

namespace culex::testing {
namespace {

struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::string, std::vector<std::string>> names;
    bool blocked = false;
    int begun = 0;
};

State& state() {
    static State only;
    return only;
}

using Getaddrinfo = int (*)(const char*, const char*, const addrinfo*, addrinfo**);

Getaddrinfo real_getaddrinfo() {
    static const auto real = reinterpret_cast<Getaddrinfo>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    return real;
}

std::vector<std::string> addresses_of(const std::string& name) {
    State& shared = state();
    std::unique_lock lock(shared.mutex);
    ++shared.begun;
    shared.changed.notify_all();
    shared.changed.wait(lock, [&] { return !shared.blocked; });
    const auto found = shared.names.find(name);
    return found == shared.names.end() ? std::vector<std::string>{} : found->second;
}

/// The C library frees a list one by one, so lists may be joined.
int resolve(const std::string& name, const char* service, const addrinfo* hints, addrinfo** result) {
    *result = nullptr;
    addrinfo** end = result;
    for (const std::string& address : addresses_of(name)) {
        addrinfo digits = *hints;
        digits.ai_flags |= AI_NUMERICHOST;
        if (real_getaddrinfo()(address.c_str(), service, &digits, end) != 0) continue;
        while (*end) end = &(*end)->ai_next;
    }
    return *result ? 0 : EAI_NONAME;
}

} // namespace

FakeResolver::~FakeResolver() {
    release();
    const std::scoped_lock lock(state().mutex);
    state().names.clear();
}

void FakeResolver::set(const std::string& name, std::vector<std::string> addresses) {
    const std::scoped_lock lock(state().mutex);
    state().names[name] = std::move(addresses);
}

void FakeResolver::block() {
    const std::scoped_lock lock(state().mutex);
    state().blocked = true;
    state().begun = 0;
}

void FakeResolver::release() {
    const std::scoped_lock lock(state().mutex);
    state().blocked = false;
    state().changed.notify_all();
}

void FakeResolver::wait_for_lookups(int count) {
    std::unique_lock lock(state().mutex);
    state().changed.wait(lock, [&] { return state().begun >= count; });
}

} // namespace culex::testing

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** result) {
    const std::string name = node ? node : "";
    if (name.ends_with(".fake")) return culex::testing::resolve(name, service, hints, result);
    return culex::testing::real_getaddrinfo()(node, service, hints, result);
}

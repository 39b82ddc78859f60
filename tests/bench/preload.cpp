// LD_PRELOAD: counts what the C library is asked for memory, in all threads, and writes the number to the file that
// BENCH_ALLOCATIONS names when the process ends.
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

std::atomic<unsigned long long> count{0};

/// What `dlsym` itself asks for before it has found the others.
alignas(16) char early[65'536];
std::size_t early_used = 0;

void* early_allocate(std::size_t size) {
    void* const memory = early + early_used;
    early_used += (size + 15) / 16 * 16;
    return early_used <= sizeof early ? memory : nullptr;
}
bool is_early(const void* memory) { return memory >= early && memory < early + sizeof early; }

template <class F> F* real(const char* name) {
    void* const found = dlsym(RTLD_NEXT, name);
    F* function = nullptr;
    std::memcpy(&function, &found, sizeof function);
    return function;
}
void counted() { count.fetch_add(1, std::memory_order_relaxed); }

[[gnu::destructor]] void report() {
    const char* const path = std::getenv("BENCH_ALLOCATIONS");
    if (!path) return;
    char text[32];
    const int size = std::snprintf(text, sizeof text, "%llu\n", count.load());
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0) return;
    [[maybe_unused]] const ssize_t written = write(file, text, static_cast<std::size_t>(size));
    close(file);
}

} // namespace

extern "C" {

void* malloc(std::size_t size) {
    static auto* const next = real<void*(std::size_t)>("malloc");
    counted();
    return next(size);
}
void* calloc(std::size_t number, std::size_t size) {
    static bool looking = false;
    static void* (*next)(std::size_t, std::size_t) = nullptr;
    if (!next) {
        if (looking) return early_allocate(number * size);
        looking = true;
        next = real<void*(std::size_t, std::size_t)>("calloc");
    }
    counted();
    return next(number, size);
}
void* realloc(void* memory, std::size_t size) {
    static auto* const next = real<void*(void*, std::size_t)>("realloc");
    counted();
    return next(memory, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
    static auto* const next = real<void*(std::size_t, std::size_t)>("aligned_alloc");
    counted();
    return next(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
    static auto* const next = real<int(void**, std::size_t, std::size_t)>("posix_memalign");
    counted();
    return next(memory, alignment, size);
}
void free(void* memory) {
    static auto* const next = real<void(void*)>("free");
    if (!is_early(memory)) next(memory);
}
}

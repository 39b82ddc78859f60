#pragma once
/// \file handle.hpp
/// The owners of what the system gives: a libuv handle, a file descriptor.

#include <memory>
#include <utility>

#include <unistd.h>
#include <uv.h>

namespace culex::io {

/// Owns a libuv handle. libuv goes on using a handle's memory until its close callback, on a later turn of the loop: so the
/// memory is on the heap, is freed by that callback, and survives this object. After `close` nothing is called any more.
template <class H> class Handle {
public:
    Handle() = default;
    Handle(Handle&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Handle& operator=(Handle&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Handle() { close(); }

    /// Makes the handle with `init(H*)`, and returns what that returned: 0, or libuv's error.
    template <class Init> [[nodiscard]] int open(void* owner, Init init) {
        auto fresh = std::make_unique<H>();
        if (const int error = init(fresh.get())) return error;
        fresh->data = owner;
        close();
        handle_ = fresh.release();
        return 0;
    }
    void close() noexcept {
        if (!handle_) return;
        handle_->data = nullptr;
        uv_close(base(), [](uv_handle_t* closed) { delete reinterpret_cast<H*>(closed); });
        handle_ = nullptr;
    }

    explicit operator bool() const noexcept { return handle_ != nullptr; }
    [[nodiscard]] H* get() const noexcept { return handle_; }
    [[nodiscard]] uv_handle_t* base() const noexcept { return reinterpret_cast<uv_handle_t*>(handle_); }
    /// Whom its callbacks find in `data`.
    void set_owner(void* owner) noexcept { handle_->data = owner; }

private:
    H* handle_ = nullptr;
};

class FileDescriptor {
public:
    explicit FileDescriptor(int number = -1) noexcept : number_(number) {}
    FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~FileDescriptor() {
        if (number_ >= 0) ::close(number_);
    }

    explicit operator bool() const noexcept { return number_ >= 0; }
    [[nodiscard]] int number() const noexcept { return number_; }

private:
    int number_;
};

} // namespace culex::io

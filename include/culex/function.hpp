#pragma once
/// \file function.hpp
/// A callable of any kind behind one type: what `<functional>` calls a move-only function, at the price of a small header.

#include <cassert>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace culex {

template <class Signature> class Function;

/// Owns a callable, which need not be copyable. Callables of up to six pointers' size live inside, larger ones on the heap.
/// To call an empty function is a mistake (asserted).
template <class R, class... Args> class Function<R(Args...)> {
    template <class F>
    static constexpr bool accepts = !std::is_same_v<F, Function> && std::is_invocable_r_v<R, F&, Args...>;

public:
    Function() noexcept = default;
    Function(std::nullptr_t) noexcept {}
    /// A null pointer to a function makes an empty function.
    template <class F>
        requires(accepts<std::decay_t<F>>)
    Function(F&& callable) {
        using Callable = std::decay_t<F>;
        if constexpr (std::is_pointer_v<std::remove_cvref_t<F>>) {
            if (!callable) return;
        }
        if constexpr (fits<Callable>) {
            std::construct_at(reinterpret_cast<Callable*>(storage_), std::forward<F>(callable));
            invoke_ = [](std::byte* storage, Args&&... args) -> R {
                return call(*at<Callable>(storage), std::forward<Args>(args)...);
            };
            manage_ = [](std::byte* from, std::byte* to) noexcept {
                Callable* const callable_there = at<Callable>(from);
                if (to) std::construct_at(reinterpret_cast<Callable*>(to), std::move(*callable_there));
                std::destroy_at(callable_there);
            };
        } else {
            std::construct_at(reinterpret_cast<Callable**>(storage_), new Callable(std::forward<F>(callable)));
            invoke_ = [](std::byte* storage, Args&&... args) -> R {
                return call(**at<Callable*>(storage), std::forward<Args>(args)...);
            };
            manage_ = [](std::byte* from, std::byte* to) noexcept {
                Callable* const elsewhere = *at<Callable*>(from);
                if (to) {
                    std::construct_at(reinterpret_cast<Callable**>(to), elsewhere);
                } else {
                    delete elsewhere;
                }
            };
        }
    }
    Function(Function&& other) noexcept { take(other); }
    Function& operator=(Function&& other) noexcept {
        if (this == &other) return *this;
        reset();
        take(other);
        return *this;
    }
    ~Function() { reset(); }

    /// Whether there is something to call.
    explicit operator bool() const noexcept { return invoke_ != nullptr; }
    /// Calls it; what it throws comes through.
    // NOLINTNEXTLINE(performance-unnecessary-value-param): the signature is the user's
    R operator()(Args... args) {
        assert(invoke_ && "culex::Function: called while empty");
        return invoke_(storage_, std::forward<Args>(args)...);
    }

private:
    static constexpr std::size_t room = 6 * sizeof(void*);
    template <class Callable>
    static constexpr bool fits = sizeof(Callable) <= room && alignof(Callable) <= alignof(std::max_align_t) &&
                                 std::is_nothrow_move_constructible_v<Callable>;

    using Invoke = R (*)(std::byte* storage, Args&&... args);
    /// Moves the callable to `to`, or destroys it where that is null. Nothing is left at `from`.
    using Manage = void (*)(std::byte* from, std::byte* to) noexcept;

    template <class T> static T* at(std::byte* storage) noexcept { return std::launder(reinterpret_cast<T*>(storage)); }
    template <class Callable> static R call(Callable& callable, Args&&... args) {
        if constexpr (std::is_void_v<R>) {
            callable(std::forward<Args>(args)...); // whatever it returns
        } else {
            return callable(std::forward<Args>(args)...);
        }
    }

    void take(Function& other) noexcept {
        if (other.manage_) other.manage_(other.storage_, storage_);
        invoke_ = std::exchange(other.invoke_, nullptr);
        manage_ = std::exchange(other.manage_, nullptr);
    }
    void reset() noexcept {
        invoke_ = nullptr;
        // First forgotten, then destroyed: the destructor of what was captured may look here.
        if (const Manage manage = std::exchange(manage_, nullptr)) manage(storage_, nullptr);
    }

    alignas(std::max_align_t) std::byte storage_[room];
    Invoke invoke_ = nullptr;
    Manage manage_ = nullptr;
};

} // namespace culex

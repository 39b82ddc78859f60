// The exchange from the authenticator's side, and what it is for the core: part of an attempt, or of a connection.
#include "client/authentication.hpp"

#include <exception>
#include <utility>

#include <fmt/format.h>

#include "base/duration.hpp"
#include "client/core.hpp"

namespace culex::client {

Failure failure_of(const std::exception_ptr& thrown, std::string_view who, Errc otherwise) {
    if (!thrown) return Failure();
    try {
        std::rethrow_exception(thrown);
    } catch (const Error& error) {
        return error.failure();
    } catch (const std::exception& error) {
        return Failure(otherwise, fmt::format("{}: {}", who, error.what()));
    } catch (...) {
        return Failure(otherwise, fmt::format("{} threw something", who));
    }
}

/// Plain functions that make tasks, and throw, are called in here too.
Task<> Authentication::run(Authenticator& authenticator, Authentication& self) {
    std::string first = co_await authenticator.begin();
    self.answer_ = std::move(first);
    for (;;) {
        self.changed_.notify();
        while (!self.words_) co_await self.heard_.wait();
        const Words words = *std::exchange(self.words_, std::nullopt);
        if (words.last) {
            co_await authenticator.success(as_bytes(words.data));
            co_return;
        }
        std::string answer = co_await authenticator.challenge(as_bytes(words.data));
        self.answer_ = std::move(answer);
    }
}

void Authentication::hear(const session::Event& event) {
    words_ = Words{event.details->authentication_data, event.reason_code == ReasonCode::success};
    heard_.notify();
}

Failure Authentication::failure() const {
    return failure_of(exception(), "authenticator", Errc::authentication_failed);
}

// --- within an attempt

/// The method's first word, for CONNECT.
Task<Failure> Core::begin_authentication() {
    if (!settings_.plain().authenticator) co_return Failure();
    start_authentication();
    for (;;) {
        if (auto first = authentication_->take_answer()) {
            first_word_.use() = *std::move(first);
            co_return Failure();
        }
        if (authentication_->done()) co_return authentication_->failure();
        if (Failure why = interrupted("word from the authenticator", Phase::none)) co_return why;
        co_await changed_.wait();
    }
}

void Core::start_authentication() {
    authentication_ = std::make_unique<Authentication>(*settings_.plain().authenticator, changed_);
    authentication_->start(runtime_);
}

/// An event of AUTH.
void Core::hear(const session::Event& event) {
    if (authentication_) authentication_->hear(event);
    if (session_.verifying()) link_->hold_reading(true);
}

/// Brings what the authenticator says to the broker. A failure is the end of the link, which the broker has been told.
Failure Core::exchange_words() {
    Failure why;
    if (authentication_->done()) {
        why = authentication_->failure();
    } else if (auto answer = authentication_->take_answer()) {
        why = session_.authenticate(as_bytes(*answer)).failure();
    }
    if (why) return reject(std::move(why));
    link_->output_arrived();
    return Failure();
}

Failure Core::reject(Failure why) {
    session_.reject_authentication(why);
    link_->hold_reading(false);
    link_->flush();
    return session_.failure() ? session_.failure() : why; // DISCONNECT may have gone before
}

/// One step between CONNECT and the link's beginning.
Failure Core::authenticate() {
    if (!authentication_) return Failure();
    if (Failure why = exchange_words()) return why;
    if (!authentication_->done()) return Failure();
    authentication_.reset();
    session_.accept(runtime_.now());
    link_->hold_reading(false);
    link_->session_changed();
    return Failure();
}

// --- on a connection

void Core::reauthenticate(ReauthenticateOperation& operation) {
    if (Failure why = not_open()) return fail(operation, std::move(why));
    if (!settings_.plain().authenticator)
        return fail(operation, Failure(Errc::not_supported, "ClientOptions::authenticator: there is none"));
    if (state_ != ConnectionState::connected || !session_.connected())
        return fail(operation, Failure(Errc::not_connected, "the next connection authenticates anew"));
    asked_again_.use().waiting.push_back(operation.place_);
    changed_.notify();
}

/// One step; a failure is the end of the connection.
Failure Core::reauthenticate() {
    if (!authentication_) {
        if (!asked_again_ || asked_again_->waiting.empty() || state_ == ConnectionState::disconnecting)
            return Failure();
        // Who asks from now on wants another one: what he would have renewed comes too late for this.
        while (auto* place = asked_again_->waiting.pop_front()) asked_again_->under_way.push_back(*place);
        begins_again_ = true;
        start_authentication();
        runtime_.arm_after(alarm_, bounded(settings_.plain().connect_timeout));
        return Failure();
    }
    if (begins_again_) {
        begin_again();
        return Failure();
    }
    if (!alarm_.armed()) return reject(interrupted("end of the authentication", Phase::session));
    if (Failure why = exchange_words()) return why;
    if (authentication_->done()) authenticated(Failure());
    return Failure();
}

/// Until the first word is out, the broker knows of nothing, and the connection stays as it is.
void Core::begin_again() {
    Failure why;
    if (auto first = authentication_->take_answer()) {
        begins_again_ = false;
        why = session_.reauthenticate(as_bytes(*first)).failure();
        if (!why) {
            link_->output_arrived();
            return update_reading(); // its answer is waited for
        }
    } else if (authentication_->done()) {
        why = authentication_->failure();
    } else if (!alarm_.armed()) {
        why = interrupted("word from the authenticator", Phase::none);
    }
    if (why) authenticated(why);
}

/// The authentication on a connection has ended.
void Core::authenticated(const Failure& why) {
    authentication_.reset();
    alarm_.disarm();
    if (!asked_again_->waiting.empty()) changed_.notify();
    while (auto* place = asked_again_->under_way.pop_front()) {
        if (why) place->operation.failure_ = why;
        place->operation.finish();
    }
    update_reading();
}

void Core::authentication_lost(const Failure& why) {
    if (!asked_again_) return;
    fail_all(asked_again_->under_way, why);
    fail_all(asked_again_->waiting, why);
}

} // namespace culex::client

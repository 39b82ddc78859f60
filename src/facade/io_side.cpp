#include "facade/io_side.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "client/arguments.hpp"

namespace culex::facade {
namespace {

/// How long after its deadline a `disconnect` still waits for DISCONNECT to leave, and the broker to close the connection.
constexpr auto grace = std::chrono::milliseconds{250};

bool wants_room(const Failure& failure) noexcept {
    return failure == Errc::queue_full || failure == Errc::no_packet_id;
}

} // namespace

IoSide::~IoSide() {
    core_.reset();
    const Failure closed(Errc::closed, "the client was destroyed");
    engine_.take_requests(pending_);
    fail_pending(closed);
    answer_all(failed_, closed);
    answer_all(attempts_, closed);
    answer_all(disconnects_, closed);
}

// --- connections

void IoSide::connect(ConnectRequest& request, Answer& answer) {
    if (const Failure why = refuse_connect()) return engine_.answer(answer, why);
    if (!idle()) {
        replacing_ = true;
        core_->halt(Failure(Errc::cancelled, "connect was called"));
        replacing_ = false;
    }
    engine_.begin(request);
    if (core_) {
        configure();
    } else {
        const Profile profile = engine_.profile();
        client::Observer* const observer = this;
        authenticator_ = profile.settings.authenticator;
        core_ = std::make_unique<client::Core>(loop_, profile.options(), observer);
    }
    const Failure why = core_->connect(std::vector{request.endpoint}, {}, keep_messages_);
    if (why) return engine_.answer(answer, why);
    ever_connected_ = false;
    attempts_.push_back(&answer);
    serve();
}

/// A reconnection that nobody waits for is replaced; everything else is in the way.
Failure IoSide::refuse_connect() const {
    if (idle()) return Failure();
    if (closing_) return Failure(Errc::already_connected, "the client is still disconnecting");
    if (connected_) return Failure(Errc::already_connected, "the client is connected");
    if (!attempts_.empty() || !failed_.empty())
        return Failure(Errc::already_connected, "the client is connecting already");
    return Failure();
}

void IoSide::configure() {
    if (!core_) return;
    const Profile profile = engine_.profile();
    core_->configure(profile.options());
}

void IoSide::reconnect(Answer& answer) {
    if (!core_ || !ever_connected_) return engine_.answer(answer, Failure(Errc::not_connected, "call connect first"));
    if (closing_) return engine_.answer(answer, Failure(Errc::not_connected, "the client is disconnecting"));
    attempts_.push_back(&answer);
    if (idle()) {
        core_->restart();
        serve();
    } else if (core_->state() != ConnectionState::connecting) { // there an attempt is under way
        core_->reconnect();
    }
    // The hook itself may have called, or whoever the hook waits for.
    if (engine_.runs_before_reconnect()) open_gate();
}

void IoSide::on_connected(bool) {
    connected_ = ever_connected_ = keep_messages_ = true;
    engine_.connected(attempts_);
    hand_over();
}

/// A turn later it is known whether the client gives up at once, which is all that is told then.
void IoSide::on_lost(const Failure& why) {
    connected_ = false;
    engine_.not_connected();
    hand_over();
    if (closing_) return;
    engine_.note_failure(why);
    lost_ = why;
    loop_.post(tell_lost_);
}

void IoSide::tell_lost() {
    if (lost_) engine_.lost(std::exchange(lost_, {}));
}

void IoSide::on_before_attempt() {
    tell_lost();
    gate_is_closed_ = !closing_ && engine_.ask_before_attempt(++attempt_);
    if (!gate_is_closed_) core_->proceed();
}

void IoSide::proceed(std::uint64_t attempt) {
    if (attempt == attempt_) open_gate();
}

void IoSide::open_gate() {
    if (std::exchange(gate_is_closed_, false)) core_->proceed();
}

/// Whoever has asked is told when the core knows whether it goes on trying: a turn later.
void IoSide::on_attempt_failed(const Failure& why) {
    hand_over();
    if (!closing_) engine_.note_failure(why);
    attempt_failure_ = why;
    failed_.insert(failed_.end(), attempts_.begin(), attempts_.end());
    attempts_.clear();
    loop_.post(tell_failed_);
}

void IoSide::on_stopped(const Failure& why) {
    const bool gives_up = why && ever_connected_ && !closing_ && !replacing_;
    connected_ = gate_is_closed_ = false;
    engine_.not_connected();
    lost_ = {};
    if (closing_) keep_messages_ = false;
    closing_ = draining_ = false;
    alarm_.disarm();
    const Failure ended = why ? why : Failure(Errc::not_connected, "the client has disconnected");
    engine_.stopped(why, gives_up);
    hand_over();
    engine_.take_requests(pending_);
    fail_pending(ended, keep_messages_);
    tell_failed();
    answer_all(attempts_, ended);
    const std::size_t undelivered = core_->undelivered() + pending_.size() + std::exchange(unserved_, 0);
    if (undelivered > 0) log(LogLevel::warning, "{} messages and requests are not acknowledged", undelivered);
    for (Answer* answer : std::exchange(disconnects_, {})) engine_.answer(*answer, Failure(), undelivered);
}

void IoSide::answer_all(std::vector<Answer*>& answers, const Failure& failure) {
    for (Answer* answer : std::exchange(answers, {})) engine_.answer(*answer, failure);
}

// --- the end of a connection

void IoSide::disconnect(const DisconnectOptions& options, TimePoint deadline, Answer& answer) {
    if (idle()) return engine_.answer(answer, Failure(), core_ ? core_->session().outstanding() + pending_.size() : 0);
    disconnects_.push_back(&answer);
    if (std::exchange(closing_, true)) return;
    deadline_ = deadline;
    farewell_ = client::farewell(options);
    loop_.arm(alarm_, deadline);
    open_gate();
    serve();
}

void IoSide::drain() {
    if (std::exchange(draining_, true)) return;
    const Duration left = std::max(deadline_ - loop_.now(), Duration::zero());
    core_->disconnect(farewell_, std::chrono::ceil<std::chrono::milliseconds>(left));
}

/// First what waits for room is given up, and the core sends DISCONNECT; then the core itself.
void IoSide::deadline_passed() {
    if (loop_.now() >= deadline_ + grace) return core_->halt(Failure(Errc::timed_out, "the broker did not let go"));
    fail_pending(Failure(Errc::closed, "disconnect was called, and there was no room in time"));
    drain();
    loop_.arm(alarm_, deadline_ + grace);
}

// --- requests

void IoSide::serve() {
    engine_.take_requests(pending_);
    work();
}

void IoSide::work() {
    if (idle()) return; // what is kept waits for the next connection
    std::size_t count = 0;
    std::size_t bytes = 0;
    while (!pending_.empty()) {
        const std::size_t size = pending_.front().size();
        if (!perform(pending_.front())) break;
        pending_.pop_front();
        ++count;
        bytes += size;
    }
    engine_.served(served_, count, bytes, !pending_.empty(), loan());
    if (closing_ && pending_.empty()) drain();
}

/// False where the request has to wait for room, and with it all that are behind it.
bool IoSide::perform(Request& request) {
    const bool is_message = request.message != nullptr;
    Result<PacketId> result = is_message ? core_->submit(request.message) : (*request.answer->verb)(*core_);
    if (!result && wants_room(result.failure())) {
        const bool refuse = engine_.refuses_when_full() && request.answer;
        if (!refuse) return false;
        engine_.count_refused();
    }
    if (!result) forgo_id(request);
    if (request.answer) {
        lends_ = lends_ || is_message;
        served_.push_back({request.answer, std::move(result)});
    } else if (!result && result.failure() != Errc::dropped) { // of that the session tells
        log(LogLevel::warning, "a message was dropped: {}", result.failure().message());
    }
    return true;
}

/// No message goes out under it.
void IoSide::forgo_id(const Request& request) noexcept {
    if (core_ && request.message && request.message->id != 0) core_->forgo_id(request.message->id);
}

/// `keep_promised`: not the messages whose mid the caller has already, for which the next connection is as good.
void IoSide::fail_pending(const Failure& why, bool keep_promised) {
    std::size_t bytes = 0;
    std::size_t count = 0;
    for (std::size_t left = pending_.size(); left > 0; --left) {
        Request request = pending_.take_front();
        if (keep_promised && request.message && !request.answer && request.message->id != 0) {
            pending_.push_back(std::move(request));
            continue;
        }
        ++count;
        bytes += request.size();
        forgo_id(request);
        if (request.answer) {
            served_.push_back({request.answer, why});
        } else {
            ++unserved_;
        }
    }
    engine_.served(served_, count, bytes, false, loan());
}

/// None before somebody has waited for an identifier: few clients want it, and theirs begin with 1.
Loan IoSide::loan() {
    if (!core_ || !lends_) return {};
    const auto& ids = core_->lend_ids(RequestQueue::most);
    const auto room = core_->session().room();
    return {ids.first, ids.end, room.messages, room.bytes, core_->session().limits()};
}

void IoSide::on_room() {
    if (!pending_.empty()) loop_.post(work_);
}

// --- packets

/// They are handed over together, and those of a new connection not before it is known to be one: `after_connect` goes first.
void IoSide::on_event(session::Event&& event) {
    const bool nobody_waits = event.delivery.sequence == 0; // for its acknowledgement
    const bool report = !event.message;
    if (nobody_waits && (above_hard_ || (report && above_soft_ && !engine_.looping()))) return engine_.count_dropped();
    held_.add(cost(event));
    events_.push_back(std::move(event));
    core_->set_held(held_.packets, held_.bytes);
    if (connected_) loop_.post(hand_over_);
}

void IoSide::hand_over() {
    engine_.events().push(events_, held_, engine_.soft_limit());
    look_at_held();
}

void IoSide::collect() {
    engine_.events().collect(done_, held_, engine_.soft_limit());
    look_at_held();
    for (const session::Delivery& delivery : done_) core_->acknowledge(delivery);
}

void IoSide::refuse(const session::Delivery& delivery, const Refusal& refusal) {
    const std::vector<UserProperty> user = refusal.words.views();
    AckProperties why{.user_properties = user};
    if (!refusal.words.reason_string.empty()) why.reason_string = refusal.words.reason_string;
    core_->acknowledge(delivery, refusal.reason_code, &why);
}

/// Only what is read while too much waits already is dropped: one read may pass the limits, and lose nothing.
void IoSide::look_at_held() {
    above_soft_ = held_.above(engine_.soft_limit());
    above_hard_ = held_.above(engine_.hard_limit());
    core_->set_held(held_.packets, held_.bytes);
}

void IoSide::statistics(Statistics& to, Answer& answer) {
    if (core_) to = core_->statistics();
    to.outbound.waiting_for_room += pending_.size();
    engine_.answer(answer, Failure());
}

} // namespace culex::facade

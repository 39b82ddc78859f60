// Delta debugging.
#include "model/shrink.hpp"

#include <algorithm>

namespace culex::model {
namespace {

class Shrinker {
public:
    Shrinker(Program program, Fails fails, std::size_t tries)
        : best_(std::move(program)), fails_(fails), left_(tries) {}

    Program shrink() {
        for (bool smaller = true; smaller && left_ > 0;) {
            smaller = drop_steps();
            smaller = calm_setting() || smaller;
            smaller = lessen_numbers() || smaller;
        }
        return best_;
    }

private:
    bool keep(Program smaller) {
        if (left_ == 0) return false;
        --left_;
        if (!fails_(smaller)) return false;
        best_ = std::move(smaller);
        return true;
    }
    bool drop_steps() {
        bool any = false;
        for (std::size_t chunk = std::max<std::size_t>(best_.steps.size() / 2, 1); chunk > 0; chunk /= 2) {
            for (std::size_t at = best_.steps.size(); at > 0;) { // from the end: later steps hang on earlier ones
                const std::size_t begin = at - std::min(at, chunk);
                Program smaller = best_;
                smaller.steps.erase(smaller.steps.begin() + static_cast<std::ptrdiff_t>(begin),
                                    smaller.steps.begin() + static_cast<std::ptrdiff_t>(at));
                any |= keep(std::move(smaller));
                at = begin;
            }
        }
        return any;
    }
    bool calm_setting() {
        bool any = false;
        const Setting usual;
        for (const SettingName& row : setting_names) {
            const bool calm = best_.setting.*row.member == usual.*row.member;
            if (calm || row.member == &Setting::world) continue;
            Program smaller = best_;
            smaller.setting.*row.member = usual.*row.member;
            any |= keep(std::move(smaller));
        }
        return any;
    }
    bool lessen_numbers() {
        bool any = false;
        for (std::size_t at = 0; at < best_.steps.size(); ++at) {
            for (std::size_t i = 0; i < step_numbers; ++i) any |= lessen(at, i);
        }
        return any;
    }
    bool lessen(std::size_t at, std::size_t i) {
        bool any = false;
        const auto less = [&](std::uint32_t value) {
            Program smaller = best_;
            smaller.steps[at].n[i] = value;
            return keep(std::move(smaller));
        };
        const auto number = [&] { return best_.steps[at].n[i]; };
        if (number() > 0 && less(0)) return true;
        while (number() > 1 && less(number() / 2)) any = true;
        while (number() > 1 && less(number() - 1)) any = true;
        return any;
    }

    Program best_;
    Fails fails_;
    std::size_t left_;
};

} // namespace

Program shrink(Program program, Fails fails, std::size_t tries) {
    return Shrinker(std::move(program), fails, tries).shrink();
}

} // namespace culex::model

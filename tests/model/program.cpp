// Programs as text.
#include "model/program.hpp"

#include <algorithm>
#include <charconv>

namespace culex::model {
namespace {

struct OpName {
    std::string_view name;
    std::size_t numbers;
};
constexpr std::array<OpName, op_count> op_names{{
    {"publish", 4},   {"lent", 3},         {"subscribe", 2},      {"unsubscribe", 1},
    {"inject", 3},    {"ack", 1},          {"refuse", 1},         {"flush", 1},
    {"up", 1},        {"down", 1},         {"turn", 1},           {"time", 1},
    {"reading", 1},   {"cut", 1},          {"cut_up", 1},         {"cut_down", 1},
    {"open", 4},      {"lose", 0},         {"deny", 1},           {"expire", 0},
    {"skip", 1},      {"connect", 3},      {"disconnect", 2},     {"reconnect", 1},
    {"destroy", 1},   {"call_publish", 6}, {"call_subscribe", 6}, {"call_unsubscribe", 3},
    {"drop_call", 1}, {"listen", 3},       {"catch_all", 2},      {"take", 2},
    {"wait_next", 3}, {"put_back", 1},     {"drop_stream", 1},    {"cut_client", 1},
    {"fault", 4},     {"grant", 2},        {"refuse_connect", 1}, {"away", 1},
    {"hold", 1},
}};

/// Up to `end`, which goes as well.
std::string_view take(std::string_view& text, char end) {
    const std::size_t size = std::min(text.find(end), text.size());
    const std::string_view word = text.substr(0, size);
    text.remove_prefix(std::min(size + 1, text.size()));
    return word;
}

bool read(std::string_view word, std::uint32_t& number) {
    const auto read = std::from_chars(word.data(), word.data() + word.size(), number);
    return read.ec == std::errc{} && read.ptr == word.data() + word.size();
}

bool read_setting(std::string_view line, Setting& setting) {
    while (!line.empty()) {
        std::string_view word = take(line, ' ');
        const std::string_view name = take(word, '=');
        const auto* found = std::ranges::find(setting_names, name, &SettingName::name);
        if (found == setting_names.end() || !read(word, setting.*found->member)) return false;
    }
    return true;
}

bool read_step(std::string_view line, Step& step) {
    const std::string_view name = take(line, ' ');
    const auto* found = std::ranges::find(op_names, name, &OpName::name);
    if (found == op_names.end()) return false;
    step.op = static_cast<Op>(found - op_names.begin());
    for (std::size_t at = 0; !line.empty(); ++at) {
        if (at == found->numbers || !read(take(line, ' '), step.n[at])) return false;
    }
    return true;
}

} // namespace

std::string print(const Program& program) {
    std::string text = "setting";
    const Setting usual;
    for (const SettingName& row : setting_names) {
        const std::uint32_t value = program.setting.*row.member;
        if (value != usual.*row.member) text += " " + std::string(row.name) + "=" + std::to_string(value);
    }
    text += '\n';
    for (const Step& step : program.steps) {
        const OpName& row = op_names[static_cast<std::size_t>(step.op)];
        text += row.name;
        for (std::size_t at = 0; at < row.numbers; ++at) text += " " + std::to_string(step.n[at]);
        text += '\n';
    }
    return text;
}

std::optional<Program> parse(std::string_view text) {
    Program program;
    while (!text.empty()) {
        std::string_view line = take(text, '\n');
        while (line.starts_with(' ')) line.remove_prefix(1);
        if (line.empty()) continue;
        if (line.starts_with("setting")) {
            (void)take(line, ' ');
            if (!read_setting(line, program.setting)) return std::nullopt;
        } else if (!read_step(line, program.steps.emplace_back())) {
            return std::nullopt;
        }
    }
    return program;
}

} // namespace culex::model

# What Doxygen reads in place of a public header. It asks for words about everything; this gives it those that would be the
# same each time, so that the headers need not have them, and its warnings are about what a reader misses:
#
# - special members, and what `co_await` calls, are on no page, but for `await_resume`, which says what it gives;
# - a function right below another of its name, in the same paragraph, is an overload of it;
# - data members that MQTT itself names mean what they mean there;
# - a comment behind a member ends with its line: Doxygen would add to it what stands above the next.
#
# Lines stay where they are. It relies on the format of .clang-format.

BEGIN {
    names = "topic|payload|qos|retain|dup|client_id|clean_start|keep_alive|user_name|password|will|version|filter|packet_id"
    names = names "|reason_code|properties|user_properties|reason_string|content_type|correlation_data|no_local"
    names = names "|retain_as_published|retain_handling|session_expiry_interval|assigned_client_identifier"
    names = names "|response_information|server_reference|authentication_method|authentication_data"
    awaiters = "Push|Pop|Wait|Join|Awaiter|Sleep|Timeout|WhenAny|WhenAll|NextMessage|NextMessageInTime|NextConnectionEvent"
    named_by_mqtt = "[ &*](" names ")( = [^;]*|\\{[^;]*\\})?; *(//.*)?$"
}

function indent(line) {
    match(line, /^ */)
    return RLENGTH
}

# The name of what a line declares as a function; empty where it is none.
function function_name(line) {
    sub(/^ *(template <[^>]*> *)?(\[\[[a-z:]+\]\] *)?/, "", line)
    if (line !~ /^[A-Za-z_:].*\(/ || line ~ /^(if|for|while|return|switch|static_assert|requires|using|case)[ (]/) return ""
    sub(/\(.*/, "", line)
    sub(/.*[ &*]/, "", line)
    return line
}

function special(line) {
    if (line ~ /await_(ready|suspend)\(/ || line ~ / = delete;/ || line ~ /operator(=|==) *\(/) return 1
    if (line ~ /operator co_await/ || line ~ /^ *~[A-Z]/ || line ~ /^ *virtual ~[A-Z]/) return 1
    if (line ~ /^ *using promise_type/) return 1
    if (line ~ "^ *(explicit )?(" awaiters ")\\(") return 1
    match(line, /^ *(explicit )?[A-Z][A-Za-z0-9]*\(/)
    if (RLENGTH < 0) return 0
    class = substr(line, RSTART, RLENGTH - 1)
    sub(/^ *(explicit )?/, "", class)
    rest = substr(line, RSTART + RLENGTH)
    return index(rest, class "&&") == 1 || index(rest, "const " class "&") == 1 || rest ~ /^\) (noexcept )?= default;$/
}

# The words for a declaration that has none.
function words(line, name) {
    if (name == "await_resume") return "/** What `co_await` gives. */ "
    if (line ~ /static constexpr auto type/) return "/** Its number. */ "
    if (special(line)) return "/** \\private */ "
    if (name != "" && name == last_name && indent(line) == last_indent) return "/** \\overload */ "
    if (name == "" && line !~ /\);/ && line ~ named_by_mqtt) return "/** As MQTT has it. */ "
    return ""
}

{
    line = $0
    if (sub(/\/\/\/< /, "/**< ", line)) line = line " */"
    stripped = line
    sub(/^ */, "", stripped)
    if (held != "") { # a template's parameters, and now what it is
        depth = indent(held)
        if (line ~ /^ *requires/) {
            held = held "\n" line
            next
        }
        name = function_name(line)
        print documented ? held : words(line, name) held
        print line
        if (name != "") { last_name = name; last_indent = depth }
        held = ""
        documented = 0
        next
    }
    if (stripped == "") { last_name = ""; documented = 0; print line; next }
    if (stripped ~ /^\/\//) { documented = stripped ~ /^\/\/\//; print line; next }
    if (stripped ~ /^template <.*>$/) { held = line; next }
    name = function_name(line)
    print (documented || line ~ /\/\*\*</) ? line : words(line, name) line
    if (name != "" && (last_name == "" || indent(line) <= last_indent || documented)) {
        last_name = name
        last_indent = indent(line)
    }
    documented = 0
}
END { if (held != "") print held }

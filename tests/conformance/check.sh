#!/usr/bin/env bash
# Holds the table of statements to the standards' ids and to the tests that there are.
#
#   check.sh <table> <suite>=<program>...
#
# A program lists its tests itself (--gtest_list_tests). `<suite>=` without one is a suite that this configuration leaves
# out: what the table says of it is believed.
set -euo pipefail

table=$1
shift

# A line for each test, without the names of instantiations: "test <suite>/<Class>.<test>[/<parameter>]".
list_tests() {
    local given suite program
    for given in "$@"; do
        suite=${given%%=*}
        program=${given#*=}
        if [[ -z $program ]]; then
            echo "left_out $suite"
            continue
        fi
        echo "suite $suite"
        [[ -x $program ]] || { echo "refused: $program is not built" >&2; return 1; }
        "$program" --gtest_list_tests | awk -v suite="$suite" '
            { sub(/ *#.*/, "") }
            /^[^ ].*\.$/ { class = $0; sub(/^[^\/]*\/(.*\/)?/, "", class); next }
            /^  / { print "test " suite "/" class $1 }'
    done
}

tests=$(list_tests "$@")
awk -F ' *[|] *' '
function refuse(what) { print "refused: " what; refused = 1 }

# The version that a test is for by its name: of its parameter, or of its class; "" for both.
function version_of(test, last) {
    last = test
    if (sub(/^[^\/]*\/[^\/]*\//, "", last)) {
        if (last ~ /(^|_)v?3_1_1(_server|_client)?$/) return "3.1.1"
        if (last ~ /(^|_)v?5(_server|_client)?$/) return "5"
    }
    if (test ~ /^[^.]*311\./) return "3.1.1"
    if (test ~ /^[^.]*5\./) return "5"
    return ""
}
function note(name, version) {
    there[name] = 1
    if (version != "5") runs[name, "3.1.1"] = 1
    if (version != "3.1.1") runs[name, "5"] = 1
}
function ids_of(range, bounds, at, n) { # "3.1.2-1..4" or "M1..3"
    if (!match(range, /[0-9]+\.\.[0-9]+$/)) { list[version, range] = 1; return }
    at = substr(range, 1, RSTART - 1)
    split(substr(range, RSTART), bounds, /\.\./)
    for (n = bounds[1] + 0; n <= bounds[2] + 0; ++n) list[version, at n] = 1
}
function all_there(cell, names, count, i) {
    count = split(cell, names, /, */)
    for (i = 1; i <= count; ++i) if (!there[names[i]]) return 0
    return count > 0
}
function check_test(name, row) {
    suite = name
    sub(/\/.*/, "", suite)
    if (left_out[suite]) return
    if (!suites[suite]) return refuse(row ": there is no suite " suite " (" name ")")
    if (name ~ /\*$/) {
        start = substr(name, 1, length(name) - 1)
        for (test in all) if (index(test, start) == 1) note(name, version_of(test))
    }
    if (!there[name]) return refuse(row ": there is no test " name)
    if (!runs[name, $2]) refuse(row ": " name " does not run for this version")
}

FNR == NR { # what tests there are
    split($0, word, " ")
    if (word[1] == "left_out") left_out[word[2]] = 1
    if (word[1] == "suite") suites[word[2]] = 1
    if (word[1] != "test") next
    all[word[2]] = 1
    version = version_of(word[2])
    note(word[2], version)
    whole = word[2]
    if (sub(/^[^\/]*\/[^\/]*/, "", whole)) note(substr(word[2], 1, length(word[2]) - length(whole)), version)
    next
}
/^ids [0-9.]+:/ {
    split($0, word, " ")
    version = word[2]
    sub(/:/, "", version)
    for (i = 3; i in word; ++i) ids_of(word[i])
    next
}
/^#/ || /^$/ { next }
{
    row = $1 " of " $2
    if (NF != 4) { refuse("line " FNR " is no row of four cells: " $0); next }
    if (!(($2, $1) in list)) refuse(row ": no such statement")
    if (seen[$2, $1]++) refuse(row ": stands here twice")
    if ($3 != "client" && $3 != "server") refuse(row ": binds neither client nor server")
    sub(/ *-- .*/, "", $4)
    if ($4 ~ /^no test: *[^ ]/) { ++without; next }
    if (sub(/^open until: */, "", $4)) {
        if (!all_there($4)) { open[++opened] = row ": until there are " $4; next }
    }
    if ($4 ~ /^open: *[^ ]/) { open[++opened] = row ": " substr($4, 7); next }
    if ($4 == "" || $4 ~ /^(no test|open):/) { refuse(row ": no test, and no reason"); next }
    ++shown
    count = split($4, names, /, */)
    for (i = 1; i <= count; ++i) check_test(names[i], row)
}
END {
    for (id in list) {
        split(id, part, SUBSEP)
        if (part[2] !~ /^[Ms]/) ++numbered[part[1]]
        if (!seen[part[1], part[2]]) refuse(part[2] " of " part[1] ": is missing")
    }
    if (numbered["3.1.1"] != 141) refuse("MQTT 3.1.1 has 141 statements, not " numbered["3.1.1"] + 0)
    if (numbered["5"] != 251) refuse("MQTT 5 has 251 statements, not " numbered["5"] + 0)
    print shown + 0 " rows are shown by tests, " without + 0 " have none and say why, " opened + 0 " are open"
    for (i = 1; i <= opened; ++i) print "open: " open[i]
    exit refused
}' <(echo "$tests") "$table"

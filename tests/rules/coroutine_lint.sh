#!/usr/bin/env bash
# Refuses the uses of co_await that g++ 12 compiles wrongly without a warning (objects moved bitwise, then destroyed twice).
# What may stand around a co_await: a statement of its own, `auto x = co_await f(args);`, a condition, `co_return co_await`.
#
#   coroutine_lint.sh <tree> <folder for stamps> [files...]
#
# Looks at every file of src, include, examples and tests that uses co_await, or at the named files. A file that passed is
# not read again until it, a header or the queries change. CLANG_QUERY names another clang-query.
set -euo pipefail

tree=$(cd "$1" && pwd)
stamps=$2
shift 2
clang_query=${CLANG_QUERY:-clang-query-19}
rules=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$stamps"

command -v "$clang_query" >/dev/null || {
    echo "refused: $clang_query is missing (cmake/install-deps.sh check installs it)"
    exit 1
}

cd "$tree"
folders=()
for folder in include src examples tests; do
    [[ ! -d $folder ]] || folders+=("$folder")
done
sources() { # pattern of names...
    find "${folders[@]}" -path tests/rules/fixtures -prune -o -type f \( -name '*.hpp' "$@" \) -print | LC_ALL=C sort
}
common=$(sources | xargs -r sha256sum | cat - "$rules/coroutine_lint.query" "$rules/coroutine_lint.sh" | sha256sum)

lint() {
    local file=$1 stamp sum report
    stamp=$stamps/${file//\//_}.ok
    sum=$(echo "$common" | cat - "$file" | sha256sum)
    [[ ! -e $stamp || $(cat "$stamp") != "$sum" ]] || return 0
    if ! report=$("$clang_query" -f "$rules/coroutine_lint.query" "$file" -- -x c++ -std=c++20 -Iinclude -Isrc -Itests \
        -DCULEX_TLS=1 '-DCULEX_CERTIFICATES=""' -Wno-everything 2>&1) || grep -qE '(^|: )(fatal )?error: ' <<<"$report"; then
        echo "refused: $file: cannot be read"
        echo "$report" | head -20
        return 1
    fi
    if grep -q 'binds here' <<<"$report"; then
        sed -nE "s|^($tree/)?([^ :]+:[0-9]+):[0-9]+: note: \"([a-z_]+)\" binds here.*|refused: \2: \3|p" <<<"$report" |
            sort -u | grep . || echo "refused: $file: $report"
        return 1
    fi
    echo "$sum" >"$stamp"
}
export -f lint
export stamps rules common clang_query tree

files=("$@")
[[ $# -gt 0 ]] || mapfile -t files < <(sources -o -name '*.cpp' | xargs -r grep -lE '\bco_(await|return|yield)\b')
if [[ ${#files[@]} -gt 0 ]]; then
    # shellcheck disable=SC2016 # the inner shell expands it
    printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'lint "$1"' lint || {
        echo "g++ 12 miscompiles what is refused above: give the temporary a name before the co_await"
        exit 1
    }
fi
echo "${#files[@]} files with coroutines are safe"

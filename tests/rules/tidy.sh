#!/usr/bin/env bash
# Refuses what clang-tidy finds in src, examples and include; .clang-tidy has the checks, and for each that is off the reason.
#
#   tests/rules/tidy.sh [--all] [--tree <tree>] [files...]
#
# Looks at every .cpp of src and examples and at culex.hpp, or at the named files, each with the headers that it includes.
# A file that passed is not read again until it, one of those headers or the checks change; --all reads all. Stamps lie
# under build/tidy, as do the compile commands, which are those of the preset `clang`; a tree without presets is compiled in
# a plain way. CLANG_TIDY names another clang-tidy.
set -euo pipefail

tree=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
rules=$tree
all=no
while [[ ${1-} == --* ]]; do
    case $1 in
    --all) all=yes ;;
    --tree)
        tree=$(cd "$2" && pwd)
        shift
        ;;
    *)
        sed -n '2,9s/^# \?//p' "${BASH_SOURCE[0]}" >&2
        exit 2
        ;;
    esac
    shift
done
clang_tidy=${CLANG_TIDY:-clang-tidy-19}
build=$rules/build/tidy
stamps=$build/stamps$(sed "s|^$rules||; s|/|_|g" <<<"$tree")
config=$rules/.clang-tidy

command -v "$clang_tidy" >/dev/null || {
    echo "refused: $clang_tidy is missing (cmake/install-deps.sh check installs it)"
    exit 1
}
mkdir -p "$stamps"
cd "$tree"
if [[ -e CMakePresets.json ]]; then
    cmake --preset clang -B "$build" >"$build/configure.log" 2>&1 || {
        cat "$build/configure.log"
        echo "refused: it cannot be configured"
        exit 1
    }
    commands=$build
    after=
else
    commands=
    after="-- -std=c++20 -Iinclude -Isrc"
fi

common=$({
    "$clang_tidy" --version
    cat "$config" "$rules/tests/rules/tidy.sh"
    [[ ! -e CMakePresets.json ]] || cat CMakePresets.json
} | sha256sum)

tidy() {
    local sum=$1 file=$2 stamp report
    stamp=$stamps/${file//\//_}.ok
    [[ $all == yes || ! -e $stamp || $(cat "$stamp") != "$sum" ]] || return 0
    # The compilers' own warnings are refused where they compile; a newer clang has others, about g++'s library too.
    # shellcheck disable=SC2086 # words of options
    if report=$("$clang_tidy" --quiet ${commands:+-p "$commands"} --config-file="$config" --warnings-as-errors='*' \
        --extra-arg=-Wno-error "$file" $after 2>&1); then
        echo "$sum" >"$stamp"
        return 0
    fi
    sed -nE "s#^($tree/)?([^ :]+:[0-9]+):[0-9]+: (error|warning): .*\[([a-z0-9.-]+)[],].*#refused: \2: \4#p" <<<"$report" |
        sort -u | grep . || echo "refused: $file: cannot be read"
    grep -vE '^[0-9]+ warnings? (generated|treated as)' <<<"$report"
    return 1
}
export -f tidy
export stamps config clang_tidy tree all commands after

files=("$@")
if [[ $# -eq 0 ]]; then
    folders=()
    for folder in src examples; do
        [[ ! -d $folder ]] || folders+=("$folder")
    done
    mapfile -t files < <(find "${folders[@]}" -name '*.cpp' | LC_ALL=C sort)
    # Which has the public headers that nothing of ours needs.
    [[ ! -e include/culex/culex.hpp ]] || files+=(include/culex/culex.hpp)
fi
python3 -I "$rules/tests/rules/fingerprints.py" "$common" "${files[@]}" >"$stamps/wanted"
# shellcheck disable=SC2016 # the inner shell expands it
xargs -n 2 -P "$(nproc)" bash -c 'tidy "$@"' tidy <"$stamps/wanted" || {
    echo "what is refused above is mended, or stands with NOLINT(check): and a reason"
    exit 1
}
echo "${#files[@]} files are tidy"

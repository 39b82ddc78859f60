#!/usr/bin/env bash
# Refuses files that clang-format would change.
#
#   format.sh <tree> [clang-format]             refuses
#   format.sh --fix <tree> [clang-format]       changes them
set -euo pipefail

fix=no
if [[ $1 == --fix ]]; then
    fix=yes
    shift
fi
clang_format=${2:-clang-format-19}
command -v "$clang_format" >/dev/null || {
    echo "refused: $clang_format is missing (cmake/install-deps.sh check installs it)"
    exit 1
}

cd "$1"
folders=()
for folder in include src examples tests; do
    [[ ! -d $folder ]] || folders+=("$folder")
done
mapfile -t files < <(find "${folders[@]}" -path tests/rules/fixtures -prune -o -type f \( -name '*.hpp' -o -name '*.cpp' \) -print)
if [[ $fix == yes ]]; then
    printf '%s\0' "${files[@]}" | xargs -0 -r -n 20 -P "$(nproc)" "$clang_format" -i
    exit 0
fi

report=$(printf '%s\0' "${files[@]}" | xargs -0 -r -n 50 "$clang_format" --dry-run -Werror 2>&1) && {
    echo "${#files[@]} files are formatted"
    exit 0
}
sed -nE 's/^([^ :]+):[0-9]+:[0-9]+: error: .*-Wclang-format-violations.*/refused: \1: is not formatted/p' <<<"$report" |
    sort -u | grep . || echo "refused: $report"
echo "tests/rules/format.sh --fix . formats them"
exit 1

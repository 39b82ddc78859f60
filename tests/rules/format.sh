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

refused=0
for file in "${files[@]}"; do
    if ! "$clang_format" "$file" | cmp -s - "$file"; then
        echo "refused: $file: is not formatted"
        refused=$((refused + 1))
    fi
done
if [[ $refused -gt 0 ]]; then
    echo "tests/rules/format.sh --fix . formats them"
    exit 1
fi
echo "${#files[@]} files are formatted"

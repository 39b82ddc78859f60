#!/usr/bin/env bash
# Which lines and branches of each floor its tests run: builds, runs the suites, and prints a table. What is below 90 % of
# lines is named, and the functions that no test calls. The pages with every line are build/coverage/report/index.html.
#
#   tests/coverage.sh
#
# Branches that only an exception takes, and those that the compiler has added, are not counted.
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
build=$root/build/coverage
report=$build/report
cd "$root"

command -v gcovr >/dev/null || {
    echo "coverage.sh: gcovr is missing (cmake/install-deps.sh check installs it)" >&2
    exit 1
}
mkdir -p "$root/build/log" "$report"
quietly() { # name, command...
    local log=$root/build/log/coverage-$1.log
    shift
    "$@" >"$log" 2>&1 || {
        tail -40 "$log" >&2
        echo "coverage.sh: failed; all of it is in $log" >&2
        exit 1
    }
}

quietly configure cmake --preset coverage
quietly build cmake --build --preset coverage
# Counts are added to those of runs before, which may have been of other tests.
find "$build" -name '*.gcda' -delete
quietly tests ctest --preset coverage
quietly gcovr gcovr --root "$root" --object-directory "$build" -j "$(nproc)" \
    --filter "$root/src/" --filter "$root/include/culex/" --exclude-throw-branches --exclude-unreachable-branches \
    --json "$report/coverage.json" --json-summary "$report/summary.json" --html-details "$report/index.html" "$build"
python3 -I tests/coverage_table.py "$report"
echo "every line: $report/index.html"

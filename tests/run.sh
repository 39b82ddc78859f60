#!/usr/bin/env bash
# Installs what is missing, builds and runs every test. The last lines are ctest's own summary of the main run.
#
#   tests/run.sh [--quick]
#   tests/run.sh --fuzz SECONDS | --soak MINUTES | --coverage      one of these alone
#
# asan     every test under AddressSanitizer and UndefinedBehaviorSanitizer
# tsan     the tests that use threads, under ThreadSanitizer
# clang    clang 16 compiles the library, the examples and each public header alone, without a warning
# tidy     clang-tidy over the library, its headers and the examples
# fuzz     two minutes of fuzzing, the same ones each time
# dev      every test, the rules of the house, the coroutine lint, the format, the packaging (--quick: this alone)
set -uo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
cd "$root" || exit 1
quick=no
case ${1-} in
--quick) quick=yes ;;
--fuzz) exec tests/fuzz/run "${2:?--fuzz SECONDS}" ;;
--soak) exec tests/soak/run "${2:?--soak MINUTES}" ;;
--coverage) cmake/install-deps.sh && exec tests/coverage.sh ;;
'') ;;
*)
    sed -n '2,13s/^# \?//p' "$0" >&2
    exit 2
    ;;
esac

failed=()
# Runs a command with its output in a log; of a failure the end is shown, and the tests that ctest names there.
stage() { # name, command...
    local name=$1 log started=$SECONDS
    shift
    log=$root/build/log/${name// /-}.log
    mkdir -p "${log%/*}"
    printf '%-14s' "$name"
    if "$@" >"$log" 2>&1; then
        printf 'ok, %d s\n' $((SECONDS - started))
        return 0
    fi
    printf 'FAILED after %d s; the end of %s:\n' $((SECONDS - started)) "$log"
    # A compiler's errors stand above what was still running, a test's output above ctest's summary.
    grep -E 'error: |warning: .*\[-Werror|undefined reference|^FAILED: |\*\*\*|ERROR: |WARNING: ThreadSanitizer' "$log" |
        head -40
    tail -25 "$log"
    failed+=("$name")
    return 1
}

build() { # preset
    stage "$1 build" cmake_build "$1"
}
cmake_build() {
    cmake --preset "$1" && cmake --build --preset "$1" -- -k 0
}

cmake/install-deps.sh || exit 1
if [[ $quick == no ]]; then
    build asan && stage "asan tests" ctest --preset asan
    build tsan && stage "tsan tests" ctest --preset tsan
    build clang && stage tidy tests/rules/tidy.sh
    stage fuzz env CULEX_FUZZ_SEED=1 tests/fuzz/run 120
fi
if build dev; then
    # Named here too: the last lines are ctest's, and tell of this last run only.
    [[ ${#failed[@]} -eq 0 ]] || printf 'FAILED: %s\n' "${failed[@]}"
    ctest --preset dev | grep -v '^ *Start ' || failed+=("dev tests")
fi
if [[ ${#failed[@]} -gt 0 ]]; then
    printf 'FAILED: %s\n' "${failed[@]}" >&2
    exit 1
fi

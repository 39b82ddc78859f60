#!/usr/bin/env bash
# Installs what is missing, builds the library and runs examples/quickstart.cpp, against a broker inside the program or,
# with --broker mqtt://host:port, against a real one.
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
build=$root/build/quickstart
log=$build.log

"$root/cmake/install-deps.sh" build
mkdir -p "$root/build"
if ! {
    cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCULEX_BUILD_TESTS=OFF -DCULEX_PCH=ON &&
        cmake --build "$build" --target culex_example_quickstart
} >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
exec "$build/examples/culex_example_quickstart" "$@"

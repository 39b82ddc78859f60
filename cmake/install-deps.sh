#!/usr/bin/env bash
# Installs the Debian packages that Culex needs and that are missing; silent and quick when none is.
#
#   cmake/install-deps.sh [build] [test] [check] [fuzz] [bench]      without an argument: the first three groups
#
# build: what the library and the examples need. test: what their tests need. check: compilers and tools of the checks. fuzz: what
# tests/fuzz/run needs besides. bench: other client libraries, and what measures them.
set -euo pipefail

packages_of() {
    case $1 in
    build) echo g++ cmake ninja-build pkg-config ccache libuv1-dev libwolfssl-dev libfmt-dev ;;
    test) echo libgtest-dev libgmock-dev mosquitto openssl ;;
    check)
        echo clang-16 clang-format-19 clang-tools-19 valgrind python3
        echo doxygen # the reference
        echo clang-tidy-19 lintian gcovr # static checks, the package, the coverage
        ;;
    fuzz) echo clang-16 libclang-rt-16-dev ;;
    bench) echo libmosquitto-dev libpaho-mqtt-dev libpaho-mqttpp-dev libbenchmark-dev valgrind strace python3 ;;
    *)
        echo "install-deps.sh: unknown group '$1' (build, test, check, fuzz, bench)" >&2
        exit 2
        ;;
    esac
}

installed() {
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

[[ $# -gt 0 ]] || set -- build test check
if ! command -v dpkg-query >/dev/null; then
    echo "install-deps.sh: no Debian; install by hand what is missing of:" >&2
    for group in "$@"; do echo "  $(packages_of "$group")" >&2; done
    exit 0
fi
missing=()
for group in "$@"; do
    packages=$(packages_of "$group")
    for package in $packages; do
        installed "$package" || missing+=("$package")
    done
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

as_root() {
    if [[ $(id -u) -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "install-deps.sh: needs root or sudo to install: ${missing[*]}" >&2
        exit 1
    fi
}

# mosquitto's package starts a broker on port 1883. The tests start their own on free ports, so for the time of the
# installation Debian is told to start nothing (policy-rc.d, unless the machine has a policy of its own).
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
    as_root sh -c "printf '#!/bin/sh\nexit 101\n' > $policy && chmod 755 $policy"
    trap 'as_root rm -f "$policy"' EXIT
fi

echo "installing: ${missing[*]}" >&2
# The package lists of a fresh machine are empty or old.
as_root apt-get -qq update || echo "install-deps.sh: no fresh package lists, trying with the old ones" >&2
log=$(mktemp)
as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 install -y --no-install-recommends \
    "${missing[@]}" >"$log" 2>&1 || {
    cat "$log" >&2
    exit 1
}
rm -f "$log"

# Nor shall a broker that came for the tests start with the machine.
if [[ " ${missing[*]} " == *" mosquitto "* && -d /run/systemd/system ]]; then
    as_root systemctl --quiet disable mosquitto.service || true
fi

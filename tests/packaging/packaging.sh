#!/usr/bin/env bash
# One way to use Culex from outside: packaging.sh install|find_package|pkg_config|add_subdirectory.
# The caller sets WORK (a folder of ours), SOURCES and BUILD (Culex's own) and CXX; MOVED, where Culex is installed elsewhere.
set -euo pipefail

consumer=$SOURCES/tests/packaging/consumer
prefix=$WORK/prefix
moved=${MOVED:-$WORK/moved}
mkdir -p "$WORK"

run_programs() { # folder
    local expected="outside: as expected"
    for program in outside outside_test; do
        local said
        said=$("$1/$program")
        [[ $said == "$expected" ]] || {
            echo "$program said '$said'"
            exit 1
        }
    done
}

build_consumer() { # folder, options of CMake...
    local folder=$1
    shift
    cmake -S "$consumer" -B "$folder" -G Ninja -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_BUILD_TYPE=Debug "$@"
    cmake --build "$folder"
    run_programs "$folder"
}

case $1 in
install)
    rm -rf "$prefix" "$moved"
    cmake --install "$BUILD" --prefix "$prefix" >/dev/null
    # What is installed names no folder of the build, and may be moved.
    if grep -rlF --include='*.cmake' --include='*.pc' -e "$SOURCES" -e "$BUILD" -e "$prefix" "$prefix"; then
        echo "the installed files above know where they were built"
        exit 1
    fi
    mv "$prefix" "$moved"
    ;;
find_package)
    rm -rf "$WORK/find_package"
    build_consumer "$WORK/find_package" -DFROM=package -DCMAKE_PREFIX_PATH="$moved"
    ;;
pkg_config)
    pc=$(find "$moved" -name culex.pc)
    export PKG_CONFIG_PATH=${pc%/*}
    rm -rf "$WORK/pkg_config"
    mkdir "$WORK/pkg_config"
    for program in outside:culex outside_test:culex-testing; do
        # pkg-config quotes what it says for a shell.
        said=$(pkg-config --static --cflags --libs "${program#*:}")
        flags=()
        eval "flags=($said)"
        "$CXX" -std=c++20 "$consumer/${program%:*}.cpp" -o "$WORK/pkg_config/${program%:*}" \
            "${flags[@]}"
    done
    run_programs "$WORK/pkg_config"
    ;;
add_subdirectory)
    # Debian's wolfSSL lies in /usr/include: headers of the same name that stop the compiler stand in front of it.
    mkdir -p "$WORK/no_wolfssl/wolfssl"
    for header in options ssl; do
        echo '#error "CULEX_TLS=OFF, and yet wolfSSL is wanted"' >"$WORK/no_wolfssl/wolfssl/$header.h"
    done
    build_consumer "$WORK/add_subdirectory" -DFROM=sources -DCULEX_SOURCES="$SOURCES" -DCULEX_TLS=OFF -DCULEX_PCH=ON \
        -DCMAKE_DISABLE_FIND_PACKAGE_wolfssl=ON -DCMAKE_CXX_FLAGS="-I\"$WORK/no_wolfssl\"" \
        -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache || true)"
    if ldd "$WORK/add_subdirectory/outside" | grep wolfssl; then
        echo "CULEX_TLS=OFF, and yet the program is linked with wolfSSL"
        exit 1
    fi
    ;;
esac

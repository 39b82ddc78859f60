#!/usr/bin/env bash
# The Debian package, which is never installed here: debian.sh make|lintian|depends|unpack|recipes.
# The caller sets WORK (a folder of ours), SOURCES (Culex's own) and CXX.
set -euo pipefail

here=$SOURCES/tests/packaging
build=$WORK/deb
root=$WORK/root

refuse() {
    echo "refused: $*"
    exit 1
}
package() {
    local found=("$build"/libculex-dev_*.deb)
    [[ ${#found[@]} -eq 1 && -e ${found[0]} ]] || refuse "not one package: ${found[*]}"
    echo "${found[0]}"
}

make() {
    rm -f "$build"/*.deb
    cd "$SOURCES"
    env -u DEBFULLNAME -u DEBEMAIL cmake --preset package -B "$build" -DCMAKE_CXX_COMPILER="$CXX"
    cmake --build "$build"
    (cd "$build" && cpack -G DEB)
    local owners
    owners=$(dpkg-deb -c "$(package)" | awk '{print $2}' | sort -u)
    [[ $owners == root/root ]] || refuse "files belong to $owners"
}

# Every tag has to be an exception of lintian.txt, and every exception a tag.
check_with_lintian() {
    command -v lintian >/dev/null || {
        echo "skipped: lintian is not installed"
        exit 77
    }
    local said
    said=$(lintian --display-info --pedantic --tag-display-limit 0 --fail-on none "$(package)")
    echo "$said"
    diff <(sed -nE 's/^[EWIP]: [^:]+: ([a-z0-9-]+).*/\1/p' <<<"$said" | sort -u) \
        <(sed -nE 's/^([a-z0-9-]+): .+/\1/p' "$here/lintian.txt" | sort -u) || refuse "lintian and lintian.txt differ"
}

# dpkg asks whether what it depends on is there in the right version, and does nothing.
check_dependencies() {
    local depends dependency
    depends=$(dpkg-deb -f "$(package)" Depends)
    for dependency in libuv1-dev libfmt-dev libwolfssl-dev; do
        [[ $depends == *"$dependency (>= "* ]] || refuse "it does not depend on $dependency: $depends"
    done
    dpkg-checkbuilddeps -d "$depends" /dev/null || refuse "the libraries here are not those: $depends"
}

unpack() {
    rm -rf "$root"
    dpkg-deb -x "$(package)" "$root"
    # The libraries too may not name where they were built.
    if grep -rlF -e "$SOURCES" -e "$build" "$root"; then
        refuse "the files above know where they were built"
    fi
    local documents=$root/usr/share/doc/libculex-dev
    gzip -t "$documents/changelog.Debian.gz" "$documents/README.md.gz"
    grep -q 'License: Expat' "$documents/copyright"
    MOVED=$root/usr "$here/packaging.sh" find_package
    MOVED=$root/usr "$here/packaging.sh" pkg_config
}

# Not run here: that they can be read, name this version and name files that exist is what can be shown.
check_recipes() {
    local version recipes=$SOURCES/cmake/packaging
    version=$(sed -nE 's/^project\(culex VERSION ([0-9.]+).*/\1/p' "$SOURCES/CMakeLists.txt")
    python3 -I "$here/recipes.py" "$recipes" "$version"
}

case $1 in
make) make ;;
lintian) check_with_lintian ;;
depends) check_dependencies ;;
unpack) unpack ;;
recipes) check_recipes ;;
*) refuse "debian.sh: unknown step '$1'" ;;
esac

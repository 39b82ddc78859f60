#!/usr/bin/env bash
# Makes the reference of the public headers and the guides with Doxygen, and refuses whatever it warns of: what has no words,
# words that do not fit, links that lead nowhere.
#
#   reference.sh <tree> <folder for the pages> [version]
set -euo pipefail

command -v doxygen >/dev/null || {
    echo "refused: doxygen is missing (cmake/install-deps.sh check installs it)"
    exit 1
}
# By ways without blanks: Doxygen does not find what a page links to, nor its filter, where there is a blank in a path, be it
# that of the folder in which it runs.
ways=$(mktemp -d)
trap 'rm -rf "$ways"' EXIT
ln -s "$(cd "$(dirname "$0")" && pwd)" "$ways/cmake"
ln -s "$(cd "$1" && pwd)" "$ways/tree"
here=$ways/cmake
tree=$ways/tree
mkdir -p "$2"
pages=$(cd "$2" && pwd)
main_page=
[[ ! -f $tree/README.md ]] || main_page="\"$tree/README.md\""

escaped() { sed 's/[\\&|]/\\&/g' <<<"$1"; }
sed -e "s|@CULEX_REFERENCE_TREE@|$(escaped "$tree")|g" -e "s|@CULEX_REFERENCE_OUTPUT@|$(escaped "$pages")|g" \
    -e "s|@CULEX_REFERENCE_FILTER@|$(escaped "$here/reference_filter.awk")|g" \
    -e "s|@CULEX_REFERENCE_MAIN_PAGE@|$(escaped "$main_page")|g" -e "s|@CULEX_REFERENCE_VERSION@|${3:-}|g" \
    "$here/Doxyfile.in" >"$pages/Doxyfile"

said=$(cd "$ways" && doxygen "$pages/Doxyfile" 2>&1) && ended=0 || ended=$?

refusals=$(sed -nE "s|^$(escaped "$tree")/([^:]+):[0-9]+: (warning\|error): (.*)|refused: \1: \3|p" <<<"$said" | sort -u)
if [[ -z $refusals && $ended -eq 0 ]]; then
    echo "the reference is in $pages/index.html"
    exit 0
fi
echo "${refusals:-refused: $said}"
exit 1

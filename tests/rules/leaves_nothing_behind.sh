#!/usr/bin/env bash
# Refuses a program that fails, or that ends with memory that nothing points to, with an open descriptor, or having used
# memory wrongly. Valgrind sees what a sanitizer cannot: reads and writes inside libuv and wolfSSL.
#
#   leaves_nothing_behind.sh program [arguments...]
set -uo pipefail

command -v valgrind >/dev/null || {
    echo "refused: valgrind is missing (cmake/install-deps.sh check installs it)"
    exit 1
}
report=$(mktemp)
trap 'rm -f "$report"' EXIT

valgrind --quiet --log-file="$report" --track-fds=yes --leak-check=full --show-leak-kinds=definite,indirect,possible \
    --errors-for-leak-kinds=definite,indirect,possible --error-exitcode=99 "$@"
status=$?

refused=0
refuse() {
    echo "refused: $1"
    refused=1
}
if [[ $status -eq 99 ]]; then
    grep -qE 'are (definitely|indirectly|possibly) lost' "$report" && refuse "memory is lost" || refuse "memory is misused"
elif [[ $status -ne 0 ]]; then
    refuse "the program ended with status $status"
fi
# Each descriptor that is open at the end is named, and what was opened before the program began is said to be inherited.
open=$(grep -cE '^==[0-9]+== Open ' "$report")
inherited=$(grep -c '<inherited from parent>' "$report")
[[ $open -eq $inherited ]] || refuse "a descriptor is left open"
[[ $refused -eq 0 ]] || cat "$report"
exit $refused

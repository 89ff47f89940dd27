# shellcheck shell=bash
# What the scripts share; to be sourced. Puts them into the root of the repository.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

say() {
    echo "$(basename "$0"): $*" >&2
}

fail() {
    say "$@"
    exit 2
}

# Installs what is missing of the packages of each group named; asks nothing, and without anything
# missing needs neither root nor a network.
need() {
    ./scripts/setup "$@"
}

# Builds the program, or the targets named.
build() {
    make --silent -j"$(nproc)" "$@"
}

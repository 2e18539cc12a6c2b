# shellcheck shell=bash
# Sourced by the scripts beside it: where things are, and how they speak.

IG_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# What takes minutes to build is kept outside the checkout, so that the next clone finds it.
IG_CACHE_DIR=${IG_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/integration-gateway}

# Debian keeps servers in /usr/sbin, which is not on everybody's PATH.
export PATH="$IG_ROOT/.local/bin:$PATH:/usr/local/sbin:/usr/sbin"

say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

fail() {
    say "$*"
    exit 1
}

have() {
    command -v "$1" >/dev/null
}

# shellcheck shell=bash
# Sourced by the scripts beside it: common paths, and functions for messages and progress.

IG_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# Slow builds are cached outside the checkout, so that the next clone finds them.
IG_CACHE_DIR=${IG_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/integration-gateway}

# Debian keeps servers in /usr/sbin, which is not on every user's PATH.
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

# Runs a command that compiles, and reports its progress. On a terminal cargo draws its own bar; elsewhere the function prints a
# line every ten seconds, and the rest of cargo's output when it ends.
with_progress() { # activity, command...
    local what=$1 began=$SECONDS code=0 log ticker
    shift
    if [[ -t 2 ]]; then
        "$@" || code=$?
    else
        log=$(mktemp)
        tell_progress "$what" "$log" &
        ticker=$!
        # An interrupt leaves nothing behind.
        # shellcheck disable=SC2064
        trap "kill $ticker 2>/dev/null; rm -f '$log'; exit 130" INT TERM
        CARGO_TERM_PROGRESS_WHEN=always CARGO_TERM_PROGRESS_WIDTH=160 "$@" 2>"$log" || code=$?
        kill "$ticker" 2>/dev/null || true
        wait "$ticker" 2>/dev/null || true
        tr '\r' '\n' <"$log" | grep -vE "$CARGO_STATUS" >&2 || true
        rm -f "$log"
        trap - INT TERM
    fi
    ((code == 0 && SECONDS - began < 10)) || say "$what: $(outcome "$code") after $((SECONDS - began)) s"
    return "$code"
}

# The lines in which cargo reports its progress, bars included.
CARGO_STATUS='^$|^ *(\x1b\[[0-9;]*[mK])*(Building|Updating|Locking|Adding|Downloading|Downloaded|Compiling|Checking|Documenting|Finished|Fresh|Blocking|Installing|Installed|Replacing|Replaced|Ignored|Executable|Generated|Scraping|Packaging)'

tell_progress() { # activity, cargo's output
    local began=$SECONDS done_of
    while sleep 10; do
        # The bar ends in "123/445: crates being compiled".
        done_of=$(tail -c 2000 "$2" | tr '\r' '\n' | sed -nE 's/.*\] ([0-9]+)\/([0-9]+): (.*[^ ]) *$/\1 of \2 crates (now \3)/p' | tail -n 1)
        say "$what: ${done_of:-in progress}, $((SECONDS - began)) s"
    done
}

outcome() { # exit code
    if (($1 == 0)); then echo done; else echo "failed with exit code $1"; fi
}

# shellcheck shell=bash
# A bare Debian 12 that runs, with processes of its own: in systemd-nspawn with systemd, or however a script begins it;
# and checks of what happens there. To be sourced.
source "$(dirname "${BASH_SOURCE[0]}")/machine.sh"

command -v systemd-nspawn >/dev/null ||
    fail "systemd-nspawn is missing; run: apt-get install systemd-container"

passed=0
failed=0
first=           # the process with number 1 in the machine
supervisor=      # its parent
stop_signal=     # what ends it in good order

machine_stop() {
    [[ -n $supervisor ]] || return 0
    [[ -z $first ]] || kill -s "$stop_signal" "$first" 2>/dev/null || true
    for _ in {1..200}; do
        kill -0 "$supervisor" 2>/dev/null || break
        sleep 0.1
    done
    [[ -z $first ]] || kill -s KILL "$first" 2>/dev/null || true
    kill "$supervisor" 2>/dev/null || true
    wait "$supervisor" 2>/dev/null || true
    rmdir "/run/systemd/nspawn/propagate/$(basename "$root")" 2>/dev/null || true
    first=
    supervisor=
}

# As `inside`, where the machine's own processes are.
there() {
    nsenter --target "$first" --mount --pid --net --ipc --uts --root --wd -- \
        env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LC_ALL=C.UTF-8 "$@"
}

# Goes on until the machine stops, which is no news then. Systemd's machine would wait for what is not its own.
keep_there() {
    if [[ $stop_signal == RTMIN+4 ]]; then
        there systemd-run --quiet --collect "$@"
        return
    fi
    there "$@" >/dev/null 2>&1 </dev/null &
    disown
}

# With systemd. Nothing may be mounted in the tree. nspawn's filter of system calls would keep Landlock from what runs
# there.
machine_boot() {
    systemd-nspawn --quiet --directory="$root" --boot --register=no --keep-unit --private-network --console=pipe \
        --system-call-filter="landlock_create_ruleset landlock_add_rule landlock_restrict_self" \
        >"$root.console" 2>&1 </dev/null &
    supervisor=$!
    stop_signal=RTMIN+4
    # nspawn has helpers, which come and go before systemd is there.
    within 60 booted_or_ended && [[ -n $first ]]
}

booted_or_ended() {
    first=
    ! kill -0 "$supervisor" || booted
}

booted() {
    first=$(pgrep --parent "$supervisor" --exact systemd) &&
        [[ $(there systemctl is-system-running) =~ running|degraded ]]
}

# What is expected, and the command that tells.
check() {
    local what=$1
    shift
    if "$@" >"$root.said" 2>&1; then
        passed=$((passed + 1))
        echo "  pass  $what"
    else
        failed=$((failed + 1))
        echo "  FAIL  $what ($*)"
        sed 's/^/          /' "$root.said"
    fi
}

# Words that are in a file of the machine, or are not.
says() {
    grep -F -e "$1" "$root/$2" || { cat "$root/$2" && return 1; }
}

says_not() {
    [[ -e $root/$2 ]] && ! grep -F -e "$1" "$root/$2"
}

is() {
    [[ $1 == "$2" ]] || { echo "$1" && return 1; }
}

# Until a command succeeds, for some seconds.
within() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || return 1
        sleep 0.5
    done
}

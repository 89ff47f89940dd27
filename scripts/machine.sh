# shellcheck shell=bash
# A bare Debian 12 in a directory, and what it takes to work in it as if it were a machine of its own;
# to be sourced by scripts that prove what such a machine can do. Takes root.
#
# After machine_begin the tree is $root, and it is unmounted and deleted at the end, unless KEEP=1 is in
# the environment. A script that has processes in it ends them in a function machine_stop.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

machine_mounts=(proc sys dev dev/pts dev/shm)

# Takes a directory that does not exist yet, or "".
machine_begin() {
    [[ $(id -u) -eq 0 ]] || fail "a chroot takes root; run it with sudo"
    command -v debootstrap >/dev/null || fail "debootstrap is missing; run: apt-get install debootstrap"
    if [[ -n $1 ]]; then
        [[ ! -e $1 ]] || fail "$1 exists; name a directory that does not"
        mkdir -p "$1"
        root=$(cd "$1" && pwd)
    else
        root=$(mktemp -d /var/tmp/restore-verifier-chroot.XXXXXX)
    fi
    # The chroot's root directory: others than root must be able to enter it.
    chmod 755 "$root"
    trap machine_end EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

machine_unmount() {
    local i
    for ((i = ${#machine_mounts[@]} - 1; i >= 0; i--)); do
        if mountpoint --quiet "$root/${machine_mounts[i]}"; then
            umount "$root/${machine_mounts[i]}" || umount --lazy "$root/${machine_mounts[i]}" || true
        fi
    done
}

# Deletes only what nothing is mounted in any more: that belongs to this machine.
machine_end() {
    local still
    ! declare -F machine_stop >/dev/null || machine_stop
    machine_unmount
    still=$(awk -v root="$root/" 'index($2, root) == 1 { print $2 }' /proc/mounts)
    if [[ -n $still ]]; then
        say "still mounted, so $root stays: $still"
    elif [[ -n ${KEEP:-} ]]; then
        say "left: $root"
    else
        rm -rf --one-file-system "$root"
    fi
    rm -f "$root".{said,console}
}

inside() {
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LC_ALL=C.UTF-8 \
        chroot "$root" "$@"
}

machine_mount() {
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t tmpfs -o mode=755,size=1m tmpfs "$root/dev"
    mkdir "$root/dev/pts" "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    mknod -m 666 "$root/dev/null" c 1 3
    mknod -m 666 "$root/dev/zero" c 1 5
    mknod -m 666 "$root/dev/full" c 1 7
    mknod -m 666 "$root/dev/random" c 1 8
    mknod -m 666 "$root/dev/urandom" c 1 9
    mknod -m 666 "$root/dev/tty" c 5 0
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    ln -s /proc/self/fd/0 "$root/dev/stdin"
    ln -s /proc/self/fd/1 "$root/dev/stdout"
    ln -s /proc/self/fd/2 "$root/dev/stderr"
}

# Nothing in a chroot starts services, until its policy is removed.
machine_policy=usr/sbin/policy-rc.d

# From the mirror that is named. The network is as this machine has it: its resolver and apt's proxy.
machine_make() {
    local mirror=$1
    say "making Debian 12 in $root"
    debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.log" 2>&1 || {
        tail -n 20 "$root.log" >&2
        fail "debootstrap failed; its log is $root.log"
    }
    rm -f "$root.log"
    machine_mount
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    cp /etc/hosts "$root/etc/hosts"
    apt-config dump --format '%f "%v";%n' Acquire::http::Proxy Acquire::https::Proxy 2>/dev/null |
        grep -v ' "";$' >"$root/etc/apt/apt.conf.d/99host-proxy" || true
    printf '#!/bin/sh\nexit 101\n' >"$root/$machine_policy"
    chmod 755 "$root/$machine_policy"
    inside apt-get update --quiet=2
}

machine_install() {
    inside env DEBIAN_FRONTEND=noninteractive \
        apt-get install --quiet=2 --yes --no-install-recommends "$@" >/dev/null
}

# The last commit, in the home of a user there, as a clone of that user's.
machine_clone() {
    local user=$1 home=$2
    git clone --quiet --no-hardlinks . "$root$home/restore-verifier"
    inside chown -R "$user:$user" "$home/restore-verifier"
}

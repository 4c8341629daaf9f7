# Sourced by the scripts beside it: installs Debian packages if it may, else says how. Everything goes to standard
# error, because standard output may be a stream that superlifter is about to serve.

# need_packages PACKAGE... : returns once all are installed; ends the script with exit code 1 if they cannot be.
need_packages() {
    # Elsewhere than on Debian and its kin the build itself says what it misses.
    command -v dpkg-query >/dev/null 2>&1 || return 0
    missing=
    for package in "$@"; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=
        [ "$state" = installed ] || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root="sudo -n"
    else
        echo "superlifter: please run: sudo apt-get install --no-install-recommends$missing" >&2
        exit 1
    fi
    echo "superlifter: installing$missing" >&2
    install_quietly $missing && return 0
    # Most often the lists are old, or a fresh container has none.
    $as_root apt-get update >/dev/null 2>&1 </dev/null || true
    install_quietly $missing && return 0
    echo "superlifter: could not install; please run: apt-get update && apt-get install$missing" >&2
    exit 1
}

# unpack_package PACKAGE DIRECTORY: the files of a package below DIRECTORY, without installing it. What it needs
# besides is installed, where that can be done; if not, whatever wanted it says that it is not there.
unpack_package() {
    command -v dpkg-deb >/dev/null 2>&1 || return 0
    [ ! -d "$2" ] || return 0
    fetched=$(mktemp -d)
    chmod 755 "$fetched"
    updated="apt-get update"
    [ "$(id -u)" = 0 ] || updated="sudo -n apt-get update"
    if (cd "$fetched" && { apt-get download "$1" || { $updated && apt-get download "$1"; }; }) \
        >/dev/null 2>&1 </dev/null; then
        needs=$(dpkg-deb -f "$fetched"/*.deb Depends | tr ',' '\n' | sed 's/[(|].*//' | tr -d ' ' |
            grep '^lib' | sed 's/:any$//')
        (need_packages $needs) || true
        mkdir -p "$2" && dpkg-deb -x "$fetched"/*.deb "$2"
    fi
    rm -rf "$fetched"
}

# Daemons that come with a package must not be started on somebody's machine for the sake of a test, so a policy
# that forbids it stands while packages are unpacked, where the machine has none of its own.
install_quietly() {
    policy=/usr/sbin/policy-rc.d
    ours=
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null && $as_root chmod 755 "$policy" && ours=yes
    fi
    status=0
    log=$(mktemp)
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" \
        >"$log" 2>&1 </dev/null || status=$?
    [ -z "$ours" ] || $as_root rm -f "$policy"
    [ "$status" = 0 ] || tail -n 3 "$log" >&2
    rm -f "$log"
    return "$status"
}

# Ends the script if there is no Swift to build with.
need_swift() {
    command -v swift >/dev/null 2>&1 && return 0
    for directory in /opt/swift/usr/bin /usr/local/swift/usr/bin "$HOME/.local/share/swiftly/bin"; do
        if [ -x "$directory/swift" ]; then
            PATH=$directory:$PATH
            export PATH
            return 0
        fi
    done
    echo "superlifter: Swift 6.2 or later is not in PATH; https://www.swift.org/install/linux has it" >&2
    exit 1
}

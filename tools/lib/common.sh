# Shared by the tools; sourced, never run. Sets `root`, the repository's folder, and goes there.
set -euo pipefail

tool=$(basename "$0")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

build_packages=(libc6-dev libstdc++-12-dev binutils libpcap-dev libnuma-dev libyaml-dev libmicrohttpd-dev zlib1g-dev libssl-dev)
# Elsewhere OpenSSL computes alone.
[ "$(uname -m)" != x86_64 ] || build_packages+=(libipsec-mb-dev)
test_packages=("${build_packages[@]}" python3 valgrind tcpdump iproute2 procps ethtool iputils-ping
    spin gcc)
# IKE and ESP in user space, and no service of it.
strongswan_packages=(strongswan-charon strongswan-swanctl libstrongswan-standard-plugins libstrongswan-extra-plugins
    libcharon-extra-plugins)

say() { printf '%s: %s\n' "$tool" "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

# Installs those of the Debian packages that are not there. Does nothing, and needs no network, when all are.
need_packages() {
    local package missing=()
    if ! command -v dpkg-query >/dev/null; then
        say "this is not a Debian; taking it that these are here: $*"
        return 0
    fi
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" -eq 0 ] || fail "these packages are missing, and only root can install them: ${missing[*]}"
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    # Another installation may be under way: wait for it rather than fail.
    { apt-get -qq -o DPkg::Lock::Timeout=120 update &&
        apt-get -qq -y -o DPkg::Lock::Timeout=120 install --no-install-recommends "${missing[@]}"; } \
        </dev/null >&2 || fail "cannot install ${missing[*]}"
}

need_swift() {
    command -v swift >/dev/null || fail "no swift on PATH: Hauberk needs the Swift 6.3 toolchain (swift.org/install)"
}

# Runs a build, its words to stderr. A failure ends the tool with one sentence.
build() {
    local what=$1
    shift
    swift build "$@" >&2 || fail "$what does not build"
}

#!/bin/sh
# Installs what building, demonstrating and testing need: Debian packages (as root; Go and a JDK among them, where the
# path has none) and Python tools (in a virtual environment under the target directory). Quiet when nothing is to do. Usage: tools/setup.sh TARGET_DIR
set -eu
target=$1
here=$(cd "$(dirname "$0")/.." && pwd)

say() { printf 'setup: %s\n' "$*" >&2; }

command -v cargo >/dev/null || {
    say "Rust is missing: install a toolchain of at least $(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$here/Cargo.toml") (https://rustup.rs)"
    exit 1
}

packages="gcc g++ make binutils libc6-dev libssl-dev openssl valgrind elfutils patchelf libsqlite3-0 zlib1g python3 python3-venv"
# What packages are made and tested with.
packages="$packages cmake pkg-config dpkg-dev"
# A token for tests, the tool that makes keys in it, and a debugger that dumps.
packages="$packages softhsm2 opensc gdb"
# Any Go of 1.19 or later and any JDK of 17 or later will do: what is on the path comes first.
command -v go >/dev/null || packages="$packages golang-go"
command -v javac >/dev/null || packages="$packages default-jdk-headless"
command -v mvn >/dev/null || packages="$packages maven"
missing=""
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
    if [ "$(id -u)" -ne 0 ]; then
        say "as root: apt-get install -y --no-install-recommends$missing"
        exit 1
    fi
    say "installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086 # one word a package
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

venv=$target/venv
wanted=$here/tools/requirements.txt
if ! cmp -s "$wanted" "$venv/installed.txt"; then
    say "installing Python tools into $venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check -r "$wanted"
    cp "$wanted" "$venv/installed.txt"
fi

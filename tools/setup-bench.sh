#!/bin/sh
# Fetches and builds the peers of `make bench-crypto` under DIRECTORY: bin/PEER is a driver
# (benches/crypto/peers/README.md); where one cannot be had, bin/PEER.missing says why, and the bench names it.
# Usage: SOGOV_LIBRARY=FILE tools/setup-bench.sh DIRECTORY [PEER]; with PEER, makes that one or fails.
set -eu
mkdir -p "$1/bin"
out=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/.." && pwd)/benches/crypto/peers
bouncycastle=1.82
bouncycastle_sha256=14cde2fdfaa8890480a8e5b67aceef0c90f96682c1e23c133bafdc9e0b3255ce

main() {
    for peer in sogov_c openssl botan crypto_mb gmssl rustcrypto efficient-sm2 emmansun tjfoc bouncycastle; do
        if "$0" "$out" $peer >"$out/$peer.log" 2>&1; then
            rm -f "$out/bin/$peer.missing"
        else
            rm -f "$out/bin/$peer"
            grep -v '^ *$' "$out/$peer.log" | tail -1 >"$out/bin/$peer.missing"
            printf 'setup-bench: no %s: %s\n' $peer "$(cat "$out/bin/$peer.missing")" >&2
        fi
    done
}

build() {
    case $1 in
    sogov_c)
        library=${SOGOV_LIBRARY:?the library under test}
        c_driver sogov_c -I"$source/../../../include" "$library" "-Wl,-rpath,$(dirname "$library")"
        ;;
    openssl) c_driver openssl -lcrypto ;;
    botan)
        debian libbotan-2-dev
        c_driver botan -I/usr/include/botan-2 -lbotan-2
        ;;
    crypto_mb)
        wheels crypto_mb
        lib=$out/venv-crypto_mb/lib
        # RPATH, not RUNPATH: it also serves the libraries that the library needs.
        c_driver crypto_mb -isystem "$out/venv-crypto_mb/include/aggregator" -L"$lib" -l:libcrypto_mb.so.13 \
            "-Wl,--disable-new-dtags,-rpath,$lib,-rpath-link,$lib"
        ;;
    gmssl)
        wheels gmssl
        launcher gmssl "$out/venv-gmssl/bin/python" "$source/gmssl.py"
        ;;
    rustcrypto | efficient-sm2)
        cargo build --release --locked --quiet --manifest-path "$source/rust/Cargo.toml" --target-dir "$out/rust"
        launcher "$1" "$out/rust/release/peers" "$1"
        ;;
    emmansun | tjfoc)
        tool go
        (cd "$source/go" && go build -trimpath -o "$out/go/peers" .)
        launcher "$1" "$out/go/peers" "$1"
        ;;
    bouncycastle)
        tool javac
        jar=$out/java/bcprov-jdk18on-$bouncycastle.jar
        [ -f "$jar" ] || {
            tool mvn
            mvn -q -B dependency:copy -Dartifact=org.bouncycastle:bcprov-jdk18on:$bouncycastle \
                -DoutputDirectory="$out/java"
        }
        echo "$bouncycastle_sha256  $jar" | sha256sum --check --quiet
        javac -d "$out/java" -cp "$jar" "$source/java/BouncyCastle.java"
        # One collector thread: the bench gives it one processor.
        launcher bouncycastle java -XX:+UseSerialGC -cp "$out/java:$jar" BouncyCastle
        ;;
    *) fail "no peer is called $1" ;;
    esac
}

# Compiles a driver in C.
c_driver() {
    name=$1
    shift
    ${CC:-cc} -std=c11 -O2 -g -Wall -Wextra -Werror -o "$out/bin/$name" "$source/$name.c" "$@"
}

# Makes a driver of a command.
launcher() {
    name=$1
    shift
    { echo '#!/bin/sh' && printf 'exec' && printf " '%s'" "$@" && echo; } >"$out/bin/$name"
    chmod +x "$out/bin/$name"
}

# Installs pinned wheels into an environment of their own, once.
wheels() {
    wanted=$source/$1.txt
    venv=$out/venv-$1
    cmp -s "$wanted" "$venv/installed.txt" && return
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r "$wanted"
    cp "$wanted" "$venv/installed.txt"
}

debian() {
    dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed' && return
    [ "$(id -u)" -eq 0 ] || fail "as root: apt-get install -y --no-install-recommends $1"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null
}

tool() { command -v "$1" >/dev/null || fail "$1 is not installed"; }

fail() {
    echo "$1" >&2
    exit 1
}

if [ $# -gt 1 ]; then build "$2"; else main; fi

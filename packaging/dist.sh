#!/bin/sh
# Makes what is handed out, out of what `make build` has built, into OUT:
#   sogov-VERSION.tar.gz                                  the source, as committed
#   libsogov0_*.deb libsogov-dev_*.deb sogov_*.deb        for Debian 12 and later
#   sogov-VERSION-py3-none-manylinux_*.whl                the Python package, with the library in it
#   go/                                                   the Go module, as a GOPROXY of files
#   sogov-VERSION.jar                                     the Java package, with the library in it
#   SHA256SUMS SM3SUMS                                    of all of these
# The same commit, tools and build give the same bytes: times are those of the commit. Usage: packaging/dist.sh TARGET_DIR OUT
set -eu
target=$1
out=$2
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
umask 022
LC_ALL=C
SOURCE_DATE_EPOCH=$(git -C "$root" log -1 --format=%ct)
export LC_ALL SOURCE_DATE_EPOCH

main() {
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -1)
    rm -rf "$out"
    mkdir -p "$out"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    source_archive
    "$here/deb.sh" "$target/release" "$out"
    wheel
    go_module
    jar
    sums
}

source_archive() {
    git -C "$root" diff --quiet HEAD || echo "dist: the source archive is without what is not committed"
    git -C "$root" -c tar.umask=0002 archive --format=tar --prefix="sogov-$version/" -o "$work/source.tar" HEAD
    gzip -9n <"$work/source.tar" >"$out/sogov-$version.tar.gz"
}

# The library without its debug information. Its platform is said by the newest symbol of glibc that it needs.
wheel() {
    strip --strip-unneeded -o "$work/libsogov.so" "$target/release/libsogov.so"
    glibc=$(objdump -T "$work/libsogov.so" | sed -n 's/.*(GLIBC_2\.\([0-9]*\).*/\1/p' | sort -n | tail -1)
    tracked python_bindings
    cp "$root/LICENSE" "$work/python_bindings"
    "$here/crates.py" >"$work/python_bindings/LICENSE.crates"
    SOGOV_LIBRARY=$work/libsogov.so "$target/venv/bin/pip" wheel -q --disable-pip-version-check --no-deps \
        --no-build-isolation --wheel-dir "$work" "$work/python_bindings"
    "$target/venv/bin/wheel" tags --remove --platform-tag "manylinux_2_${glibc}_$(uname -m)" "$work"/*.whl >/dev/null
    cp "$work"/*.whl "$out"
}

go_module() {
    if [ ! -d "$root/go_bindings" ]; then
        echo "dist: no go_bindings here: no Go module"
        return
    fi
    tracked go_bindings
    cp "$root/LICENSE" "$work/go_bindings"
    "$here/go_module.py" "$work/go_bindings" "v$version" "$out/go"
}

jar() {
    if [ ! -d "$root/java_bindings" ]; then
        echo "dist: no java_bindings here: no jar"
        return
    fi
    make -s -C "$root/java_bindings" jar OUT="$target/java" LIBDIR="$target/release"
    cp "$target/java/sogov-$version.jar" "$out"
}

sums() {
    (cd "$out" && find . -type f -printf '%P\n' | sort) >"$work/files"
    (cd "$out" && xargs sha256sum <"$work/files" >SHA256SUMS)
    (cd "$out" && xargs openssl dgst -sm3 -r <"$work/files" | sed 's/ \*/  /' >SM3SUMS)
}

# Copies the files of a directory that git knows: what a build leaves in there stays behind.
tracked() {
    git -C "$root" ls-files -z "$1" | tar -C "$root" --null --no-recursion -T - -cf - | tar -C "$work" -xf -
}

main

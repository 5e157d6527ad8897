#!/bin/sh
# Takes each package of `make dist` to a clean place and uses it from there: a program opens an engine, is refused a plugin
# that crashes, loads a signed one after a preflight, and prints what it answers. The plugins are compiled with the
# installed headers and signed by the installed program.
# Usage: packaging/test.sh TARGET_DIR, after packaging/dist.sh TARGET_DIR TARGET_DIR/dist.
set -eu
target=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
dist=$target/dist
wanted="v1: fee=6.17 currency=CNY tariff=v1"
cflags="-O2 -Wall -Wextra -Wpedantic -Werror"
# What is on this machine must not stand in for what the packages lack.
unset SOGOV_LIBRARY LD_LIBRARY_PATH PYTHONPATH PKG_CONFIG_PATH CMAKE_PREFIX_PATH

main() {
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    sums
    again
    installed
    debian
    wheel
    go_module
    jar
}

# ---- what was made -------------------------------------------------------------------------------------------------

sums() {
    (cd "$dist" && sha256sum --check --quiet --strict SHA256SUMS && openssl_sm3 | cmp -s - SM3SUMS)
    passed "SHA256SUMS and SM3SUMS fit"
}

openssl_sm3() {
    sed 's/^[0-9a-f]*  //' SHA256SUMS | xargs openssl dgst -sm3 -r | sed 's/ \*/  /'
}

# With other masks for modes, git's own among them, another zone and other names of directories.
again() {
    (umask 077 && export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=tar.umask GIT_CONFIG_VALUE_0=0077 &&
        TZ=Asia/Shanghai "$here/dist.sh" "$target" "$work/other" >/dev/null)
    cmp "$dist/SHA256SUMS" "$work/other/SHA256SUMS"
    passed "made again, each file has the same bytes"
}

# ---- make install --------------------------------------------------------------------------------------------------

installed() {
    make -s -C "$here" install RELEASE="$target/release" DESTDIR="$work/stage" PREFIX=/opt/sogov
    find "$work/stage" -not -type d >"$work/files"
    mkdir "$work/moved"
    mv "$work/stage/opt/sogov" "$work/moved/sogov"
    place=$work/moved/sogov
    no_trace_of_the_build "$place"
    prepare "$place/bin/sogov" "$place/include"

    export PKG_CONFIG_PATH="$place/lib/pkgconfig"
    native=$(rustc --print native-static-libs --crate-type staticlib - </dev/null -o "$work/empty.a" 2>&1 |
        sed -n 's/.*native-static-libs: //p')
    is "$(grep '^Libs.private: ' "$PKG_CONFIG_PATH/sogov.pc")" "Libs.private: $native"
    # shellcheck disable=SC2046,SC2086 # words
    cc -std=c11 $cflags -o "$work/host" "$here/tests/host.c" $(pkg-config --define-prefix --cflags --libs sogov)
    run_host env LD_LIBRARY_PATH="$place/lib" "$work/host" shared
    passed "make install, moved: C by pkg-config, shared"
    # shellcheck disable=SC2046,SC2086 # words
    cc -std=c11 $cflags -o "$work/host_static" "$here/tests/host.c" \
        $(pkg-config --define-prefix --static --cflags --libs sogov | sed 's/-lsogov\b/-l:libsogov.a/')
    needs_no_libsogov "$work/host_static"
    run_host "$work/host_static" static
    passed "make install, moved: C by pkg-config, static"
    unset PKG_CONFIG_PATH

    cmake -S "$here/tests" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$place" -DCMAKE_CXX_FLAGS="$cflags" >"$work/cmake.log"
    cmake --build "$work/cmake" >>"$work/cmake.log" || { cat "$work/cmake.log" >&2; exit 1; }
    run_host "$work/cmake/host" shared
    needs_no_libsogov "$work/cmake/host_static"
    run_host "$work/cmake/host_static" static
    passed "make install, moved: C++ by CMake, shared and static"

    make -s -C "$here" install RELEASE="$target/release" DESTDIR="$work/stage" PREFIX=/opt/sogov
    find "$work/stage" -not -type d | cmp - "$work/files"
    make -s -C "$here" uninstall DESTDIR="$work/stage" PREFIX=/opt/sogov
    is "$(find "$work/stage" -not -type d)" ""
    passed "make uninstall: nothing is left"
}

# No debug information and no path of this machine; the names by which the dynamic linker and the compiler look.
no_trace_of_the_build() {
    is "$(cd "$1/lib" && readlink libsogov.so libsogov.so.0 | tr '\n' ' ')" "libsogov.so.0 $(cd "$1/lib" && echo libsogov.so.0.*) "
    for file in "$1/bin/sogov" "$1"/lib/libsogov.so.0.*; do
        ! readelf -SW "$file" | grep -qE '\.(debug_info|symtab)' || fail "$file is not stripped"
    done
    ! grep -rlE "$work|$root|$target" "$1/lib/pkgconfig" "$1/lib/cmake" "$1/include" || fail "a path of this machine"
}

needs_no_libsogov() {
    ! readelf -dW "$1" | grep -q 'NEEDED.*libsogov' || fail "$1 needs libsogov.so.0"
}

# ---- Debian's packages ---------------------------------------------------------------------------------------------

debian() {
    triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
    place=$work/debian
    mkdir "$place"
    for deb in "$dist"/*.deb; do
        dpkg-deb -x "$deb" "$place"
        (dpkg-deb --ctrl-tarfile "$deb" | tar -xO ./md5sums) >"$work/md5sums"
        (cd "$place" && md5sum --check --quiet --strict "$work/md5sums")
    done
    # What they depend on is there, or can be had.
    apt-get install --simulate --reinstall -qq --no-install-recommends "$dist"/*.deb >"$work/apt.log" 2>&1 ||
        { cat "$work/apt.log" >&2; exit 1; }
    is "$(grep -c '^Inst .*sogov' "$work/apt.log")" 3
    passed "deb: three packages, their checksums and dependencies"

    prepare "$place/usr/bin/sogov" "$place/usr/include"
    export PKG_CONFIG_LIBDIR="$place/usr/lib/$triplet/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$place"
    export PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
    # shellcheck disable=SC2046,SC2086 # words
    cc -std=c11 $cflags -o "$work/host_debian" "$here/tests/host.c" $(pkg-config --cflags --libs sogov)
    run_host env LD_LIBRARY_PATH="$place/usr/lib/$triplet" "$work/host_debian" shared
    cmake -S "$here/tests" -B "$work/cmake_debian" -DCMAKE_PREFIX_PATH="$place/usr" >"$work/cmake.log"
    cmake --build "$work/cmake_debian" >>"$work/cmake.log" || { cat "$work/cmake.log" >&2; exit 1; }
    run_host "$work/cmake_debian/host" shared
    passed "deb: C by pkg-config and C++ by CMake"

    # A package with such a program in it.
    mkdir -p "$work/other_package/debian"
    printf 'Source: host\n\nPackage: host\nArchitecture: any\n' >"$work/other_package/debian/control"
    dpkg-deb --ctrl-tarfile "$dist"/libsogov0_*.deb | tar -xO ./shlibs >"$work/shlibs"
    found=$(cd "$work/other_package" && dpkg-shlibdeps -O --warnings=0 -L"$work/shlibs" -l"$place/usr/lib/$triplet" \
        "$work/host_debian" 2>"$work/shlibdeps.log") || { cat "$work/shlibdeps.log" >&2; exit 1; }
    is "$(echo "$found" | grep -o 'libsogov0 ([^)]*)' | sort | tr '\n' ' ')" "libsogov0 (<< 0.2~) libsogov0 (>= 0.1.0) "
    passed "deb: who links against it depends on this minor version"
}

# ---- the packages of languages -------------------------------------------------------------------------------------

wheel() {
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install -q --disable-pip-version-check --no-index "$dist"/*.whl
    run_host "$work/venv/bin/python" "$here/tests/host.py"
    passed "wheel: in a fresh virtual environment"
}

# The library and the header are those of the Debian packages.
go_module() {
    [ -d "$dist/go" ] || { echo "packages: there is no Go module in this tree"; return; }
    cp -r "$here/tests/go" "$work/go"
    (
        cd "$work/go"
        export GOPROXY="file://$dist/go" GONOSUMDB=sogov.internal GOFLAGS=-mod=mod GOTOOLCHAIN=local GOMODCACHE="$work/modules"
        export CGO_ENABLED=1
        go mod init host &&
            go get -modcacherw "sogov.internal/sogov@$(cat "$dist/go/sogov.internal/sogov/@v/list")" &&
            go build -modcacherw -o "$work/host_go" .
    ) >"$work/go.log" 2>&1 || { cat "$work/go.log" >&2; exit 1; }
    run_host env LD_LIBRARY_PATH="$place/usr/lib/$triplet" "$work/host_go"
    passed "Go module: from the file proxy, with the library of the deb"
}

# With the class path and nothing else: the natives come out of the jar.
jar() {
    set -- "$dist"/sogov-*.jar
    [ -e "$1" ] || { echo "packages: there is no jar in this tree"; return; }
    mkdir "$work/classes"
    javac --release 17 -cp "$1" -d "$work/classes" "$here/tests/Host.java"
    run_host java -cp "$1:$work/classes" Host
    passed "jar: alone on the class path"
}

# ---- helpers -------------------------------------------------------------------------------------------------------

# Makes trust/ and the signed plugins in $work/plugins with this program and these headers.
prepare() {
    rm -rf "$work/plugins"
    mkdir -m 700 "$work/plugins"
    fee=$root/c_examples/plugins/fee
    plugin="-std=c11 -O2 -fPIC -shared -Wl,-z,defs,-z,now,-z,noexecstack"
    # shellcheck disable=SC2086 # words
    cc $plugin -fvisibility=hidden -Wl,--version-script="$fee/fee.map" -I"$2" -I"$fee" -o "$work/plugins/libfee.so" \
        "$fee/fee_v1.c" "$fee/plugin.c" "$fee/tariff.c"
    # shellcheck disable=SC2086 # words
    cc $plugin -o "$work/plugins/libcrash.so" "$here/tests/crash.c"
    (
        cd "$work/plugins"
        "$1" keygen --out root.pem --public root.pub.pem
        "$1" keygen --out release.pem --public release.pub.pem
        "$1" trust init --dir trust --root root.pem --key 'release.pub.pem:*'
        for service in fee crash; do
            "$1" sign --key release.pem --service $service --version v1 --epoch 1 --out $service-v1.so lib$service.so
        done
        "$1" key-id root.pub.pem >root.id
    ) >/dev/null
}

# run_host COMMAND [ARGUMENT]...: given the plugins and the root key's id, it prints what the plugin answers.
run_host() {
    is "$("$@" "$work/plugins" "$(cat "$work/plugins/root.id")")" "$wanted"
}

is() {
    [ "$1" = "$2" ] || fail "expected '$2', found '$1'"
}

passed() {
    printf 'packages: %s\n' "$*"
}

fail() {
    printf 'WRONG: %s\n' "$*" >&2
    exit 1
}

main

#!/bin/sh
# Builds the zoo: build.sh <outdir>. README.md says what each file is and what must happen to it.
# Rebuilds only when a file of this directory or a header is newer; safe to run from many processes at once.
set -eu

zoo=$(cd "$(dirname "$0")" && pwd)
include=$zoo/../../include
[ $# = 1 ] || { echo "usage: $0 <outdir>" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$zoo"

# One builder at a time; the others wait, then find everything done.
exec 9>"$out/.lock"
flock 9
if [ -e "$out/.built" ] && [ -z "$(find . "$include" -type f -newer "$out/.built")" ]; then
    exit 0
fi

# Taken before the first compiler runs: a source that changes meanwhile is newer.
touch "$out/.building"

common="-O2 -g -fPIC -shared -Wall -Wextra -Wpedantic -Werror -I$include"
link="-Wl,-z,relro,-z,noexecstack"
tidy="-fvisibility=hidden $link -Wl,-z,defs,-z,now -Wl,--version-script=zoo.map"

# compile <name> <compiler and options...>: <outdir>/<name>.so, which appears complete or not at all.
compile() {
    name=$1
    shift
    mkdir -p "$(dirname "$out/$name")"
    "$@" $common -o "$out/$name.so.part" || { echo "$zoo/build.sh: $name.so failed" >&2; exit 1; }
    mv "$out/$name.so.part" "$out/$name.so"
}

c="${CC:-cc} -std=c11"
cxx="${CXX:-c++} -std=c++17"

# Nothing wrong with them.
compile plain_v1 $c plain.c $tidy -DANSWER=1 -Wl,-soname,libplain.so
compile plain_v2 $c plain.c $tidy -DANSWER=2 -Wl,-soname,libplain.so
compile plain_level1 $c plain_level1.c $tidy
compile cxx_statics_v1 $cxx cxx_statics.cpp $tidy -DANSWER=1
compile cxx_statics_v2 $cxx cxx_statics.cpp $tidy -DANSWER=2
compile versioned_symbol $c versioned_symbol.c -fvisibility=hidden $link -Wl,-z,defs,-z,now \
    -Wl,--version-script=versioned_symbol.map

# What stays behind at the unload.
compile tls_destructor $cxx tls_destructor.cpp $tidy
compile tsd_key $c tsd_key.c $tidy
compile thread $c thread.c $tidy
compile thread_clean $c thread_clean.c $tidy
compile atexit $c atexit.c $tidy
compile on_exit $c on_exit.c $tidy
compile signal_handler $c signal_handler.c $tidy
compile unique_v1 $cxx unique.cpp $link -Wl,-z,defs,-z,now -DANSWER=1
compile unique_v2 $cxx unique.cpp $link -Wl,-z,defs,-z,now -DANSWER=2
compile nodelete $c plain.c $tidy -Wl,-z,nodelete

# What must not be loaded, or only if the trust policy says so.
compile rpath $c plain.c $tidy -Wl,--disable-new-dtags,-rpath,/opt/zoo
compile runpath $c plain.c $tidy -Wl,--enable-new-dtags,-rpath,'$ORIGIN'
compile execstack $c plain.c $tidy -Wl,-z,execstack
compile no_gnu_stack $c plain.c $tidy
compile textrel $c textrel.c -fvisibility=hidden $link -Wl,-z,defs,-z,now,-z,notext -Wl,--version-script=zoo.map
compile ifunc $c ifunc.c $tidy
compile ifunc_exits $c ifunc.c $tidy -DRESOLVER_EXITS
compile missing_symbol $c missing_symbol.c -fvisibility=hidden $link -Wl,-z,lazy -Wl,--version-script=zoo.map
compile soname_system $c plain.c $tidy -Wl,-soname,libcrypto.so.3
compile soname_slash $c plain.c $tidy -Wl,-soname,/proc/self/fd/77
compile host_symbol $c host_symbol.c $link -Wl,-z,defs,-z,now
compile static_tls_small $c static_tls.c $tidy -DBYTES=200
compile static_tls_large $c static_tls.c $tidy -DBYTES=4000
for version in 1 2; do
    compile helper_v$version/libhelper $c helper.c -fvisibility=hidden $link -Wl,-z,defs,-z,now \
        -DANSWER=$version -Wl,-soname,libhelper.so
    compile needs_helper_v$version $c needs_helper.c $tidy -L"$out/helper_v$version" -lhelper
done

# What ends or blocks a process that loads it without care.
compile constructor_faults $c constructor.c $tidy -DFAULTS
compile constructor_exits $c constructor.c $tidy -DEXITS
compile constructor_stops $c constructor.c $tidy -DSTOPS
compile constructor_hangs $c constructor.c $tidy -DHANGS
compile constructor_throws $cxx constructor_throws.cpp $tidy
compile fast_math $c plain.c $tidy -ffast-math

# Level 1 with a fault, or with a way to steer a test.
for name in bad_abi short_descriptor start_fails health_fails stop_fails slow reentrant big_answer; do
    compile $name $c $name.c $tidy
done

# No linker option leaves PT_GNU_STACK out: its program header becomes PT_NULL. The headers stand at offset 64,
# 56 bytes each, with the type first.
index=$(LC_ALL=C readelf -lW "$out/no_gnu_stack.so" | awk '
    $1 == "Type" { i = 0; next }
    $2 ~ /^0x/ { if ($1 == "GNU_STACK") print i; i++ }')
[ -n "$index" ] || { echo "$zoo/build.sh: no_gnu_stack.so has no PT_GNU_STACK to take away" >&2; exit 1; }
printf '\0\0\0\0' | dd of="$out/no_gnu_stack.so" bs=1 seek=$((64 + 56 * index)) conv=notrunc status=none

mv "$out/.building" "$out/.built"

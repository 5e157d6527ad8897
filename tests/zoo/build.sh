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
compile tls_touched $cxx tls_destructor.cpp $tidy -DTOUCHES
compile tsd_key $c tsd_key.c $tidy
compile thread $c thread.c $tidy
compile thread_clean $c thread_clean.c $tidy
compile atexit $c atexit.c $tidy
compile on_exit $c on_exit.c $tidy
compile signal_handler $c signal_handler.c $tidy
compile unique_v1 $cxx unique.cpp $link -Wl,-z,defs,-z,now -DANSWER=1
compile unique_v2 $cxx unique.cpp $link -Wl,-z,defs,-z,now -DANSWER=2
for leaves in putenv setvbuf thread signal sigaltstack timer; do
    define=-DLEAVES_$(echo $leaves | tr a-z A-Z)
    compile leaves_$leaves $c left_behind.c $tidy $define
    compile lies_$leaves $c left_behind.c $tidy $define -DPROMISES_CLEAN
done
compile cxx_thread $cxx cxx_thread.cpp $tidy
compile cxx_exports $cxx cxx_exports.cpp -fno-gnu-unique $link -Wl,-z,defs,-z,now
compile patched_table $c patched_table.c $tidy
compile nodelete $c plain.c $tidy -Wl,-z,nodelete

# A Go runtime; of two, the process wants one only.
for version in 1 2; do
    (cd go_plugin && GO111MODULE=off GOFLAGS= CGO_LDFLAGS= CGO_ENABLED=1 go build -buildmode=c-shared \
        -ldflags "-buildid=zoo-$version" -o "$out/go_v$version.so.part" main.go)
    mv "$out/go_v$version.so.part" "$out/go_v$version.so"
    rm -f "$out/go_v$version.so.h" "$out/go_v$version.h"
done

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
compile host_symbol_other $c host_symbol.c $link -Wl,-z,defs,-z,now -DANSWER=7
compile host_symbol_bound $c host_symbol.c $link -Wl,-z,defs,-z,now,-Bsymbolic
compile static_tls_small $c static_tls.c $tidy -DBYTES=200
compile static_tls_large $c static_tls.c $tidy -DBYTES=4000
for version in 1 2; do
    compile helper_v$version/libhelper $c helper.c -fvisibility=hidden $link -Wl,-z,defs,-z,now \
        -DANSWER=$version -Wl,-soname,libhelper.so
    compile needs_helper_v$version $c needs_helper.c $tidy -L"$out/helper_v$version" -lhelper \
        -Wl,--disable-new-dtags,-rpath,"$out/helper_v$version"
done
compile needs_helper $c needs_helper.c $tidy -L"$out/helper_v1" -lhelper

# What a second C library of its own does to them.
compile formats $c formats.c $tidy
compile formats_level0 $c formats.c $tidy -DLEVEL_0
compile prints $c prints.c $tidy
compile c_library_symbol $c c_library_symbol.c $link -Wl,-z,defs,-z,now

# What ends or blocks a process that loads it without care.
compile constructor_faults $c constructor.c $tidy -DFAULTS
compile constructor_exits $c constructor.c $tidy -DEXITS
compile constructor_stops $c constructor.c $tidy -DSTOPS
compile constructor_hangs $c constructor.c $tidy -DHANGS
compile constructor_throws $cxx constructor_throws.cpp $tidy
for accident in execs writes_ok forks spawns eats spins signals_parent signals_group overflows blocks_signals; do
    compile accident_$accident $c accident.c $tidy -D$(echo $accident | tr a-z A-Z)
done
for stage in start health stop; do
    for accident in faults hangs exits traps; do
        compile ${stage}_$accident $c stage.c $tidy -DSTAGE=\"$stage\" -D$(echo $accident | tr a-z A-Z)
    done
done
compile sandbox $c sandbox.c $tidy
compile fast_math $c plain.c $tidy -ffast-math

# Level 1 with a fault, or with a way to steer a test.
for name in bad_abi short_descriptor old_descriptor start_fails health_fails stop_fails slow reentrant big_answer moody \
    crash; do
    compile $name $c $name.c $tidy
done

# State: what an update moves, and what stands in its way.
compile counter_v1 $c counter.c $tidy -DSCHEMA=1 -DREADS=2
compile counter_v1_reads_1 $c counter.c $tidy -DSCHEMA=1 -DREADS=1
compile counter_v2 $c counter.c $tidy -DSCHEMA=2 -DREADS=2 -DDECLARES=SOGOV_PLUGIN_IDEMPOTENT
compile counter_v3 $c counter.c $tidy -DSCHEMA=3 -DREADS=0
compile counter_export_fails $c counter.c $tidy -DSCHEMA=1 -DREADS=1 -DEXPORT_FAILS
compile counter_export_waits $c counter.c $tidy -DSCHEMA=1 -DREADS=2 -DEXPORT_WAITS
compile counter_self_test_fails $c counter.c $tidy -DSCHEMA=1 -DREADS=1 -DSELF_TEST_FAILS
compile counter_echo_differs $c counter.c $tidy -DSCHEMA=2 -DREADS=2 -DECHO_DIFFERS -DDECLARES=SOGOV_PLUGIN_IDEMPOTENT
compile counter_fails $c counter.c $tidy -DSCHEMA=2 -DREADS=2 -DFAILS
compile counter_export_traps $c counter.c $tidy -DSCHEMA=1 -DREADS=2 -DEXPORT_TRAPS
compile counter_import_traps $c counter.c $tidy -DSCHEMA=1 -DREADS=2 -DIMPORT_TRAPS
compile counter_self_test_traps $c counter.c $tidy -DSCHEMA=1 -DREADS=2 -DSELF_TEST_TRAPS
compile counter_breaks $c counter.c $tidy -DSCHEMA=2 -DREADS=2 -DBREAKS

# No linker option leaves PT_GNU_STACK out: its program header becomes PT_NULL. The headers stand at offset 64,
# 56 bytes each, with the type first.
index=$(LC_ALL=C readelf -lW "$out/no_gnu_stack.so" | awk '
    $1 == "Type" { i = 0; next }
    $2 ~ /^0x/ { if ($1 == "GNU_STACK") print i; i++ }')
[ -n "$index" ] || { echo "$zoo/build.sh: no_gnu_stack.so has no PT_GNU_STACK to take away" >&2; exit 1; }
printf '\0\0\0\0' | dd of="$out/no_gnu_stack.so" bs=1 seek=$((64 + 56 * index)) conv=notrunc status=none

# Another machine (EM_S390), another class (ELFCLASS32): bytes 18 and 4 of the header.
cp "$out/plain_v1.so" "$out/other_machine.so"
printf '\026\0' | dd of="$out/other_machine.so" bs=1 seek=18 conv=notrunc status=none
cp "$out/plain_v1.so" "$out/elf32.so"
printf '\001' | dd of="$out/elf32.so" bs=1 seek=4 conv=notrunc status=none

mv "$out/.building" "$out/.built"

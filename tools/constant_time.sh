#!/bin/sh
# Runs what handles private keys and nonces under valgrind, with the secrets marked as undefined memory: a branch or an
# address that depends on them is an error. Then three functions that leak on purpose, which valgrind has to report: if
# it does not, the check proves nothing. Usage: tools/constant_time.sh TARGET_DIR
set -eu
target=$1
cd "$(dirname "$0")/.."

tests=$(RUSTFLAGS="--cfg ctgrind" CARGO_TARGET_DIR="$target" \
    cargo test --release --lib --locked --no-run --message-format short 2>&1 | sed -n 's/.*Executable.*(\(.*\)).*/\1/p')
[ -x "$tests" ] || { echo "constant time: the tests do not build" >&2; exit 1; }

# Runs the tests whose names contain $2 at the level $1.
under_valgrind() {
    SOGOV_CPU=$1 valgrind --quiet --error-exitcode=9 "$tests" --test-threads=1 "$2" 2>&1
}

for level in portable adx avx2; do
    report=$(under_valgrind "$level" constant_time_) && status=0 || status=$?
    case "$status $report" in
    "0 "*"test result: ok. 8 passed"*) echo "constant time: no time depends on secrets at the level $level" ;;
    *)
        printf '%s\nconstant time: not shown at the level %s\n' "$report" "$level" >&2
        exit 1
        ;;
    esac
done

for leak in leaky_branch leaky_index leaky_table; do
    report=$(under_valgrind portable "$leak") && status=0 || status=$?
    case "$status $report" in
    "9 "*"ninitialised value"*) echo "constant time: $leak is reported, as it should be" ;;
    *)
        printf '%s\nconstant time: %s is not reported\n' "$report" "$leak" >&2
        exit 1
        ;;
    esac
done

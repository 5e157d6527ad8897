#!/bin/sh
# Builds the fuzz targets with libFuzzer's instrumentation and address sanitizer, and runs each from its committed corpus.
# What is found on the way goes to the target directory. Usage: tools/fuzz.sh TARGET_DIR SECONDS
set -eu
target=$1/fuzz seconds=$2
cd "$(dirname "$0")/../fuzz"

cargo +nightly --version >/dev/null 2>&1 || {
    echo "make fuzz-short: needs a nightly toolchain (rustup toolchain install nightly)" >&2
    exit 1
}

# What `cargo fuzz build` passes, so that it need not be installed.
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares"
host=$(rustc +nightly -vV | sed -n 's/^host: //p')
RUSTFLAGS="--cfg fuzzing -Zsanitizer=address $coverage" CARGO_TARGET_DIR=$target \
    cargo +nightly build --release --locked --quiet --target "$host"

for corpus in corpus/*; do
    name=${corpus#corpus/}
    mkdir -p "$target/corpus/$name" "$target/artifacts/$name"
    "$target/$host/release/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$target/artifacts/$name/" "$target/corpus/$name" "$corpus" 2>"$target/$name.log" || {
        tail -40 "$target/$name.log" >&2
        exit 1
    }
    sed -n 's/^stat::number_of_executed_units: /'"$name"': runs without a finding: /p' "$target/$name.log"
done

#!/bin/sh
# Fetches a build of OpenSSL 1.1.1l for the example two_openssl: the libcrypto in a published Python wheel, which is pinned
# by its SHA-256. Nothing is installed. It is kept in TARGET_DIR/openssl-1.1.1l and fetched once.
# Usage: tools/fetch_openssl.sh TARGET_DIR, after tools/setup.sh; prints the library's path.
set -eu
target=$1
place=$target/openssl-1.1.1l
library=$place/libcrypto.so.1.1
wheel_sha256=887dd9aac71765ac0d0bac1d0d4b4f2c99d5f5c1382d8b770404f0f3d0ce8a39

if [ ! -e "$library" ]; then
    rm -rf "$place"
    mkdir -p "$place"
    printf 'psycopg2-binary==2.9.3 --hash=sha256:%s\n' "$wheel_sha256" >"$place/wheel.txt"
    "$target/venv/bin/pip" download -q --disable-pip-version-check --require-hashes --no-deps --only-binary :all: \
        --implementation cp --python-version 39 --abi cp39 --platform manylinux2014_x86_64 \
        --dest "$place" -r "$place/wheel.txt" >&2
    "$target/venv/bin/python" -m zipfile -e "$place"/*.whl "$place/wheel"
    # Last, and in one step: what is there is whole.
    mv "$place"/wheel/psycopg2_binary.libs/libcrypto-*.so.1.1 "$library"
    rm -rf "$place/wheel"
fi
printf '%s\n' "$library"

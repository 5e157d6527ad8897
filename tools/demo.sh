#!/bin/sh
# The main job, end to end: keys are made, plugins are signed, and a payment host governs them, in C, in C++ and in
# Python. Exit code 0 only if every count was as it must be. Usage: tools/demo.sh TARGET_DIR, after `make examples`.
set -eu
target=$1
root=$(cd "$(dirname "$0")/.." && pwd)
sogov=$target/release/sogov
work=$target/demo

title() { printf '\n== %s\n' "$*"; }

rm -rf "$work"
mkdir -p -m 700 "$work"
cd "$work"

title "Keys, trust and signatures (the program sogov)"
"$sogov" keygen --out root.pem --public root.pub.pem
"$sogov" keygen --out release.pem --public release.pub.pem
"$sogov" key-id root.pub.pem >root.id
"$sogov" trust init --dir trust --root root.pem --key release.pub.pem:fee
for version in v1 v2 v3; do
    "$sogov" sign --key release.pem --service fee --version $version --epoch 1 --out fee-$version.so \
        "$target/plugins/libfee_$version.so"
done
cp "$target/plugins/libfee_v1.so" fee-unsigned.so
# One byte of the signed plugin's code, changed.
cp fee-v1.so fee-tampered.so
byte=$(od -An -tu1 -j 4352 -N 1 fee-tampered.so)
# shellcheck disable=SC2059 # the octal escape is the format
printf "\\$(printf '%03o' $((byte ^ 1)))" | dd of=fee-tampered.so bs=1 seek=4352 conv=notrunc status=none

title "The same plugin in Rust, C++ and Go: inspected, and side by side"
for language in rust cpp go; do
    "$sogov" sign --key release.pem --service fee --version $language --epoch 1 --out fee-$language.so \
        "$target/plugins/libfee_$language.so"
done
"$sogov" inspect --trust trust --root-id "$(cat root.id)" --service fee fee-rust.so
for language in v1 rust cpp go; do
    "$sogov" run --trust trust --root-id "$(cat root.id)" --service fee --load $language=fee-$language.so \
        --input 'amount=1234.56 currency=CNY' | tee $language.out
    grep -q 'fee=6.17 currency=CNY' $language.out
done

title "A payment host in C"
"$target/hosts/payment_host" "$work"

title "A payment host in C++"
"$target/hosts/payment_host_cpp" "$work"

title "A payment host in Python"
PYTHONPATH=$root/python_bindings/src "$target/venv/bin/python" "$root/python_bindings/examples/payment_host.py" "$work"

title "Third-party libraries, governed by detached signatures"
mkdir -m 700 third_party
"$target/hosts/third_party" "$work/third_party"

title "OpenSSL 1.1.1 and OpenSSL 3, two versions of one service"
if openssl=$("$root/tools/fetch_openssl.sh" "$target"); then
    mkdir -m 700 two_openssl two_openssl_linked
    "$target/hosts/two_openssl" "$work/two_openssl" "$openssl"
    echo "and in a host that is linked against OpenSSL 3 itself:"
    "$target/hosts/two_openssl_linked" "$work/two_openssl_linked" "$openssl"
else
    echo "not shown: OpenSSL 1.1.1 could not be fetched"
fi

title "Done: every count was as it must be"

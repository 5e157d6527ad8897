#!/bin/sh
# Runs a host program over a fresh release: run.sh OUT COMMAND [ARGUMENT]...
# OUT is where the Makefile beside this built to. The command finds in the directory $SOGOV_HOSTS:
#   trust/                       a trust directory in the development mode
#   stamp-v1.so ... stamp-v6.so  the plugin stamp, signed; each answers with its label and the request
#   copy-v1.so                   answers with the request
#   slow-v1.so reentrant-v1.so go-v1.so   of the zoo (tests/zoo/README.md)
#   crash-v1.so crash-v2.so      the plugin stamp, and the zoo's crash
# The directory is a temporary one because a trust directory must not stand below one that others may write to.
set -eu
out=$1
shift
SOGOV_HOSTS=$(mktemp -d)
export SOGOV_HOSTS
trap 'rm -rf "$SOGOV_HOSTS"' EXIT
plugins=${SOGOV_HOSTS_PLUGINS:-$out}
"$out/release" "$SOGOV_HOSTS" \
    stamp v1 "$plugins/stamp_v1.so" stamp v2 "$plugins/stamp_v2.so" stamp v3 "$plugins/stamp_v3.so" \
    stamp v4 "$plugins/stamp_v4.so" stamp v5 "$plugins/stamp_v5.so" stamp v6 "$plugins/stamp_v6.so" \
    crash v1 "$plugins/stamp_v1.so" crash v2 "$out/zoo/crash.so" go v1 "$out/zoo/go_v1.so" \
    copy v1 "$out/copy.so" slow v1 "$out/zoo/slow.so" reentrant v1 "$out/zoo/reentrant.so"
"$@"

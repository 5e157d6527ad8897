#!/bin/sh
# Packs the built library and program for Debian: libsogov0, libsogov-dev and sogov, with dpkg-deb alone.
# DEBFULLNAME and DEBEMAIL say who answers for the packages. Usage: packaging/deb.sh RELEASE_DIR OUT
set -eu
release=$1
out=$2
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
umask 022
export LC_ALL=C
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct)}
export SOURCE_DATE_EPOCH

main() {
    upstream=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -1)
    # Whoever packs it for a distribution has a greater revision.
    version=$upstream-0sogov1
    # The ABI may change with a minor version while the major one is 0 (docs/conventions.md, "Stability").
    next=${upstream%%.*}.$(($(echo "$upstream" | cut -d. -f2) + 1))~
    architecture=$(dpkg --print-architecture)
    triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
    maintainer="${DEBFULLNAME:-sogov maintainers} <${DEBEMAIL:-maintainers@sogov.invalid}>"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT

    make -s -C "$here" install RELEASE="$release" DESTDIR="$work/all" PREFIX=/usr LIBDIR="/usr/lib/$triplet"
    take libsogov0 "usr/lib/$triplet/libsogov.so.*"
    take sogov "usr/bin" "usr/share/man"
    take libsogov-dev "usr/lib/$triplet" "usr/include"
    leftover=$(find "$work/all" -not -type d)
    [ -z "$leftover" ] || { echo "deb.sh: in no package: $leftover" >&2; exit 1; }

    copyright >"$work/copyright"
    changelog >"$work/changelog.Debian"
    printf 'libsogov 0 libsogov0 (>= %s), libsogov0 (<< %s)\n' "$upstream" "$next" >"$work/shlibs"
    package libsogov0 "Section: libs
Multi-Arch: same"
    package sogov "Section: utils
Multi-Arch: foreign"
    package libsogov-dev "Section: libdevel
Multi-Arch: same"
}

# Moves what fits the patterns from the installed tree to a package's.
take() {
    name=$1
    shift
    for pattern; do
        # shellcheck disable=SC2086 # the pattern is for the shell
        (cd "$work/all" && find $pattern -not -type d) | while read -r file; do
            mkdir -p "$work/$name/$(dirname "$file")"
            mv "$work/all/$file" "$work/$name/$file"
        done
    done
}

# Adds what every package has, works out what it depends on, and packs it. $2: fields of its control file.
package() {
    name=$1
    tree=$work/$name
    mkdir -p "$tree/DEBIAN" "$tree/usr/share/doc/$name"
    cp "$work/copyright" "$tree/usr/share/doc/$name"
    gzip -9n <"$work/changelog.Debian" >"$tree/usr/share/doc/$name/changelog.Debian.gz"
    gzip -9n <"$root/CHANGELOG.md" >"$tree/usr/share/doc/$name/changelog.gz"
    find "$tree/usr/share" -path '*/man/*' -type f -exec gzip -9n {} +
    if [ "$name" = libsogov0 ]; then
        cp "$work/shlibs" "$tree/DEBIAN/shlibs"
        echo "activate-noawait ldconfig" >"$tree/DEBIAN/triggers"
    fi
    (cd "$tree" && find usr -type f | sort | xargs md5sum) >"$tree/DEBIAN/md5sums"
    {
        printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: %s\n' \
            "$name" "$version" "$architecture" "$maintainer"
        printf 'Source: sogov\nPriority: optional\n%s\nInstalled-Size: %s\n' "$2" "$(kibibytes "$tree/usr")"
        dependencies "$name"
        cat "$here/debian/$name.description"
    } >"$tree/DEBIAN/control"
    dpkg-deb --root-owner-group -Zxz --build "$tree" "$out/${name}_${version}_$architecture.deb" >/dev/null
}

# As Debian's tools count: each file rounded up, whatever the file system here takes for it.
kibibytes() {
    find "$1" -printf '%y %s\n' | awk '{ sum += $1 == "f" ? int(($2 + 1023) / 1024) : 1 } END { print sum }'
}

# What the dynamic linker has to find. The program has the engine in it, so it does not need libsogov0.
dependencies() {
    case $1 in
    libsogov-dev)
        # gcc looks for -lgcc_s in its own directory, so only the C library's files have to be asked for.
        printf 'Depends: libsogov0 (= %s), libc6-dev | libc-dev\n' "$version"
        ;;
    *)
        mkdir -p "$work/substitute/debian"
        printf 'Source: sogov\n\nPackage: %s\nArchitecture: any\n' "$1" >"$work/substitute/debian/control"
        binary=$(find "$tree/usr" -type f \( -path '*/bin/*' -o -name 'lib*.so.*' \))
        found=$(cd "$work/substitute" && dpkg-shlibdeps -O --warnings=0 "$binary")
        printf 'Depends: %s\n' "${found#shlibs:Depends=}"
        ;;
    esac
}

copyright() {
    sed "s/@year@/$(date -u +%Y -d "@$SOURCE_DATE_EPOCH")/" "$here/debian/copyright"
    "$here/crates.py" >"$work/crates"
    sed 's/^ *$/./; s/^/ /' "$work/crates"
}

changelog() {
    printf 'sogov (%s) unstable; urgency=medium\n\n  * Release %s: see changelog.gz.\n\n -- %s  %s\n' \
        "$version" "$upstream" "$maintainer" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")"
}

main

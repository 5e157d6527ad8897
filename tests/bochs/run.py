#!/usr/bin/env python3
"""Runs the library's unit tests where AVX-512 IFMA is: on this processor if it has it, else on one that Bochs emulates.

usage: run.py TARGET_DIR [TEST_ARGUMENT...]

Bochs boots Debian's kernel with the test binary in its initial RAM disk. The Debian packages that are not part of the
machine (kernel, boot loader, BusyBox) are downloaded once and unpacked below TARGET_DIR/bochs; nothing is installed.
The exit status is that of the tests.
"""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
KERNEL = "linux-image-cloud-amd64"
PACKAGES = ["bochs-term", "busybox-static", "genisoimage", "isolinux", "syslinux-common"]
PLUGINS = "usr/lib/x86_64-linux-gnu/bochs/plugins"
TIME_LIMIT_S = 1800
RESULT = re.compile(r"^SOGOV-TESTS-EXIT (\d+)\s*$", re.MULTILINE)


def main() -> int:
    target, arguments = Path(sys.argv[1]).resolve(), sys.argv[2:]
    binary = test_binary(target)
    if "avx512ifma" in Path("/proc/cpuinfo").read_text():
        environment = os.environ | {"SOGOV_TEST_IFMA": "1"}
        return subprocess.run([binary, *arguments], env=environment, check=False).returncode
    if not shutil.which("bochs-bin"):
        sys.exit("run.py: no AVX-512 IFMA here and no emulator: apt-get install bochs")
    work = target / "bochs"
    root = unpacked_packages(work)
    disc = boot_disc(work, root, binary, arguments)
    return emulate(work, root, disc)


def test_binary(target: Path) -> Path:
    """Builds the unit tests of the library."""
    command = ["cargo", "test", "--release", "--lib", "--no-run", "--locked", "--message-format=json"]
    environment = os.environ | {"CARGO_TARGET_DIR": str(target)}
    built = subprocess.run(command, cwd=HERE, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    messages = map(json.loads, built.stdout.splitlines())
    return next(
        Path(m["executable"]) for m in messages if m.get("executable") and m["target"]["name"] == "sogov"
    )


def unpacked_packages(work: Path) -> Path:
    """Downloads and unpacks the Debian packages unless that was done before."""
    root = work / "root"
    if not root.exists():
        depends = subprocess.check_output(["apt-cache", "depends", KERNEL], text=True)
        kernel = re.search(r"Depends: (linux-image-\S+)", depends)
        if kernel is None:
            sys.exit(f"run.py: no package {KERNEL} is known to apt (apt-get update)")
        packages, unpacking = work / "packages", work / "unpacking"
        packages.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "-q", kernel[1], *PACKAGES], cwd=packages, check=True)
        for package in packages.glob("*.deb"):
            subprocess.run(["dpkg-deb", "--extract", package, unpacking], check=True)
        unpacking.rename(root)
    return root


def boot_disc(work: Path, root: Path, binary: Path, arguments: list[str]) -> Path:
    """A CD image that boots the kernel with the tests as its first process's only child."""
    disc = work / "disc"
    shutil.rmtree(disc, ignore_errors=True)
    disc.mkdir(parents=True)
    shutil.copy(next(root.glob("boot/vmlinuz-*")), disc / "vmlinuz")
    shutil.copy(root / "usr/lib/ISOLINUX/isolinux.bin", disc)
    shutil.copy(root / "usr/lib/syslinux/modules/bios/ldlinux.c32", disc)
    shutil.copy(HERE / "isolinux.cfg", disc)
    (disc / "initrd").write_bytes(initial_ram_disk(work, root, binary, arguments))
    image = work / "disc.iso"
    loader = [
        "-b",
        "isolinux.bin",
        "-c",
        "boot.cat",
        "-no-emul-boot",
        "-boot-load-size",
        "4",
        "-boot-info-table",
    ]
    maker = root / "usr/bin/genisoimage"
    subprocess.run([maker, "-quiet", "-R", "-o", image, *loader, disc], check=True)
    return image


def initial_ram_disk(work: Path, root: Path, binary: Path, arguments: list[str]) -> bytes:
    """The guest's files as a cpio archive ("newc", Documentation/driver-api/early-userspace/buffer-format.rst)."""
    stripped = work / "tests"
    subprocess.run(["strip", "-o", stripped, binary], check=True)
    files = {"init": HERE / "init", "bin/busybox": root / "bin/busybox", "tests": stripped}
    for line in subprocess.check_output(["ldd", binary], text=True).splitlines():
        if library := re.search(r"(/\S+) \(0x", line):
            files[library[1].lstrip("/")] = Path(library[1]).resolve()
    content = {name: path.read_bytes() for name, path in files.items()}
    content["arguments"] = "".join(f"{a}\n" for a in arguments).encode()
    directories = {str(d) for name in content for d in Path(name).parents} - {"."} | {"proc", "dev", "tmp"}
    archive = [cpio_entry(name, stat.S_IFDIR | 0o755, b"") for name in sorted(directories)]
    archive += [cpio_entry(name, stat.S_IFREG | 0o755, data) for name, data in sorted(content.items())]
    return b"".join([*archive, cpio_entry("TRAILER!!!", 0, b"")])


def cpio_entry(name: str, mode: int, data: bytes) -> bytes:
    """A header of hexadecimal fields, the name and the data, each filled up to four bytes."""
    path = name.encode() + b"\0"
    #         inode  mode  uid gid links mtime size      device major and minor, twice  name       checksum
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0]
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + path
    return header + bytes(-len(header) % 4) + data + bytes(-len(data) % 4)


def emulate(work: Path, root: Path, disc: Path) -> int:
    """Boots the CD until the guest says how the tests ended; its serial line goes to standard output."""
    console, log, config, commands = (
        work / name for name in ("console.txt", "bochs.txt", "bochsrc", "commands")
    )
    console.write_bytes(b"")
    config.write_text((HERE / "bochsrc").read_text().format(disc=disc, console=console, log=log))
    # Debian's Bochs has the debugger built in, which waits for a command: continue.
    commands.write_text("c\n")
    environment = os.environ | {"TERM": "linux", "LTDL_LIBRARY_PATH": f"{root / PLUGINS}:/{PLUGINS}"}
    command = ["bochs-bin", "-q", "-f", config, "-rc", commands]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # A session of its own keeps the terminal's signals away, which the debugger would take for itself.
    bochs = subprocess.Popen(command, env=environment, start_new_session=True, **quiet)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    end, seen, result = time.monotonic() + TIME_LIMIT_S, 0, None
    try:
        while result is None and bochs.poll() is None and time.monotonic() < end:
            time.sleep(0.5)
            text = console.read_text(errors="replace")
            sys.stdout.write(text[seen:])
            sys.stdout.flush()
            seen, result = len(text), RESULT.search(text)
    finally:
        bochs.kill()
        bochs.wait()
    if result is None:
        print(f"run.py: the guest did not finish: see {console} and {log}", file=sys.stderr)
        return 1
    return int(result[1])


if __name__ == "__main__":
    sys.exit(main())

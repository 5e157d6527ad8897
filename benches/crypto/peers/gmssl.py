"""GmSSL as a peer, through the C functions that the extension module of the wheel `gmssl_pyx` carries."""

import ctypes
import os
import sys
import time
from collections.abc import Callable
from ctypes import byref, c_char_p, c_size_t, create_string_buffer

USER_ID = b"1234567812345678"
STREAM = bytes(i % 251 for i in range(1 << 20))
KEY_SIZE, CONTEXT_SIZE = 4 << 10, 64 << 10  # more than GmSSL's structures take

Case = tuple[bytes, bytes, bytes]  # SubjectPublicKeyInfo, signature, message


class GmSSL:
    """Keys and contexts are opaque buffers; a context keeps its key's table and Z from one message to the next."""

    def __init__(self) -> None:
        import gmssl_pyx.gmsslext as extension

        self.c = ctypes.CDLL(extension.__file__)

    def verifier(self, spki: bytes) -> ctypes.Array | None:
        key, context = create_string_buffer(KEY_SIZE), create_string_buffer(CONTEXT_SIZE)
        if self.c.sm2_public_key_info_from_der(key, byref(c_char_p(spki)), byref(c_size_t(len(spki)))) != 1:
            return None
        self.must(self.c.sm2_verify_init(context, key, USER_ID, c_size_t(len(USER_ID))))
        return context

    def verify(self, context: ctypes.Array, signature: bytes, message: bytes) -> bool:
        self.must(self.c.sm2_verify_update(context, message, c_size_t(len(message))))
        good = self.c.sm2_verify_finish(context, signature, c_size_t(len(signature))) == 1
        self.must(self.c.sm2_verify_reset(context))
        return good

    def signer(self, scalar: bytes) -> ctypes.Array:
        key, context = create_string_buffer(KEY_SIZE), create_string_buffer(CONTEXT_SIZE)
        # As 64-bit words, the least significant first; its reader of PKCS#8 insists on optional fields.
        self.must(self.c.sm2_key_set_private_key(key, scalar[::-1]))
        self.must(self.c.sm2_sign_init(context, key, USER_ID, c_size_t(len(USER_ID))))
        return context

    def sign(self, context: ctypes.Array, message: bytes) -> bytes:
        signature, length = create_string_buffer(80), c_size_t(80)
        self.must(self.c.sm2_sign_update(context, message, c_size_t(len(message))))
        self.must(self.c.sm2_sign_finish(context, signature, byref(length)))
        self.must(self.c.sm2_sign_reset(context))
        return signature.raw[: length.value]

    def digest(self, message: bytes) -> bytes:
        context, digest = create_string_buffer(1 << 10), create_string_buffer(32)
        self.c.sm3_init(context)
        self.c.sm3_update(context, message, c_size_t(len(message)))
        self.c.sm3_finish(context, digest)
        return digest.raw

    @staticmethod
    def must(status: int) -> None:
        if status != 1:
            sys.exit("GmSSL: a call failed")


class Driver:
    def __init__(self) -> None:
        self.peer = GmSSL()
        self.cases: list[Case] = []
        self.scalar = b""
        self.next = 0

    def answer(self, command: str, words: list[str]) -> str | None:
        match command:
            case "signer":
                self.scalar = unhex(words[1])
            case "case":
                spki, signature, message = map(unhex, words)
                self.cases.append((spki, signature, message))
            case "check":
                return "verdicts " + "".join("01"[self.verify_new_key(case)] for case in self.cases)
            case "sign":
                signer = self.peer.signer(self.scalar)
                return " ".join(["signatures", *(self.peer.sign(signer, case[2]).hex() for case in self.cases)])
            case "digest":
                return " ".join(["digests", *(self.peer.digest(case[2]).hex() for case in self.cases)])
            case "run":
                turn = self.operation(words[0])
                return "none" if turn is None else run(turn, int(words[1]))
            case _:
                sys.exit(f"unknown command {command}")
        return None

    def operation(self, name: str) -> Callable[[], int] | None:
        match name:
            case "verify_one":
                verifiers = [self.peer.verifier(case[0]) for case in self.cases]
                return lambda: self.accept(lambda i: self.peer.verify(verifiers[i], *self.cases[i][1:]))
            case "verify_one_new_key":
                return lambda: self.accept(lambda i: self.verify_new_key(self.cases[i]))
            case "sign_one":
                signer = self.peer.signer(self.scalar)
                return lambda: len(self.peer.sign(signer, self.cases[self.turn()][2])) and 1
            case "sm3_stream":
                return lambda: len(self.peer.digest(STREAM)) and len(STREAM)
        return None

    def verify_new_key(self, case: Case) -> bool:
        context = self.peer.verifier(case[0])
        return context is not None and self.peer.verify(context, *case[1:])

    def accept(self, verify: Callable[[int], bool]) -> int:
        if not verify(self.turn()):
            sys.exit("GmSSL: a good signature was refused")
        return 1

    def turn(self) -> int:
        self.next += 1
        return self.next % len(self.cases)


def run(turn: Callable[[], int], milliseconds: int) -> str:
    turn()
    units, begin, processor = 0, time.monotonic_ns(), time.process_time_ns()
    while True:
        units += turn()
        elapsed = time.monotonic_ns() - begin
        if elapsed >= milliseconds * 1_000_000:
            return f"ran {units} {time.process_time_ns() - processor} {elapsed}"


def unhex(word: str) -> bytes:
    return b"" if word == "-" else bytes.fromhex(word)


def silence() -> None:
    """Turns away what GmSSL prints at every refusal; Python's own errors still show."""
    sys.stderr = os.fdopen(os.dup(2), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def main() -> None:
    silence()
    try:
        driver = Driver()
    except ImportError as e:
        print(f"missing {e}")
        return
    # The wheel's release 2.1.0 says that it carries this version.
    print("driver der 3.2.0 GmSSL", flush=True)
    for line in sys.stdin:
        command, *words = line.split()
        answer = driver.answer(command, words)
        if answer is not None:
            print(answer, flush=True)


main()

"""What a call through sogov costs a Python program, over a ctypes call that copies the same request and answer. Prints
one line of JSON; started by run.sh, with the library of crossing.c as its argument.
"""

from __future__ import annotations

import ctypes
import json
import os
import statistics
import sys
import time
from collections.abc import Callable

from sogov import Engine

LENGTH = 64
ROUNDS = 31
TURNS = 5000


class Bytes(ctypes.Structure):
    """sogov_bytes."""

    _fields_ = [
        ("data", ctypes.POINTER(ctypes.c_char)),
        ("len", ctypes.c_size_t),
        ("capacity", ctypes.c_size_t),
    ]


def main(crossing_library: str) -> None:
    release = os.environ["SOGOV_HOSTS"]
    request = bytes(range(LENGTH))
    crossing = ctypes_crossing(crossing_library)
    with Engine(f"{release}/trust") as engine:
        engine.load_versioned("copy", "v1", f"{release}/copy-v1.so")
        engine.promote("copy", "v1")
        call = engine.service("copy").call
        assert call(request).data == crossing(request) == request
        # In turns, so that what disturbs the machine disturbs both.
        times = [(nanoseconds(call, request), nanoseconds(crossing, request)) for _ in range(ROUNDS)]
    ns, baseline = (statistics.median(column) for column in zip(*times))
    figure = {"key": "call_overhead_python", "ns": round(ns, 1), "baseline_ns": round(baseline, 1)}
    print(json.dumps({**figure, "ratio": round(ns / baseline, 3)}))


def ctypes_crossing(library: str) -> Callable[[bytes], bytes]:
    """A function that asks C as a Python program does without sogov: a status to look at, bytes to copy."""
    function = ctypes.CDLL(library).crossing
    function.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(Bytes)]
    function.restype = ctypes.c_int
    answer = Bytes()
    answer_ref = ctypes.byref(answer)

    def crossing(request: bytes) -> bytes:
        status = function(request, len(request), answer_ref)
        if status:
            raise RuntimeError(f"crossing: {status}")
        return answer.data[: answer.len]

    return crossing


def nanoseconds(work: Callable[[bytes], object], request: bytes) -> float:
    begin = time.perf_counter_ns()
    for _ in range(TURNS):
        work(request)
    return (time.perf_counter_ns() - begin) / TURNS


if __name__ == "__main__":
    main(sys.argv[1])

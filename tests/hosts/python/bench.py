"""What a call through sogov costs a Python program, over a ctypes call that sends the same request to the same function
through a bare pointer and copies its answer. Prints one line of JSON; started by run.sh, with the library of
go/bench/crossing.c as its argument.
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
# Many short rounds: most of them are not interrupted, however busy the machine is.
ROUNDS = 501
TURNS = 500


def main(crossing_library: str) -> None:
    release = os.environ["SOGOV_HOSTS"]
    request = bytes(range(LENGTH))
    with Engine(f"{release}/trust") as engine:
        engine.load_versioned("copy", "v1", f"{release}/copy-v1.so")
        engine.promote("copy", "v1")
        call = engine.service("copy").call
        crossing = ctypes_crossing(crossing_library, f"{release}/copy-v1.so")
        assert call(request).data == crossing(request) == request
        # In turns, so that what disturbs the machine disturbs both.
        times = [(nanoseconds(call, request), nanoseconds(crossing, request)) for _ in range(ROUNDS)]
    ns, baseline = (statistics.median(column) for column in zip(*times))
    figure = {"key": "call_overhead_python", "ns": round(ns, 1), "baseline_ns": round(baseline, 1)}
    figure |= {"over_ns": round(ns - baseline, 1), "ratio": round(ns / baseline, 3)}
    print(json.dumps({**figure, "least": [round(min(column), 1) for column in zip(*times)]}))


def ctypes_crossing(library: str, plugin: str) -> Callable[[bytes], bytes]:
    """A function that asks C as a Python program does without sogov: a status to look at, bytes to copy."""
    c = ctypes.CDLL(library)
    assert c.crossing_open(plugin.encode()) == 0
    function = c.crossing_in_place
    data, length = ctypes.POINTER(ctypes.c_char)(), ctypes.c_size_t()
    function.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.POINTER(type(data)),
        ctypes.POINTER(type(length)),
    ]
    function.restype = ctypes.c_int
    data_ref, length_ref = ctypes.byref(data), ctypes.byref(length)

    def crossing(request: bytes) -> bytes:
        status = function(request, len(request), data_ref, length_ref)
        if status:
            raise RuntimeError(f"crossing: {status}")
        return data[: length.value]

    return crossing


def nanoseconds(work: Callable[[bytes], object], request: bytes) -> float:
    begin = time.perf_counter_ns()
    for _ in range(TURNS):
        work(request)
    return (time.perf_counter_ns() - begin) / TURNS


if __name__ == "__main__":
    main(sys.argv[1])

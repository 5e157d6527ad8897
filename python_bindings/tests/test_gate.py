"""Who is inside an object, and what closing does about it."""

from __future__ import annotations

import gc
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import sogov
from sogov._gate import Gate


class Tool:
    """What a user of a gate takes."""


def test_whoever_has_a_tool_is_inside() -> None:
    gate = Gate("thing")
    tool = gate.keep(Tool())
    with pytest.raises(sogov.BusyError, match="1 in use"):
        gate.shut()
    gate.idle.append(tool)
    assert gate.shut()
    assert not gate.shut()
    assert gate.idle.pop() is tool
    with pytest.raises(sogov.ClosedError):
        gate.wait(tool)
    assert list(gate.idle) == [tool]


def test_a_tool_that_was_lost_holds_nobody_up() -> None:
    gate = Gate("thing")
    tool = gate.keep(Tool())
    with pytest.raises(sogov.BusyError):
        gate.shut()
    del tool
    gc.collect()
    assert gate.shut()


def test_who_meets_a_gate_that_gets_shut_is_turned_away_and_keeps_nobody_waiting() -> None:
    gate = Gate("thing")
    first, second = gate.keep(Tool()), gate.keep(Tool())
    gate.idle.append(second)
    with ThreadPoolExecutor(2) as pool:
        shut = pool.submit(gate.shut, 60)
        while not gate.shutting:
            time.sleep(0)
        met = pool.submit(gate.wait, gate.idle.pop())
        gate.idle.append(first)
        gate.tell()
        assert shut.result()
        with pytest.raises(sogov.ClosedError):
            met.result()
    assert set(gate.idle) == {first, second}


def test_who_meets_a_gate_that_is_not_shut_after_all_goes_in() -> None:
    gate = Gate("thing")
    tools = [gate.keep(Tool()), gate.keep(Tool())]
    with ThreadPoolExecutor(2) as pool:
        shut = pool.submit(gate.shut, 0.01)
        pool.submit(gate.wait, tools[1]).result()
        with pytest.raises(sogov.BusyError):
            shut.result()
    with pytest.raises(sogov.BusyError, match="2 in use"):
        gate.shut()


def test_a_child_begins_with_nobody_inside() -> None:
    gate = Gate("thing")
    tool = gate.keep(Tool())
    idle = gate.idle
    gate.enter(object())
    gate.after_fork()
    # The call that was in a fork goes out of the gate of before.
    idle.append(tool)
    assert gate.shut()

"""Hot update: steps, state, shadow calls, cancelling."""

from __future__ import annotations

import contextlib

import pytest
from support import Trust, zoo

import sogov
from sogov import Engine, GrayStep, Standing, UpdatePhase, UpdateProgress, UpdateState, UpdateStep


@pytest.fixture
def counter(engine: Engine, trust: Trust) -> Engine:
    """An engine with the service counter: v1 stable, counted to 3."""
    engine.load_versioned("counter", "v1", trust.signed(zoo("counter_v1"), "counter", "v1"))
    engine.promote("counter", "v1")
    for _ in range(3):
        engine.service("counter").call(b"add")
    return engine


def test_an_update_moves_the_state_and_tells_its_steps(counter: Engine, trust: Trust) -> None:
    steps: list[UpdateStep] = []

    def follow(progress: UpdateProgress) -> None:
        if progress.phase is UpdatePhase.ENDS:
            steps.append(progress.step)

    updated = counter.update(
        "counter",
        "v2",
        trust.signed(zoo("counter_v2"), "counter", "v2"),
        state=UpdateState.HANDOVER,
        progress=follow,
        actor="tests",
        reason="a new schema",
    )
    assert (updated.version, updated.standing) == ("v2", Standing.STABLE)
    assert steps == [
        UpdateStep.VERIFY,
        UpdateStep.PREFLIGHT,
        UpdateStep.LOAD,
        UpdateStep.IMPORT_STATE,
        UpdateStep.SELF_TEST,
        UpdateStep.HANDOVER,
        UpdateStep.DONE,
    ]
    assert counter.service("counter").call(b"get").data == b"v2 3"


def test_a_version_that_fails_under_gray_is_taken_back(counter: Engine, trust: Trust) -> None:
    def call(progress: UpdateProgress) -> None:
        if progress.step is UpdateStep.GRAY:
            with contextlib.suppress(sogov.PluginError):
                counter.service("counter").call(b"get")

    with pytest.raises(sogov.UpdateFailedError, match="gray: expected at most 100 of 10000 calls to fail"):
        counter.update(
            "counter",
            "v2",
            trust.signed(zoo("counter_fails"), "counter", "v2"),
            gray=[GrayStep(10_000, calls=2)],
            on_no_data=sogov.UpdateNoData.HOLD,
            progress=call,
        )
    assert [info.version for info in counter.versions("counter")] == ["v1"]
    assert counter.service("counter").call(b"get").data == b"v1 3"


def test_shadow_calls_report_what_differs_without_content(counter: Engine, trust: Trust) -> None:
    found: list[sogov.UpdateMismatch] = []

    def call(progress: UpdateProgress) -> None:
        if progress.step is UpdateStep.SHADOW and progress.mismatch is None:
            assert counter.service("counter").call(b"echo a").data == b"a"
        if progress.mismatch is not None:
            found.append(progress.mismatch)

    with pytest.raises(sogov.UpdateFailedError, match="shadow: "):
        counter.update(
            "counter",
            "v2",
            trust.signed(zoo("counter_echo_differs"), "counter", "v2"),
            shadow_requests=5,
            shadow_ms=60_000,
            progress=call,
        )
    assert [(one.request_len, one.expected_len, one.found_len) for one in found] == [(6, 1, 9)]
    assert found[0].expected_digest == sogov.digest(b"a")


def test_the_callback_cancels_by_its_answer_or_by_an_exception(counter: Engine, trust: Trust) -> None:
    signed = trust.signed(zoo("counter_v2"), "counter", "v2")
    with pytest.raises(sogov.CancelledError, match="self test: was cancelled"):
        counter.update("counter", "v2", signed, progress=lambda now: now.step is not UpdateStep.SELF_TEST)
    with pytest.raises(ZeroDivisionError):
        counter.update("counter", "v2", signed, progress=lambda now: bool(1 // 0))
    assert [info.version for info in counter.versions("counter")] == ["v1"]

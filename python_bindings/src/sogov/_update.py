"""Hot update: what is asked of a new version, and how far it has come."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Callable, Optional

from . import _abi, _convert
from ._enums import UpdateNoData, UpdatePhase, UpdateState, UpdateStep


@dataclass(frozen=True)
class GrayStep:
    """A time in which the new version gets a share of the requests."""

    share: int
    """Of 10,000; shares grow from step to step."""
    calls: int = 0
    """For how many calls of the new version at least; with fewer nothing is said about failures."""
    hold_ms: int = 0
    """For how many milliseconds at least."""


@dataclass(frozen=True)
class UpdateMismatch:
    """A copy of a request that two versions answered differently: sizes and SM3 digests, no content."""

    request_len: int
    expected_len: int
    found_len: int
    expected_status: int
    found_status: int
    request_digest: bytes
    expected_digest: bytes
    found_digest: bytes


@dataclass(frozen=True)
class UpdateProgress:
    """How far an update has come."""

    step: UpdateStep
    phase: UpdatePhase
    share: int
    """The new version's share of the requests, in 10,000."""
    elapsed_ms: int
    """Since the step began."""
    calls: int
    """Of the new version, since the step began."""
    failures: int
    """Those that failed."""
    compared: int
    """Copies of requests whose answers were compared."""
    mismatched: int
    """Those that were answered otherwise."""
    dropped: int
    """Copies for which there was no room."""
    mismatch: UpdateMismatch | None
    """One of the first mismatches."""
    message: str
    """Why the update was rolled back; empty otherwise."""


Follow = Callable[[UpdateProgress], Optional[bool]]


class Follower:
    """Hands the progress to a function, whose exception cancels the update and is kept."""

    def __init__(self, follow: Follow) -> None:
        self.failure: BaseException | None = None
        self._follow = follow
        self.callback = _abi.UPDATE_CALLBACK(self._tell)

    def _tell(self, _context: int, address: int) -> int:
        try:
            told = self._follow(_progress(_abi.UpdateProgress.from_address(address)))
        except BaseException as failure:
            self.failure = self.failure or failure
            return 1
        return int(told is False)


def options(
    gray: Sequence[GrayStep],
    state: UpdateState,
    on_no_data: UpdateNoData,
    follower: Follower | None,
    texts: tuple[str, str],
    paths: tuple[bytes, bytes],
    flags: tuple[bool, bool, bool],
    numbers: dict[str, int],
) -> _abi.UpdateOptions:
    """The struct; `flags` are keep_failed, wait_durable and isolated, `texts` actor and reason, `paths` those
    of the signature and the bill of materials.
    """
    who, why = _convert.text(texts[0], "actor"), _convert.text(texts[1], "reason")
    steps = (_abi.UpdateGray * len(gray))(
        *(
            _abi.UpdateGray(
                _convert.number(step.share, 32, "share"),
                _convert.number(step.hold_ms, 32, "hold_ms"),
                _convert.number(step.calls, 64, "calls"),
            )
            for step in gray
        )
    )
    wide = ("shadow_requests", "shadow_mismatches", "probation_calls")
    made = _abi.UpdateOptions(
        size=ctypes.sizeof(_abi.UpdateOptions),
        actor=who,
        actor_len=len(who),
        reason=why,
        reason_len=len(why),
        signature_path=paths[0],
        signature_path_len=len(paths[0]),
        sbom_path=paths[1],
        sbom_path_len=len(paths[1]),
        gray=ctypes.cast(steps, ctypes.POINTER(_abi.UpdateGray)),
        gray_count=len(gray),
        state=UpdateState(state),
        on_no_data=UpdateNoData(on_no_data),
        keep_failed=int(bool(flags[0])),
        wait_durable=int(bool(flags[1])),
        isolated=int(bool(flags[2])),
        **{name: _convert.number(n, 64 if name in wide else 32, name) for name, n in numbers.items()},
    )
    if follower is not None:
        made.progress = follower.callback
    return made


def _progress(raw: _abi.UpdateProgress) -> UpdateProgress:
    message = ctypes.string_at(raw.message, raw.message_len) if raw.message else b""
    return UpdateProgress(
        step=UpdateStep(raw.step),
        phase=UpdatePhase(raw.phase),
        share=raw.share,
        elapsed_ms=raw.elapsed_ms,
        calls=raw.calls,
        failures=raw.failures,
        compared=raw.compared,
        mismatched=raw.mismatched,
        dropped=raw.dropped,
        mismatch=_mismatch(raw.mismatch.contents) if raw.mismatch else None,
        message=message.decode("utf-8", "replace"),
    )


def _mismatch(raw: _abi.UpdateMismatch) -> UpdateMismatch:
    return UpdateMismatch(
        request_len=raw.request_len,
        expected_len=raw.expected_len,
        found_len=raw.found_len,
        expected_status=raw.expected_status,
        found_status=raw.found_status,
        request_digest=bytes(raw.request_digest),
        expected_digest=bytes(raw.expected_digest),
        found_digest=bytes(raw.found_digest),
    )

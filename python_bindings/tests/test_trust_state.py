"""The trust directory while an engine runs: what is revoked leaves service, and the clock is confirmed."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from support import Trust, fee

import sogov
from sogov import ClockVerdict, Engine, EventKind, Standing


def test_what_is_revoked_leaves_service(trust: Trust) -> None:
    events: list[sogov.Event] = []
    never = 2**32 - 1
    # Without root keys, so that the deny-list needs no signature.
    with Engine(trust.path, event=events.append, trust_check_ms=never) as engine:
        for version in ("v1", "v2"):
            info = engine.load_versioned("fee", version, trust.signed(fee(version), "fee", version))
            engine.promote("fee", version)
        before = engine.refresh_trust()
        assert (before.denylist_number, before.root_set, before.durable) == (0, 0, False)
        entry = {"digest": f"sm3:{info.digest.hex()}", "reason": "CVE-2026-1"}
        denylist = {"schema": 1, "number": 3, "artifacts": [entry]}
        (trust.path / "denylist.json").write_text(json.dumps(denylist))
        after = engine.refresh_trust(actor="tests", reason="a finding")
        assert (after.denylist_number, after.revoked_serving, after.clock) == (3, 0, ClockVerdict.BELIEVED)
        assert abs(after.time - datetime.now(timezone.utc)) < timedelta(hours=1)
        assert engine.versions("fee")[0].standing is Standing.STABLE
        (event,) = [event for event in events if event.kind is EventKind.REVOKED]
        assert event.version == "v2"
        assert "CVE-2026-1" in event.detail
        # NOT_FOUND where the housekeeping has unloaded it meanwhile.
        with pytest.raises((sogov.RevokedError, sogov.NotFoundError)):
            engine.promote("fee", "v2")

        with pytest.raises(sogov.ArgumentError):
            engine.confirm_time(actor="tests", reason="")
        assert engine.confirm_time(actor="tests", reason="to see") >= after.time


def test_so_many_root_keys_have_to_sign(trust: Trust) -> None:
    other = sogov.PrivateKey.generate()
    roots = [trust.root.key_id, other.key_id]
    with Engine(trust.path, roots) as engine:
        assert engine.refresh_trust().root_set == 1
    with pytest.raises(sogov.TrustInvalidError):
        Engine(trust.path, roots, root_threshold=2)

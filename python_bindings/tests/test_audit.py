"""The audit trail of an engine: what is in it, and what is found when it was edited."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import Trust, fee

import sogov
from sogov import AuditOptions, Engine, PrivateKey


def test_a_change_is_recorded_and_an_edited_record_is_found(trust: Trust, tmp_path: Path) -> None:
    state, key = tmp_path / "state", PrivateKey.generate()
    audit = AuditOptions(required=True, checkpoint_key=key, pseudonym_key=b"k" * 32)
    with Engine(**trust.options, state_directory=state, audit=audit) as engine:
        engine.load_versioned("fee", "v1", trust.signed(fee("v1"), "fee", "v1"))
        engine.promote("fee", "v1", actor="alice", reason="release 7")
        kept = engine.audit_head(checkpoint=True)
    report = sogov.audit_verify(state, [key.public_key()], kept)
    assert report.first == 1
    assert report.head.record > kept.record > 0
    assert report.signed_up_to == report.head.record
    segment = state / "machine" / "audit" / "00000000000000000001.ndjson"
    records = [json.loads(line) for line in segment.read_text().splitlines()]
    promoted = [record for record in records if record["event"] == "promote"]
    assert [record["status"] for record in promoted] == ["REQUESTED", "OK"]
    assert all(record["actor"].startswith("hmac-sha256:") for record in promoted)
    with pytest.raises(sogov.AuditBrokenError, match="expected one of the keys"):
        sogov.audit_verify(state, [PrivateKey.generate()])
    segment.write_text(segment.read_text().replace('"version":"v1"', '"version":"v2"', 1))
    with pytest.raises(sogov.AuditBrokenError, match=r"record \d+: hash: expected"):
        sogov.audit_verify(state)


def test_without_a_trail(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(sogov.NotFoundError):
        engine.audit_head()
    with pytest.raises(sogov.NotFoundError):
        sogov.audit_verify(tmp_path)
    with pytest.raises(sogov.ArgumentError, match="state directory"):
        Engine(audit=AuditOptions())

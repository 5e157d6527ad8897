"""Fixtures. The library is the one that SOGOV_LIBRARY names, or target/release/libsogov.so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
os.environ.setdefault("SOGOV_LIBRARY", str(TARGET / "release/libsogov.so"))

import support  # noqa: E402
from support import Trust, fee  # noqa: E402

from sogov import Engine  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def _plugins(tmp_path_factory: pytest.TempPathFactory) -> None:
    support.build_plugins(tmp_path_factory.mktemp("plugins"))


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return Trust(tmp_path)


@pytest.fixture
def engine(trust: Trust) -> Iterator[Engine]:
    """An engine without versions."""
    with Engine(**trust.options) as engine:
        yield engine


@pytest.fixture
def fee_engine(engine: Engine, trust: Trust) -> Engine:
    """An engine with the service fee: v1 stable, v2 loaded."""
    for version in ("v1", "v2"):
        engine.load_versioned("fee", version, trust.signed(fee(version), "fee", version))
    engine.promote("fee", "v1")
    return engine

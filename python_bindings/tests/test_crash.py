"""A crash of a plugin ends the call alone, where the engine was opened so."""

from __future__ import annotations

import os
import subprocess
import sys

from support import ROOT, Trust, zoo

HOST = """
import sys
import sogov

trust, root, good, bad, fault = sys.argv[1:]
with sogov.Engine(trust_directory=trust, root_key_ids=[root], contain_crashes=True) as engine:
    for version, path in (("v1", good), ("v2", bad)):
        engine.load_versioned("zoo", version, path)
        engine.promote("zoo", version)
    service = engine.service("zoo")
    try:
        service.call(fault.encode())
    except sogov.PluginCrashedError as crash:
        print(crash.status.name, crash.version, service.call(b"echo").data.decode())
    print(engine.versions("zoo")[1].pin_reason[:6])
"""


def test_a_crash_is_an_exception_and_stable_serves(trust: Trust) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python_bindings/src")}
    for fault, signal in (("write_null", 0), ("divide", 0), ("abort", -6)):
        ended = subprocess.run(
            [
                *(sys.executable, "-c", HOST),
                *(str(trust.options["trust_directory"]), str(trust.options["root_key_ids"][0])),
                str(trust.signed(zoo("plain_level1"), "zoo", "v1")),
                str(trust.signed(zoo("crash"), "zoo", "v2")),
                fault,
            ],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == signal, ended.stderr
        if signal == 0:
            assert ended.stdout == "PLUGIN_CRASHED v2 echo\ncrash:\n"

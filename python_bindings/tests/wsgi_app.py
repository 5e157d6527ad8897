"""A WSGI application that asks a plugin, for test_prefork.py: answers with the process, the version and the
plugin's answer. SOGOV_TEST_TRUST is the trust directory, SOGOV_TEST_FEE the plugin v1 of the service fee.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from sogov import Engine

engine = Engine(os.environ["SOGOV_TEST_TRUST"])
engine.load_versioned("fee", "v1", os.environ["SOGOV_TEST_FEE"])
engine.promote("fee", "v1")
service = engine.service("fee")


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    request = environ["wsgi.input"].read()
    data, version, _ = service.call(request, user_key=environ["PATH_INFO"])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{os.getpid()} {version} ".encode() + data]

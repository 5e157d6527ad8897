"""The exceptions, apart from what raises them."""

from __future__ import annotations

import pickle

import pytest

import sogov
from sogov import RouteReason, Status
from sogov._errors import error_class

FAMILIES = {
    1: sogov.CallError,
    2: sogov.SystemFailure,
    3: sogov.KeyOrSignatureError,
    4: sogov.TrustError,
    5: sogov.LoadError,
    6: sogov.RouteError,
    7: sogov.PluginError,
    9: sogov.InternalError,
}


@pytest.mark.parametrize("status", [status for status in Status if status])
def test_every_status_has_a_class_of_its_family(status: Status) -> None:
    kind = error_class(status)
    assert issubclass(kind, FAMILIES[status // 100])
    others = [other for other in Status if other and other != status]
    assert kind in FAMILIES.values() or all(error_class(other) is not kind for other in others)
    assert getattr(sogov, kind.__name__) is kind


def test_codes_of_later_releases_get_the_class_of_their_family() -> None:
    assert error_class(499) is sogov.TrustError
    assert error_class(850) is sogov.SogovError


@pytest.mark.parametrize("status", [status for status in Status if status])
def test_errors_say_what_and_survive_pickling(status: Status) -> None:
    error = error_class(status)(status, "plugin x: expected y, found z")
    assert str(error) == f"plugin x: expected y, found z (SOGOV_STATUS_{status.name})"
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (again.status, again.message, str(again)) == (status, error.message, str(error))


def test_a_plugin_error_keeps_what_the_plugin_said() -> None:
    error = sogov.PluginError(Status.PLUGIN_FAILED, "m", 7, b"partial", "v1", RouteReason.PIN)
    again = pickle.loads(pickle.dumps(error))
    assert (again.plugin_status, again.answer, again.version, again.reason) == (
        7,
        b"partial",
        "v1",
        RouteReason.PIN,
    )


def test_builtin_bases_let_callers_catch_what_they_know() -> None:
    assert issubclass(sogov.ArgumentError, ValueError)
    assert issubclass(sogov.ClosedError, ValueError)
    assert issubclass(sogov.NotFoundError, LookupError)
    assert issubclass(sogov.SystemFailure, OSError)
    assert issubclass(sogov.KeyInvalidError, ValueError)
    assert issubclass(sogov.RoutePolicyInvalidError, ValueError)
    assert sogov.SystemFailure(Status.IO, "m").errno is None

"""The declarations of _abi.py and the enums against include/sogov.h, as a C compiler reads it."""

from __future__ import annotations

import ctypes
import enum
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support import ROOT

import sogov
from sogov import _abi, _enums

HEADER = (ROOT / "include/sogov.h").read_text()
ENUMS = {
    "sogov_status": sogov.Status,
    "sogov_route_reason": sogov.RouteReason,
    "sogov_log_level": sogov.LogLevel,
    "sogov_preflight": sogov.Preflight,
    "sogov_symbol_collisions": sogov.SymbolCollisions,
    "sogov_standing": sogov.Standing,
    "sogov_package_standing": sogov.PackageStanding,
    "sogov_key_format": _enums.KeyFormat,
    "sogov_custody": sogov.Custody,
    "sogov_key_memory": sogov.KeyMemory,
    "sogov_signature_encoding": _enums.SignatureEncoding,
    "sogov_outcome": sogov.Outcome,
    "sogov_digest_algorithm": _enums.DigestAlgorithm,
    "sogov_breaker": sogov.Breaker,
    "sogov_event_kind": sogov.EventKind,
    "sogov_update_step": sogov.UpdateStep,
    "sogov_update_phase": sogov.UpdatePhase,
    "sogov_update_state": sogov.UpdateState,
    "sogov_update_no_data": sogov.UpdateNoData,
}


def without_comments() -> str:
    return re.sub(r"/\*.*?\*/", "", HEADER, flags=re.DOTALL)


def declared_functions() -> dict[str, tuple[str, list[str]]]:
    """Name to (type of the result, types of the parameters) of every function of the header."""
    found = {}
    for result, name, parameters in re.findall(
        r"^([\w ]+?[ *]+)(sogov_\w+)\(([^;{}]*)\);$", without_comments(), flags=re.MULTILINE
    ):
        types = [re.sub(r"\w+$", "", one.strip()).strip() for one in parameters.split(",")]
        found[name] = (result.strip(), [] if parameters.strip() == "void" else types)
    return found


def test_every_function_of_the_header_is_declared() -> None:
    assert set(_abi.FUNCTIONS) == set(declared_functions())
    assert len(_abi.FUNCTIONS) > 30


@pytest.mark.parametrize("name", sorted(declared_functions()))
def test_a_function_has_the_types_of_the_header(name: str) -> None:
    result, parameters = declared_functions()[name]
    function = _abi.FUNCTIONS[name]
    assert kind_of_ctype(function.restype) == kind_of_c(result)
    assert [kind_of_ctype(one) for one in function.argtypes] == [kind_of_c(one) for one in parameters]


def kind_of_c(name: str) -> str:
    """A C type as far as the calling convention goes."""
    if name.endswith("*"):
        return "pointer"
    if name.startswith("enum "):
        return "int32"
    kinds = {"void": "nothing", "size_t": "uint64", "sogov_lease": "uint64"}
    return kinds.get(name) or name.removesuffix("_t")


def kind_of_ctype(kind: Any) -> str:
    if kind is None:
        return "nothing"
    if kind in (ctypes.c_char_p, ctypes.c_void_p) or issubclass(kind, ctypes._Pointer):
        return "pointer"
    return ("int" if kind(-1).value < 0 else "uint") + str(8 * ctypes.sizeof(kind))


@pytest.mark.parametrize(("name", "python"), ENUMS.items())
def test_an_enum_has_the_names_and_numbers_of_the_header(name: str, python: type[enum.IntEnum]) -> None:
    match = re.search(rf"typedef enum {name} \{{(.*?)\}}", without_comments(), flags=re.DOTALL)
    assert match
    prefix = name.upper() + "_"
    members = dict(re.findall(rf"{prefix}(\w+) = (\d+)", match[1]))
    assert {member.name: str(member.value) for member in python} == members


def test_every_enum_of_the_header_is_known() -> None:
    assert set(re.findall(r"typedef enum (\w+)", HEADER)) == set(ENUMS)


def test_structs_have_the_layout_that_c_gives_them(tmp_path: Path) -> None:
    lines = []
    for name, struct in _abi.STRUCTS.items():
        lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
        for field in struct._fields_:
            place = f"{name}, {field[0]}"
            size = f"sizeof((({name} *)0)->{field[0]})"
            lines.append(f'printf("{name}.{field[0]} %zu %zu\\n", offsetof({place}), {size});')
    source = "#include <stdio.h>\n#include <stddef.h>\n#include <sogov.h>\nint main(void) {\n"
    (tmp_path / "layout.c").write_text(source + "\n".join(lines) + "\nreturn 0; }\n")
    program = tmp_path / "layout"
    subprocess.run(["gcc", f"-I{ROOT}/include", "-o", program, tmp_path / "layout.c"], check=True)
    expected = subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()

    found = []
    for name, struct in _abi.STRUCTS.items():
        found.append(f"{name} {ctypes.sizeof(struct)}")
        for field in struct._fields_:
            place = getattr(struct, field[0])
            found.append(f"{name}.{field[0]} {place.offset} {place.size}")
    assert found == expected


def test_every_struct_of_the_header_is_known() -> None:
    assert set(re.findall(r"^typedef struct (\w+) \{", HEADER, flags=re.MULTILINE)) == set(_abi.STRUCTS)


def test_constants_are_those_of_the_header() -> None:
    numbers = dict(re.findall(r"#define (SOGOV_\w+_SIZE) (\d+)", HEADER))
    assert numbers == {"SOGOV_LABEL_SIZE": str(_abi.LABEL_SIZE), "SOGOV_REASON_SIZE": str(_abi.REASON_SIZE)}
    text = re.search(r'SOGOV_VERSION_TEXT "(.*)"', HEADER)
    assert text
    assert sogov.__version__ == text[1]


def test_status_names_are_those_of_the_library() -> None:
    for status in sogov.Status:
        assert sogov.SogovError(status, "").status_name == f"SOGOV_STATUS_{status.name}"
    assert sogov.SogovError(12345, "").status_name == "SOGOV_STATUS_UNKNOWN"

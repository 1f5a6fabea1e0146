"""The kinds of value a recipe holds; each says what is allowed when it refuses one."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, BeforeValidator, Field

from builder.targets.architectures import parse_architectures

DEFAULT = "default"
EACH = "each"
"""`py-api` of a recipe that has one wheel for each Python."""
CUDA_VERSION_DEFINE = "WHEELHOUSE_CUDA_VERSION"
CUDA_ARCHITECTURES_DEFINE = "WHEELHOUSE_CUDA_ARCHITECTURES"
CUDA_ARCH_BIN_DEFINE = "WHEELHOUSE_CUDA_ARCH_BIN"
CUDA_ARCH_PTX_DEFINE = "WHEELHOUSE_CUDA_ARCH_PTX"
RUN_PATHS_DEFINE = "WHEELHOUSE_RUN_PATHS"
PYTHON_DEFINE = "WHEELHOUSE_PYTHON_VERSION"
NATIVES_DEFINE = "WHEELHOUSE_NATIVES"
BUILDER_DEFINES = frozenset(
    {
        CUDA_VERSION_DEFINE,
        CUDA_ARCHITECTURES_DEFINE,
        CUDA_ARCH_BIN_DEFINE,
        CUDA_ARCH_PTX_DEFINE,
        RUN_PATHS_DEFINE,
        PYTHON_DEFINE,
        NATIVES_DEFINE,
    }
)
"""CMake definitions that every project gets from the builder."""
_UNITS = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3}
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(B|kB|MB|GB)")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_DEFINE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_PLACE = re.compile(
    r"pypi:[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+"
    r"|debian:[A-Za-z0-9][^\s:]*"
    r"|https://[^\s/]+/\S+"
)


def parse_size(text: str) -> int:
    """``"40 MB"`` → 40,000,000 bytes.

    Raises:
        ValueError: not a size.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        units = ", ".join(_UNITS)
        raise ValueError(f"must be a size such as '40 MB' (units {units}), not '{text}'")
    return int(float(match[1]) * _UNITS[match[2]])


def _size(text: str) -> str:
    parse_size(text)
    return text


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"must be letters, digits and '-', '_', '.' in between, not '{text}'")
    return text


def _normal_name(text: str) -> str:
    normal = canonicalize_name(_name(text))
    if text != normal:
        raise ValueError(f"must be in its normal form '{normal}', not '{text}'")
    return text


def _one_line(text: str) -> str:
    if not text.isprintable() or text != text.strip() or not text:
        raise ValueError(f"must be one line of text, not {text!r}")
    return text


def _version(text: str) -> str:
    try:
        version = Version(text)
    except InvalidVersion:
        raise ValueError(f"must be a PEP 440 version such as '4.14.0.94', not '{text}'") from None
    if version.local is not None:
        raise ValueError(f"must have no local part (the builder adds '+cu118'), not '{text}'")
    if str(version) != text:
        raise ValueError(f"must be in its normal form '{version}', not '{text}'")
    return text


def _license(text: str) -> str:
    try:
        canonical = str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        canonical = ""
    if canonical != text:
        hint = f"; write '{canonical}'" if canonical else " ('LicenseRef-Name' for one without)"
        raise ValueError(f"must be an SPDX licence expression, not '{text}'{hint}")
    return text


def _requirement(text: str) -> str:
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"must be a requirement such as 'numpy>=1.21', not '{text}' ({reason})"
        ) from None
    if requirement.url is not None:
        raise ValueError(f"must name a version range, not an address: '{text}'")
    return text


def _pinned(text: str) -> str:
    pins = [one.operator for one in Requirement(_requirement(text)).specifier]
    if pins != ["=="] or text.endswith(".*"):
        raise ValueError(f"must be pinned with one '==', not '{text}'")
    return text


def _specifiers(text: str) -> str:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        raise ValueError(f"must be version specifiers such as '>=3.10', not '{text}'") from None
    return text


def _py_api(text: str) -> str:
    if text != EACH and not re.fullmatch(r"py3|cp3(?:[2-9]|[1-9]\d)", text):
        raise ValueError(
            "must be 'py3' (no Python binding), a limited-API floor such as 'cp39' or "
            f"'{EACH}' (a wheel for each Python), not '{text}'"
        )
    return text


def _module(text: str) -> str:
    if not _MODULE.fullmatch(text):
        raise ValueError(f"must be a module to import, such as 'cv2', not '{text}'")
    return text


def _sha256(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError(f"must be 64 lower-case hexadecimal digits, not '{text}'")
    return text


def _filename(text: str) -> str:
    if not text or "/" in text or "\0" in text or text.startswith("."):
        raise ValueError(f"must be a plain file name, not '{text}'")
    return text


def _place(text: str) -> str:
    if not _PLACE.fullmatch(text):
        raise ValueError(
            f"must be 'pypi:NAME==VERSION', 'debian:POOL/PATH' or 'https://…', not '{text}'"
        )
    return text


def _inside(text: str) -> str:
    parts = PurePosixPath(text).parts
    plain = text == "/".join(parts) and "\\" not in text and "\0" not in text
    if not parts or not plain or text.startswith("/") or ".." in parts:
        raise ValueError(f"must be a relative path that stays inside, without '..', not '{text}'")
    return text


def _define_name(text: str) -> str:
    if not _DEFINE.fullmatch(text):
        raise ValueError(f"must be a CMake variable name, not '{text}'")
    if text in BUILDER_DEFINES:
        raise ValueError(f"'{text}' is set by the builder")
    return text


def _define_value(value: object) -> str:
    if isinstance(value, bool):
        return "ON" if value else "OFF"
    if isinstance(value, int | str):
        return str(value)
    raise ValueError(f"must be a string, a whole number or true/false, not {value!r}")


def _choice(value: object) -> object:
    """An architecture list, before pydantic's union can answer with one error per member."""
    if value == DEFAULT:
        return value
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"must be '{DEFAULT}' or a list such as ['7.5', '8.0+PTX'], not {value!r}")
    parse_architectures(value)
    return tuple(value)


Name = Annotated[str, AfterValidator(_name)]
NormalName = Annotated[str, AfterValidator(_normal_name)]
OneLine = Annotated[str, AfterValidator(_one_line)]
PublicVersion = Annotated[str, AfterValidator(_version)]
License = Annotated[str, AfterValidator(_license)]
RequirementText = Annotated[str, AfterValidator(_requirement)]
PinnedRequirement = Annotated[str, AfterValidator(_pinned)]
Specifiers = Annotated[str, AfterValidator(_specifiers)]
PyApi = Annotated[str, AfterValidator(_py_api), Field(examples=["py3", "cp39", EACH])]
Module = Annotated[str, AfterValidator(_module)]
Sha256 = Annotated[
    str, AfterValidator(_sha256), Field(json_schema_extra={"pattern": "^[0-9a-f]{64}$"})
]
FileName = Annotated[str, AfterValidator(_filename)]
Place = Annotated[str, AfterValidator(_place)]
InsidePath = Annotated[str, AfterValidator(_inside)]
SizeText = Annotated[str, AfterValidator(_size)]
DefineName = Annotated[str, AfterValidator(_define_name)]
DefineValue = Annotated[str, BeforeValidator(_define_value)]
Choice = Annotated[str | tuple[str, ...], BeforeValidator(_choice)]

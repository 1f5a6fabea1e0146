"""Find the build spec a person means: a spec, record or wheel file, or the start of a key."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from builder.errors import UsageError
from builder.plan.spec import BuildSpec
from builder.store import Store
from index.records import Record, record_path

SHORTEST_PREFIX = 4
NOT_SAID = "not said"
LONGEST = 16 * 1024 * 1024
"""Bytes of a spec inside a wheel at most."""
_INSIDE = re.compile(r"[^/]+\.dist-info/build-spec\.json")
_PREFIX = re.compile(r"[0-9a-f]{1,32}")


def find_spec(what: str, *, store: Store, planned: Callable[[], Iterable[BuildSpec]]) -> BuildSpec:
    """The spec named by a file or by the start of a key.

    Args:
        what: A path (spec JSON, record, wheel) or at least four digits of a key.
        store: Where finished keys are looked up.
        planned: The specs of what could be built now; asked only if the store knows nothing.

    Raises:
        UsageError: nothing has that name, or several keys start so.
    """
    path = Path(what)
    if path.is_file():
        return _from_file(path)
    if not _PREFIX.fullmatch(what) or len(what) < SHORTEST_PREFIX:
        raise UsageError(
            f"'{what}' is neither a file nor a build key",
            remedy=f"give at least {SHORTEST_PREFIX} of a key's digits, as `builder plan` shows it",
        )
    found = _stored(what, store)
    if not found:
        found = {spec.key: spec for spec in planned() if spec.key.startswith(what)}
    if not found:
        raise UsageError(
            f"no key starts with '{what}', neither in the store nor among what could be built",
            remedy="give a record or a wheel with its record beside it instead",
        )
    if len(found) > 1:
        raise UsageError(f"'{what}' is the start of several keys: {', '.join(sorted(found))}")
    return next(iter(found.values()))


def _stored(prefix: str, store: Store) -> dict[str, BuildSpec]:
    found: dict[str, BuildSpec] = {}
    for key in store.find(prefix):
        entry = store.get(key)
        if entry is not None:
            found[key] = _of_record(entry.record, key)
    return found


def _from_file(path: Path) -> BuildSpec:
    try:
        data = json.loads(_of_wheel(path) if path.suffix == ".whl" else path.read_bytes())
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}") from error
    try:
        if isinstance(data, dict) and "build_spec" in data:
            return _of_record(Record.model_validate(data), str(path))
        if isinstance(data, dict) and isinstance(data.get("spec"), dict):
            return BuildSpec.model_validate(_with_sources(data["spec"]))
        return BuildSpec.model_validate(data)
    except ValidationError as error:
        reason = error.errors()[0]
        where = ".".join(str(part) for part in reason["loc"])
        raise UsageError(
            f"{path} is neither a build spec nor a record ({where}: {reason['msg']})"
        ) from error


def _of_wheel(path: Path) -> bytes:
    """The record beside a wheel, else the spec inside it.

    Raises:
        UsageError: it has neither.
    """
    beside = record_path(path)
    if beside.is_file():
        return beside.read_bytes()
    try:
        with zipfile.ZipFile(path) as archive:
            name = next(one for one in archive.namelist() if _INSIDE.fullmatch(one))
            if archive.getinfo(name).file_size <= LONGEST:
                return archive.read(name)
    except (zipfile.BadZipFile, OSError, StopIteration):
        pass
    raise UsageError(f"there is no record {beside} beside the wheel, and no build spec in it")


def _with_sources(keyed: dict[str, Any]) -> dict[str, Any]:
    """What ``build-spec.json`` in a rendered project holds, made whole: it has no addresses."""
    natives = [_with_sources(one) for one in keyed.get("natives", [])]
    sources = [{"source": NOT_SAID, **one} for one in keyed.get("sources", [])]
    return {**keyed, "sources": sources, **({"natives": natives} if natives else {})}


def _of_record(record: Record, where: str) -> BuildSpec:
    if record.build_spec is None:
        raise UsageError(f"{where}: its record has no build spec")
    try:
        return BuildSpec.model_validate(record.build_spec)
    except ValidationError as error:
        raise UsageError(f"{where}: its build spec is of another version of the builder") from error

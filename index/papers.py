"""What a wheel made by a builder says of its own making: bills of materials and its build spec.

The rule: a wheel whose record names a build key was built from a recipe, and carries at least one
CycloneDX document in ``.dist-info/sboms/`` (PEP 770) and, as ``.dist-info/build-spec.json``, the
spec that the key is of. Companions are empty and were made along with another wheel: nothing is
asked of them. Nor is anything of a wheel whose record names no key: it was made by others.
"""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.wheels import DAMAGE

if TYPE_CHECKING:
    from index.facts import AnyRecord

LONGEST = 64 * 1024 * 1024
"""Bytes of such a file read at most."""
_BILL = re.compile(r"[^/]+\.dist-info/sboms/[^/]+\.json")
_SPEC = re.compile(r"[^/]+\.dist-info/build-spec\.json")


def missing_papers(wheel: Path, record: AnyRecord) -> str | None:
    """What a wheel lacks of what the rule asks of it, or None.

    Args:
        wheel: The file, which is the recorded one.
        record: Its record.
    """
    if record.build_key is None or record.companion_of is not None:
        return None
    try:
        with zipfile.ZipFile(wheel) as archive:
            bills = [_read(archive, name) for name in archive.namelist() if _BILL.fullmatch(name)]
            specs = [_read(archive, name) for name in archive.namelist() if _SPEC.fullmatch(name)]
    except DAMAGE as error:
        return f"its archive cannot be read ({error})"
    if not any(bill.get("bomFormat") == "CycloneDX" for bill in bills):
        return "it has no bill of materials (a CycloneDX document in .dist-info/sboms/)"
    if len(specs) != 1:
        return "it has no build spec (.dist-info/build-spec.json)"
    if specs[0].get("key") != record.build_key:
        return f"its build spec has the key {specs[0].get('key')!r:.80}, its record another"
    return None


def _read(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    """A JSON object of an archive; empty where it is none."""
    with archive.open(name) as file:
        data = file.read(LONGEST + 1)
    try:
        told = json.loads(data) if len(data) <= LONGEST else None
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}

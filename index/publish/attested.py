"""From a signed attestation to the provenance object that an index serves (PEP 740).

The signature is not judged here: whoever installs does that (docs/verify.md). What is judged is
whether the attestation speaks of this very wheel.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from index.errors import EntryError

ATTESTATION_SUFFIX = ".publish.attestation"
"""What `pypi-attestations sign` writes beside a wheel."""
VERSION = 1
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATES = ("/attestations/publish/v1", "https://slsa.dev/provenance/v1")
"""What a statement's type ends with; the first one's own address names a registry."""
_WORKFLOW = re.compile(r"(?:.*/)?([A-Za-z0-9._-]+\.ya?ml)(?:@.*)?")


def provenance_of(wheel: Path, publisher: Mapping[str, str]) -> bytes:
    """The provenance object of a wheel, from the attestation that lies beside it.

    Args:
        wheel: The wheel, ``X.whl.publish.attestation`` beside it.
        publisher: Who signed: `publisher_of`.

    Raises:
        EntryError: there is no attestation, it is none, or it is another file's.
    """
    path = wheel.with_name(wheel.name + ATTESTATION_SUFFIX)
    if not path.is_file():
        raise EntryError(
            f"{wheel.name}: no attestation '{path.name}' lies beside it",
            remedy=f"python -m pypi_attestations sign {wheel.name}, in a workflow",
        )
    try:
        attestation = json.loads(path.read_bytes())
        statement = json.loads(base64.b64decode(attestation["envelope"]["statement"]))
        subjects = [(one["name"], one["digest"]["sha256"]) for one in statement["subject"]]
        kinds = (attestation["version"], statement["_type"])
        predicate = str(statement["predicateType"])
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        raise EntryError(f"{path.name}: no attestation of version 1 (PEP 740)") from None
    if kinds != (VERSION, STATEMENT) or not predicate.endswith(PREDICATES):
        raise EntryError(f"{path.name}: it is of another kind than PEP 740 knows")
    with wheel.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if subjects != [(wheel.name, digest)]:
        raise EntryError(
            f"{path.name}: it speaks of other bytes than those of {wheel.name}",
            remedy="sign the wheel that is published, after its last change",
        )
    told: dict[str, Any] = {
        "version": VERSION,
        "attestation_bundles": [{"publisher": dict(publisher), "attestations": [attestation]}],
    }
    return (json.dumps(told, sort_keys=True, separators=(",", ":")) + "\n").encode()


def publisher_of(repo: str, workflow: str, environment: str | None = None) -> dict[str, str]:
    """The identity of a GitHub workflow as PEP 740's implementations write it.

    Args:
        repo: ``OWNER/REPO``.
        workflow: Its file, alone or as in ``$GITHUB_WORKFLOW_REF``.
        environment: The deployment environment of the job that signed, if it had one.

    Raises:
        EntryError: that is no workflow's file.
    """
    found = _WORKFLOW.fullmatch(workflow)
    if found is None:
        raise EntryError(f"'{workflow}' is no workflow's file", remedy="weekly.yml, for one")
    named = {"kind": "GitHub", "repository": repo, "workflow": found[1]}
    return {**named, "environment": environment} if environment else named

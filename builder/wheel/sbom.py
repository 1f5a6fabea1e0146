"""What a wheel says of itself: a bill of materials (CycloneDX, PEP 770) and its build spec.

The same build key gives the same bytes: there is no time in it, and its serial number comes from
the key. auditwheel's own document is left out: it asks the package manager of the machine that
repairs, which knows nothing of the toolchain's sysroot; what was grafted stands in ours.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cyclonedx.model import HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import (
    Component,
    ComponentScope,
    ComponentType,
    Diff,
    Patch,
    PatchClassification,
    Pedigree,
)
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from builder.wheel.materials import Material, Origin, materials

if TYPE_CHECKING:
    from builder.plan.spec import BuildSpec
    from builder.wheel.archive import Wheel

SBOM = "sboms/gpu-wheelhouse.cdx.json"
"""Below the .dist-info folder."""
SPEC = "build-spec.json"
"""The same, of the spec that the build key is the digest of."""
NOT_OURS = "sboms/auditwheel.cdx.json"
_NAMESPACE = uuid.UUID("6f0b1f0a-7c2c-5d07-9a53-0f4f2f6d2a4e")
"""Of the serial numbers; any fixed one will do."""
_PREFIX = "gpu-wheelhouse"


def about(
    wheel: Wheel, spec: BuildSpec, *, instead: Mapping[str, bytes] = MappingProxyType({})
) -> dict[str, bytes]:
    """The files that go into a repaired wheel's .dist-info folder, by their names in the wheel.

    Args:
        wheel: The wheel as auditwheel left it.
        spec: What it was built from.
        instead: Files of it that repair still changes, by name.
    """
    grafted = tuple(
        grafted_library(name, instead[name] if name in instead else wheel.read(name))
        for name in wheel
        if name.split("/", 1)[0].endswith(".libs")
    )
    licence = wheel.fields.get("license_expression")
    return {
        f"{wheel.info}/{SBOM}": sbom(spec, (*materials(spec), *grafted), licence=licence),
        f"{wheel.info}/{SPEC}": spec.document.encode(),
    }


def grafted_library(name: str, data: bytes) -> Material:
    """A library that repair put into the wheel."""
    filename = PurePosixPath(name).name
    return Material(
        role="grafted",
        origin=Origin(kind="generic", name=filename, version=None),
        filename=filename,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def sbom(spec: BuildSpec, parts: Iterable[Material], *, licence: str | None) -> bytes:
    """The bill of materials, the same bytes from the same arguments.

    Args:
        spec: What the wheel was built from.
        parts: Everything that went into it or helped to make it.
        licence: The wheel's own licence expression (SPDX), or None.
    """
    root = Component(
        # No package URL: without an index's address it means PyPI, where the name is another's.
        name=spec.project_name,
        version=spec.public_version,
        type=ComponentType.LIBRARY,
        bom_ref="wheel",
        licenses=_licences((licence,) if licence else ()),
        properties=_properties(
            {
                "build-key": spec.key,
                "revision": str(spec.revision),
                "cuda": spec.cuda_version,
                "profile": spec.profile,
                "architectures": " ".join(spec.architectures),
                "ptx": spec.ptx or "",
                "toolchain": spec.toolchain,
            }
        ),
    )
    bom = Bom(serial_number=uuid.uuid5(_NAMESPACE, spec.key), metadata=BomMetaData(component=root))
    inside = []
    for part in parts:
        component = _component(part)
        bom.components.add(component)
        if not part.tool:
            inside.append(component)
    bom.register_dependency(root, inside)
    return _written(bom)


def _component(part: Material) -> Component:
    patches = [
        Patch(type=PatchClassification.UNOFFICIAL, diff=Diff(url=XsUri(name)))
        for name, _ in part.patches
    ]
    facts = {"role": part.role, **dict(part.facts)}
    if part.filename is not None:
        facts["filename"] = part.filename
    # The order in which they are applied, which a pedigree does not keep.
    for number, (name, sha256) in enumerate(part.patches, 1):
        facts[f"patch-{number:03}"] = f"{sha256} {name}"
    return Component(
        name=part.origin.name,
        version=part.origin.version,
        type=ComponentType.APPLICATION if part.tool else ComponentType.LIBRARY,
        bom_ref=f"{part.role}: {part.filename or part.origin.name}",
        scope=ComponentScope.EXCLUDED if part.tool else None,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=part.sha256)] if part.sha256 else [],
        licenses=_licences(part.licences),
        purl=_purl(part),
        pedigree=Pedigree(patches=patches) if patches else None,
        properties=_properties(facts),
    )


def _licences(expressions: Sequence[str]) -> list[LicenseExpression]:
    if len(expressions) > 1:
        expressions = [" AND ".join(f"({one})" if " " in one else one for one in expressions)]
    return [LicenseExpression(one) for one in expressions]


def _purl(part: Material) -> PackageURL | None:
    origin, qualifiers = part.origin, {}
    if part.role == "grafted":
        return None  # a library as changed by repair is nobody's package
    if origin.kind == "deb":
        qualifiers = {"arch": origin.architecture or ""}
    elif part.filename is not None:
        qualifiers = {"file_name": part.filename}
        if origin.kind == "generic":
            qualifiers["checksum"] = f"sha256:{part.sha256}"
    return PackageURL(
        type=origin.kind,
        namespace="debian" if origin.kind == "deb" else None,
        name=origin.name,
        version=origin.version,
        qualifiers=qualifiers,
    )


def _properties(facts: Mapping[str, str]) -> list[Property]:
    return [Property(name=f"{_PREFIX}:{name}", value=value) for name, value in facts.items()]


def _written(bom: Bom) -> bytes:
    """The document with no time in it, its keys in order."""
    data: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    del data["metadata"]["timestamp"]
    text = json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False)
    return f"{text}\n".encode()

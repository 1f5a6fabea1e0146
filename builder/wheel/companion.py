"""Companions: empty wheels in the names of the packages whose place a recipe's wheel takes.

The recipe's wheel requires each of them with ``==``, so an installer that puts it in replaces the
real package of that name; each requires the recipe's wheel back, so whoever gets one of them gets
what it stands for.
"""

from __future__ import annotations

from pathlib import Path

from builder.plan.spec import BuildSpec, CompanionSpec
from builder.wheel.write import write_wheel
from index.records import Record
from index.wheels import record_of_wheel

TAG = "py3-none-any"
LICENSE = "MIT"
"""Of the few lines in it, which are this project's own."""
_WHEEL = """\
Wheel-Version: 1.0
Generator: gpu-wheelhouse companion {format}
Root-Is-Purelib: true
Tag: {tag}
Build: {build}
"""
_METADATA = """\
Metadata-Version: 2.4
Name: {name}
Version: {version}
Summary: {summary}
License-Expression: {license}
Requires-Python: {requires_python}
Requires-Dist: {main}=={main_version}
Description-Content-Type: text/markdown

{description}"""
_DESCRIPTION = """\
# {name}, from {main}

This package is empty on purpose. `{main}` is installed and does the work of `{name}`; this empty
one is installed in that name, so that

- the files of the real `{name}` and of `{main}` are not there both at once,
- whatever asks for `{name}` is satisfied, and `pip check` finds nothing wrong.

To go back to the real one:

    pip uninstall -y {everything}
    pip install {name}
"""


def write_companions(spec: BuildSpec, into: Path) -> tuple[tuple[Path, Record], ...]:
    """Write every companion of a wheel, in the order of their names, each with what to record.

    The bytes follow from the spec alone.

    Args:
        spec: What the recipe's wheel was built from.
        into: The folder of the wheels; it is made.
    """
    into.mkdir(parents=True, exist_ok=True)
    found = []
    for companion in spec.companions:
        wheel = write_companion(companion, spec, into)
        found.append((wheel, companion_record(wheel, spec)))
    return tuple(found)


def write_companion(companion: CompanionSpec, spec: BuildSpec, into: Path) -> Path:
    """Write one companion into a folder and return its path."""
    version = f"{companion.version}+{spec.cuda}"
    info = f"{companion.name.replace('-', '_')}-{version}.dist-info"
    everything = " ".join([spec.recipe, *(one.name for one in spec.companions)])
    metadata = _METADATA.format(
        name=companion.name,
        version=version,
        summary=companion.summary,
        license=LICENSE,
        requires_python=spec.requires_python,
        main=spec.recipe,
        main_version=spec.public_version,
        description=_DESCRIPTION.format(
            name=companion.name, main=spec.recipe, everything=everything
        ),
    )
    about = _WHEEL.format(format=companion.format, tag=TAG, build=spec.revision)
    files = {f"{info}/METADATA": metadata.encode(), f"{info}/WHEEL": about.encode()}
    return write_wheel(into / companion.filename(spec), info, files)


def companion_record(wheel: Path, spec: BuildSpec) -> Record:
    """The record that goes beside a companion.

    It names the build it came with by its key; how that was built stands in the record of the
    recipe's own wheel.
    """
    changes = {
        "profile": spec.profile,
        "companion_of": spec.project_name,
        "build_key": spec.key,
    }
    return record_of_wheel(wheel).model_copy(update=changes)

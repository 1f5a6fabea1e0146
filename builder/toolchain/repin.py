"""Renew a pin: ``python -m builder.toolchain.repin FILE=SOURCE…``, for maintainers.

Fetch the new packages with their own clients, then let this write what a pin needs into the row of
the same package in ``builder/data/*.toml`` (hash, sizes, file name, version in folder names)::

    pip download --no-deps --only-binary :all: -d new nvidia-cudnn-cu11==8.9.7.29
    python -m builder.toolchain.repin --label cu118 \\
        new/nvidia_cudnn_cu11-8.9.7.29-….whl=pypi:nvidia-cudnn-cu11==8.9.7.29

    apt-get download gcc-10/bullseye
    python -m builder.toolchain.repin --label host \\
        gcc-10_10.2.1-6_amd64.deb=debian:pool/main/g/gcc-10/gcc-10_10.2.1-6_amd64.deb

A package that is new needs its row, with what is taken of it (``place``), by hand first. Debian's
packages come from the main archive's last point release, not from the security archive: there a
pool file disappears with the next update, and nothing of these libraries ends up in a wheel.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from pathlib import Path
from typing import Any

import click
import tomlkit

from builder import fetch
from builder.errors import UsageError
from builder.toolchain.layout import patterns, put
from builder.toolchain.pins import DATA, parse_pins
from index.files import write_text


def package_name(source: str) -> str:
    """The name by which a source and its successors are recognised.

    Raises:
        UsageError: it is neither ``pypi:…`` nor ``debian:…``.
    """
    kind, _, rest = source.partition(":")
    if kind == "pypi":
        return re.sub(r"[-_.]+", "-", rest.partition("==")[0]).lower()
    if kind == "debian":
        return rest.rpartition("/")[2].partition("_")[0]
    raise UsageError(f"'{source}' is neither pypi:NAME==VERSION nor debian:pool/…")


def version(source: str) -> str:
    """``1.13.2`` of ``pypi:ninja==1.13.2`` or ``debian:pool/…/ninja_1.13.2_amd64.deb``."""
    if source.startswith("pypi:"):
        return source.partition("==")[2]
    return source.rpartition("/")[2].split("_")[1]


def repin(text: str, archive: Path, source: str) -> str:
    """A pin file's text with the row of a package renewed from its new file.

    Raises:
        UsageError: there is no row for that package.
        ToolchainError: the new file lacks something the row takes from it.
    """
    document: Any = tomlkit.parse(text)
    rows = [row for row in document["package"] if same(str(row["source"]), source)]
    if len(rows) != 1:
        raise UsageError(
            f"there is no row for '{package_name(source)}'",
            remedy="write one with what is taken of it (place), then run this again",
        )
    (row,) = rows
    old, new = version(str(row["source"])), version(source)
    place = {str(key).replace(old, new): str(value) for key, value in row["place"].items()}
    row["source"] = source
    row["filename"] = archive.name if source.startswith("pypi:") else source.rpartition("/")[2]
    row["sha256"] = hashlib.sha256(archive.read_bytes()).hexdigest()
    row["size"] = archive.stat().st_size
    row["installed_size"] = installed_size(archive, place, tuple(row.get("drop", ())))
    row["place"].clear()
    row["place"].update(place)
    return tomlkit.dumps(document)


def same(one: str, other: str) -> bool:
    """Whether two sources are versions of one package."""
    kinds = one.partition(":")[0], other.partition(":")[0]
    return kinds[0] == kinds[1] and package_name(one) == package_name(other)


def installed_size(archive: Path, place: dict[str, str], drop: tuple[str, ...]) -> int:
    """Bytes on disk of what is taken of an archive."""
    with tempfile.TemporaryDirectory() as folder:
        stage, prefix = Path(folder, "stage"), Path(folder, "prefix")
        fetch.unpack(archive, stage, include=patterns(place), absolute_links="rewrite")
        put(stage, prefix, place, drop=drop, name=archive.name)
        files = (path for path in prefix.rglob("*") if path.is_file() and not path.is_symlink())
        return max(1, sum(path.stat().st_size for path in files))


@click.command(help=__doc__.replace("\n\n", "\n\n\b\n"))
@click.option("--label", required=True, help="The pin file: host, cu118 …")
@click.argument("renewed", metavar="FILE=SOURCE", nargs=-1, required=True)
def main(label: str, renewed: tuple[str, ...]) -> None:
    """Renew rows of one pin file."""
    path = DATA / f"{label}.toml"
    text = path.read_text("utf-8")
    for one in renewed:
        archive, _, source = one.partition("=")
        text = repin(text, Path(archive), source)
    parse_pins(text, name=path.name)
    write_text(path, text)
    click.echo(f"renewed {len(renewed)} of {path}")


if __name__ == "__main__":
    main()

"""The lines we print to be pasted: for pip, pip's environment, requirements files and uv.

Every address in them is percent-quoted down to plain ASCII first. A space ends an address in
``PIP_EXTRA_INDEX_URL`` and in a requirements file, ``${X}`` is filled in there, and notebooks fill
in ``$x`` and ``{x}`` even between quotes; ``%20``, ``%24`` and ``%7B`` mean the same everywhere.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from urllib.parse import quote, urlsplit

from packaging.utils import canonicalize_name

from index.model import DEFAULT_ROOT
from index.naming import normal_version

COLAB_DRIVE = PurePosixPath("/content/drive/MyDrive")
"""Where Colab mounts the Drive of whoever runs the notebook."""
DRIVE_NAMES = frozenset({"My Drive", "MyDrive"})
"""What the top of a Drive is called where it is mounted."""
_LOCAL_PIN = re.compile(r"==\s*[^\s;,]*\+")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9@%+:,./_-]+")
_FILLED_IN = frozenset('"$`\\!{}')
"""What shells and notebooks read inside double quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """One requirement from one index, said in every way a person may want to paste it.

    Attributes:
        pip: A command line: ``pip install --extra-index-url URL "NAME==VERSION"``.
        pip_environment: The same with the index in the environment variable, on one line, so that
            it also works after a notebook's ``!``.
        requirements: Lines of a requirements file, ending in a newline.
        uv: A command line for uv.
        uv_project: What a ``pyproject.toml`` needs for uv: an index that only the named packages
            are taken from. Its first line, a comment, is the ``uv add`` that comes after; ends in a
            newline.
    """

    pip: str
    pip_environment: str
    requirements: str
    uv: str
    uv_project: str


def lines_for(
    root: str, name: str, version: str | None = None, *, also: Sequence[str] = ()
) -> Lines:
    """Every line for one package.

    Args:
        root: The address of an index root, as `root_url` gives it.
        name: Project name.
        version: Its version with the local part (``4.14.0.94+cu124``), pinned; None: not pinned.
        also: Requirements of the package that only this index can meet, as `only_here` gives them:
            uv takes each package from the index it is told to, dependencies too.

    Raises:
        InvalidVersion: ``version`` is none.
    """
    wanted = requirement(name, version)
    word = shell_word(wanted)
    address = shell_word(root)
    return Lines(
        pip=f"pip install --extra-index-url {address} {word}",
        pip_environment=f"PIP_EXTRA_INDEX_URL={address} pip install {word}",
        requirements=f"--extra-index-url {root}\n{wanted}\n",
        uv=f"uv pip install --index {address} {word}",
        uv_project=_uv_project(root, name, wanted, also),
    )


def root_url(base: str, cuda: str | None) -> str:
    """The address of an index root: ``https://HOST/REPO`` and ``cu124`` → ``…/REPO/cu124``.

    Args:
        base: The site's address, with or without a slash at its end.
        cuda: CUDA label; None: the default root, ``simple``.
    """
    return f"{quote_url(base)}/{cuda or DEFAULT_ROOT}"


def file_url(folder: PurePosixPath) -> str:
    """The ``file:`` address of a folder on this machine: the base for `root_url`.

    Raises:
        ValueError: the path is not absolute.
    """
    if not folder.is_absolute():
        raise ValueError(f"'{folder}' is not an absolute path")
    # Bytes, because a path need not be UTF-8.
    return "file://" + quote(os.fsencode(folder), safe="/")


def colab_url(folder: PurePosixPath) -> str | None:
    """Where Colab sees a folder of a mounted Drive, or None where the path names no Drive.

    ``/Users/me/…/My Drive/gpu wheels`` → ``file:///content/drive/MyDrive/gpu%20wheels``.
    """
    parts = folder.parts
    drive = next((number for number, part in enumerate(parts) if part in DRIVE_NAMES), None)
    return None if drive is None else file_url(COLAB_DRIVE.joinpath(*parts[drive + 1 :]))


def requirement(name: str, version: str | None) -> str:
    """``NAME==VERSION`` with the version as installers write it, or the name alone.

    Raises:
        InvalidVersion: ``version`` is none.
    """
    return name if version is None else f"{name}=={normal_version(version)}"


@lru_cache(maxsize=8)
def only_here(metadata: str) -> tuple[str, ...]:
    """The requirements in a METADATA that pin a local version (``==1.0+cu124``), no markers.

    A public registry accepts no local version, so only the same index can have them.
    """
    if not _has_local_pin(metadata):
        return ()  # parsing takes a hundred times as long, for nearly every file in vain
    from email.parser import HeaderParser

    from packaging.requirements import InvalidRequirement, Requirement

    found = []
    for text in HeaderParser().parsestr(metadata).get_all("Requires-Dist", []):
        try:
            wanted = Requirement(str(text))
        except InvalidRequirement:
            continue
        pins = [one for one in wanted.specifier if one.operator == "==" and "+" in one.version]
        if pins:
            found.append(f"{canonicalize_name(wanted.name)}=={pins[0].version}")
    return tuple(dict.fromkeys(found))


def _has_local_pin(text: str) -> bool:
    """Whether `_LOCAL_PIN` is anywhere in a text: looked for where it ends, which is rare."""
    at = text.find("+")
    while at >= 0:
        start = text.rfind("==", 0, at)
        if start >= 0 and _LOCAL_PIN.match(text, start):
            return True
        at = text.find("+", at + 1)
    return False


@lru_cache(maxsize=1024)
def quote_url(url: str) -> str:
    """An address in plain ASCII, doubtful characters as ``%XX``, no slash at its end.

    What is quoted already stays; ``?`` and ``#`` are taken for parts of a name, because a static
    site's address has no query.
    """
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.rstrip("/").partition("/")
    if not host.isascii():
        host = urlsplit(f"//{host}").netloc.encode("idna").decode()
    path = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", path)
    return f"{scheme}://{quote(host, safe=':@[]%')}{slash}{quote(path, safe='/%')}"


@lru_cache(maxsize=1024)
def shell_word(text: str) -> str:
    """One word of a shell's command line, in quotes only where it needs them."""
    if _PLAIN_WORD.fullmatch(text):  # no "=", which zsh reads where a word begins with it
        return text
    readable = text.isprintable() and not _FILLED_IN & set(text)
    return f'"{text}"' if text and readable else shlex.quote(text)


def _uv_project(root: str, name: str, wanted: str, also: Sequence[str]) -> str:
    index = f"gpu-wheels-{root.rpartition('/')[2]}"
    names = [name, *(one.partition("==")[0] for one in also)]
    lines = [f"# then: uv add {shell_word(wanted)}"]
    if also:
        # Dependencies of dependencies have a source only where the project itself names them.
        lines += ["[tool.uv]", "constraint-dependencies = ["]
        lines += [f"  {_toml(one)}," for one in also]
        lines += ["]", ""]
    lines += ["[tool.uv.sources]"]
    lines += [f"{one} = {{ index = {_toml(index)} }}" for one in names]
    lines += ["", "[[tool.uv.index]]", f"name = {_toml(index)}", f"url = {_toml(root)}"]
    lines += ["explicit = true", ""]
    return "\n".join(lines)


def _toml(text: str) -> str:
    """A TOML string of text that is plain ASCII already."""
    return json.dumps(text)

"""A guard's bytes: a tar.gz that comes out the same on every machine."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

from packaging.utils import canonicalize_name

from index.guard.backend import backend_source
from index.naming import parse_version

PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""Deflate, no name, no time, unknown system."""
_PREFIX = 155
"""Characters the folder's name has at most; installers do not ask what it is called."""
_BLOCK = 65535
"""Bytes a stored block of deflate has at most."""


def guard_filename(name: str, version: str) -> str:
    """The sdist's name (PEP 625): ``opencv_cuda-4.14.0.94+cu124.tar.gz``.

    Raises:
        InvalidVersion: ``version`` is none.
    """
    return f"{_stem(name, version)}.tar.gz"


def guard_bytes(name: str, version: str, message: str) -> bytes:
    """The sdist whose build fails with ``message``.

    The ledger keeps these three and the sha256, so what comes out must never change: another
    layout needs another event. Nothing is compressed, because zlib's own bytes differ from one
    version of it to the next.

    Args:
        name: Project name.
        version: Whole version, with the local part.
        message: What the build says, after a description of the machine it fails on.

    Raises:
        InvalidVersion: ``version`` is none.
    """
    stem = _stem(name, version)
    # Version 2.1: from 2.2 on, resolvers believe this file and do not ask the backend.
    told = ("Metadata-Version: 2.1", f"Name: {name}", f"Version: {parse_version(version)}", "")
    members = {
        "PKG-INFO": "\n".join(told),
        "backend.py": backend_source(f"{name} {parse_version(version)}", message),
        "pyproject.toml": PYPROJECT,
    }
    return _gzip(_tar(stem, members))


def _stem(name: str, version: str) -> str:
    return f"{canonicalize_name(name).replace('-', '_')}-{parse_version(version)}"


def _tar(folder: str, members: Mapping[str, str]) -> bytes:
    """A POSIX ustar archive of files in one folder, sorted, owned by nobody and of no time.

    By hand, because what `tarfile` writes differs between versions of Python.
    """
    packed = b""
    for name, text in sorted(members.items()):
        data = text.encode()
        fields = (
            name.ljust(100, "\0"),
            f"{0o644:07o}\0{0:07o}\0{0:07o}\0",  # mode, owner, group
            f"{len(data):011o}\0{0:011o}\0",  # size, time
            " " * 8,  # the checksum, counted as spaces
            "0".ljust(101, "\0"),  # a regular file, no link
            "ustar\00000".ljust(88, "\0"),  # no names of owner and group, no device
            folder[:_PREFIX].ljust(167, "\0"),
        )
        header = "".join(fields).encode()
        checksum = f"{sum(header):06o}\0 ".encode()
        packed += header[:148] + checksum + header[156:] + data + b"\0" * (-len(data) % 512)
    return packed + b"\0" * 1024


def _gzip(data: bytes) -> bytes:
    """Gzip with stored blocks only (RFC 1951, 1952)."""
    blocks = [data[start : start + _BLOCK] for start in range(0, len(data), _BLOCK)] or [b""]
    last = len(blocks) - 1
    stored = b"".join(
        struct.pack("<BHH", number == last, len(block), len(block) ^ 0xFFFF) + block
        for number, block in enumerate(blocks)
    )
    return _GZIP_HEADER + stored + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)

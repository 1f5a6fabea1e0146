"""What a wheel's file name says, part by part: `packaging` judges each distinct part once.

A name is taken apart at the same dashes as `packaging.utils.parse_wheel_filename` does it. Whatever
that refuses is refused here, with its words.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

_REST = "py3-none-any.whl"


class WheelName(NamedTuple):  # made for each of a million files
    """The parts of a wheel's file name.

    Attributes:
        name: Normalised project name.
        version: The version.
        build: The build tag, or empty.
        tags: Every single tag, sorted.
    """

    name: str
    version: Version
    build: str
    tags: tuple[str, ...]


def parse_wheel_name(filename: str) -> WheelName:
    """The parts of a wheel's file name.

    Raises:
        InvalidWheelFilename: it is none.
    """
    dashes = filename.count("-")
    if dashes not in (4, 5):
        return _whole(filename)
    name, version, *build, tags = filename.split("-", dashes - 2)
    try:
        return WheelName(
            _name(name), _version(version), _build(build[0]) if build else "", _tags(tags)
        )
    except InvalidWheelFilename:
        return _whole(filename)  # it names the file, not one part of it


def _whole(filename: str) -> WheelName:
    name, version, build, tags = parse_wheel_filename(filename)
    number = f"{build[0]}{build[1]}" if build else ""
    return WheelName(name, version, number, tuple(sorted(map(str, tags))))


@lru_cache(maxsize=4096)
def _name(part: str) -> str:
    return _whole(f"{part}-0-{_REST}").name


@lru_cache(maxsize=4096)
def _version(part: str) -> Version:
    return _whole(f"x-{part}-{_REST}").version


@lru_cache(maxsize=1024)
def _build(part: str) -> str:
    return _whole(f"x-0-{part}-{_REST}").build


@lru_cache(maxsize=1024)
def _tags(part: str) -> tuple[str, ...]:
    return _whole(f"x-0-{part}").tags

"""What kind of file a picture really is, told from its first bytes and not from its name."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

HEAD = 65536
"""Bytes that are read of each picture."""
_READ = {
    b"BM": "BMP",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"8BPS": "PSD",
    b"P5": "PNM",
    b"P6": "PNM",
    b"#?RADIANCE": "HDR",
    b"#?RGBE": "HDR",
    b"\x53\x80\xf6\x34": "PIC",
}
_NOT_READ = {
    b"II*\0": "a TIFF",
    b"MM\0*": "a TIFF",
    b"P1": "a text PNM",
    b"P2": "a text PNM",
    b"P3": "a text PNM",
    b"P4": "a PNM of bits",
    b"\0\0\0\x0cjP": "a JPEG 2000",
    b"\xff\x4f\xff\x51": "a JPEG 2000",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip file",
    b"version https://git-lfs": "a Git LFS pointer, not the picture",
    b"%PDF": "a PDF",
    b"<": "a web page or XML",
    b"{": "a JSON",
}
_CONVERT = "convert it to JPEG or PNG"
_BRANDS = {
    b"avif": "an AVIF",
    b"avis": "an AVIF",
    b"heic": "a HEIC",
    b"heix": "a HEIC",
    b"mif1": "a HEIC",
}
_ORIENTATION = 0x0112
_READ_FRAMES = (0xC0, 0xC1, 0xC2)
"""JPEG that decoders read: baseline, extended and progressive with Huffman codes."""


class PictureError(ValueError):
    """A file is no picture that Darknet reads; the message says what it is instead."""


@dataclass(frozen=True, slots=True)
class Header:
    """A picture's kind and, where its first bytes tell, its width and height in pixels.

    Those of a JPEG are of the picture as it is looked at: upright.
    """

    kind: str
    size: tuple[int, int] | None = None


def read_header(path: Path) -> Header:
    """Look at a picture's first 64 KiB.

    Raises:
        PictureError: it is empty, cut short within its header, or no picture Darknet reads.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return examine(file.read(HEAD), path.suffix)


def examine(head: bytes, suffix: str = "") -> Header:
    """Tell what a file is from its first bytes; TGA has no mark and goes by its suffix.

    Raises:
        PictureError: it is empty, cut short within its header, or no picture Darknet reads.
    """
    if not head:
        raise PictureError("the file is empty")
    if head.startswith(b"\xff\xd8\xff"):
        return _jpeg(head)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(head)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        raise PictureError(f"it is a WebP file: {_CONVERT}")
    if head[4:8] == b"ftyp":
        raise PictureError(f"it is {_BRANDS.get(head[8:12], 'a video')} file: {_CONVERT}")
    for mark, kind in _READ.items():
        if head.startswith(mark):
            return Header(kind)
    for mark, kind in _NOT_READ.items():
        if head.lstrip().startswith(mark):
            raise PictureError(f"it is {kind} file" if len(kind) < 20 else f"it is {kind}")
    if suffix.lower() in {".tga", ".icb", ".vda", ".vst"} and len(head) > 18:
        return Header("TGA", _size(*struct.unpack_from("<HH", head, 12)))
    if not head.strip(b"\0"):
        raise PictureError("it holds nothing but zeros: fetch it again")
    raise PictureError("it is no JPEG, PNG, BMP, GIF or other picture that Darknet reads")


def cut_short(path: Path, kind: str) -> bool:
    """Whether the end of a JPEG or PNG is missing, which decoders may pass over.

    Raises:
        OSError: it cannot be read.
    """
    mark = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}.get(kind, b"")
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - HEAD))
        return mark not in file.read()


def _jpeg(head: bytes) -> Header:
    """Walk the segments up to the frame, which has the size."""
    at = 2
    turned = 0
    while at + 4 <= len(head):
        if head[at] != 0xFF:
            raise PictureError("its JPEG header is damaged")
        mark = head[at + 1]
        if mark == 0xFF:  # a fill byte
            at += 1
            continue
        if 0xC0 <= mark <= 0xCF and mark not in (0xC4, 0xC8, 0xCC):
            if at + 9 > len(head):
                break
            bits, height, width = struct.unpack_from(">BHH", head, at + 4)
            if mark not in _READ_FRAMES or bits != 8:
                raise PictureError(f"it is a JPEG of a rare kind: {_CONVERT}")
            return Header("JPEG", _size(*((height, width) if turned > 4 else (width, height))))
        if mark in (0xD9, 0xDA):
            raise PictureError("its JPEG header is damaged")
        if mark == 0xE1 and not turned and head.startswith(b"Exif\0\0", at + 4):
            turned = _orientation(head[at + 10 : at + 2 + _length(head, at + 2)])
        at += 2 + (0 if mark == 0x01 or 0xD0 <= mark <= 0xD7 else _length(head, at + 2))
    if len(head) < HEAD:
        raise PictureError("it is cut short: its JPEG header does not end")
    return Header("JPEG")  # the frame comes later, behind large notes or colour profiles


def _orientation(tiff: bytes) -> int:
    """The tag Orientation of EXIF, 1 (upright) to 8; from 5 on, width and height change places."""
    order = "<" if tiff.startswith(b"I") else ">"
    try:
        at: int = struct.unpack_from(f"{order}I", tiff, 4)[0]
        entries: int = struct.unpack_from(f"{order}H", tiff, at)[0]
        for entry in range(entries):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, at + 2 + 12 * entry)
            if tag == _ORIENTATION:
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def _length(head: bytes, at: int) -> int:
    length = int.from_bytes(head[at : at + 2], "big")
    if length < 2:
        raise PictureError("its JPEG header is damaged")
    return length


def _png(head: bytes) -> Header:
    if len(head) < 33 or head[12:16] != b"IHDR":
        raise PictureError("it is cut short: its PNG header does not end")
    return Header("PNG", _size(*struct.unpack_from(">II", head, 16)))


def _size(width: int, height: int) -> tuple[int, int]:
    if not width or not height:
        raise PictureError(f"it has no pixels: {width} x {height}")
    return width, height

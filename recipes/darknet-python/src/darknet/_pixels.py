"""Images on their way into a network: files and NumPy arrays become Darknet's planes of floats."""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, c_float
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from darknet._data.pictures import PictureError, read_header
from darknet._library import last_error
from darknet._paths import find_file
from darknet._structs import IMAGE

if TYPE_CHECKING:
    Floats = np.ndarray[Any, np.dtype[np.float32]]

Order = Literal["rgb", "bgr"]
_SHADES = (np.arange(256) / 255.0).astype(np.float32)
"""A byte as Darknet's own image loader turns it into a float."""


class ImageError(ValueError):
    """A file is no image, or a damaged one; the message says which and why."""


def read_planes(
    library: ctypes.CDLL, name: str | bytes | os.PathLike[str], channels: int
) -> Floats:
    """An image file by Darknet's own decoder: channels x height x width, RGB, from 0 to 1.

    Raises:
        FileNotFoundError: it is not there.
        ImageError: it is no image that Darknet reads.
        ValueError: the network takes another number of channels.
    """
    file = find_file(name)
    try:
        read_header(Path(os.fsdecode(file)))
    except PictureError as error:
        raise ImageError(f"{os.fsdecode(file)} cannot be read as an image: {error}") from None
    image = library.darknet_load_image_color(file, 0, 0)
    if not image.data:
        raise ImageError(f"{os.fsdecode(file)} cannot be decoded: {last_error(library)}")
    planes = _taken(library, image)
    if channels == 1:
        planes = _grey(planes)
    if len(planes) != channels:
        raise ValueError(f"an image file has colours, the network takes {channels} channels")
    return planes


def array_planes(image: np.ndarray[Any, Any], channels: int, order: Order) -> Floats:
    """An image in memory as Darknet stores it: channels x height x width, RGB.

    Raises:
        ValueError: the array is no image with this many channels.
    """
    if image.dtype == np.uint8:
        pixels = image[:, :, np.newaxis] if image.ndim == 2 else image
        planes = _SHADES[np.moveaxis(pixels, -1, 0)] if pixels.ndim == 3 else None
    elif np.issubdtype(image.dtype, np.floating):
        planes = image[np.newaxis] if image.ndim == 2 else image
    else:
        raise ValueError(f"an image is uint8 or floats, not {image.dtype}")
    if planes is None or planes.ndim != 3 or not planes.size or len(planes) != channels:
        raise ValueError(
            f"shape {image.shape} of {image.dtype} is no image of {channels} channels: "
            "uint8 is height x width x channels, floats are channels x height x width"
        )
    if order not in ("rgb", "bgr"):
        raise ValueError(f"order is 'rgb' or 'bgr', not {order!r}")
    return np.ascontiguousarray(planes[::-1] if order == "bgr" else planes, dtype=np.float32)


def letterbox(library: ctypes.CDLL, planes: Floats, width: int, height: int) -> Floats:
    """The image in the network's size, with grey bars where its shape is another."""
    channels, rows, columns = planes.shape
    given = IMAGE(columns, rows, channels, pointer(planes))
    return _taken(library, library.letterbox_image(given, width, height))


def pointer(values: Floats) -> ctypes._Pointer[c_float]:
    """Where an array's numbers lie; the array must outlive it."""
    return values.ctypes.data_as(POINTER(c_float))


def _grey(planes: Floats) -> Floats:
    """Colours as Darknet's decoder turns them into grey."""
    red, green, blue = np.rint(planes * 255).astype(np.uint32)
    grey: Floats = _SHADES[(77 * red + 150 * green + 29 * blue) >> 8]
    return grey[np.newaxis]


def _taken(library: ctypes.CDLL, image: IMAGE) -> Floats:
    """A copy of Darknet's image, which is freed."""
    shape = (image.c, image.h, image.w)
    copy: Floats = np.ctypeslib.as_array(image.data, shape=shape).copy()
    library.free_image(image)
    return copy

"""The labelled pictures of a data set, as arrays: what is to be found in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from darknet._data.datafile import find_input, read_data_file
from darknet._data.labels import label_path
from darknet._data.text import DataError, plain_path, read_lines

if TYPE_CHECKING:
    Floats = np.ndarray[Any, np.dtype[np.float64]]
    Integers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Truth:
    """What is in a picture.

    Attributes:
        picture: The file.
        class_ids: n, int64: the classes, counted from 0.
        boxes: n x 4, float64: centre x, centre y, width, height, as parts of the picture's size.
    """

    picture: str
    class_ids: Integers
    boxes: Floats


def listed_pictures(data: Path, key: str) -> list[str]:
    """The pictures that the line ``train`` or ``valid`` of a .data file leads to.

    Raises:
        ValueError: there is no such line, no such file, or no picture in it.
    """
    try:
        entry = read_data_file(data).find(key)
        if entry is None:
            raise ValueError(f"{data}: no line {key} = FILE")
        found = find_input(entry.value)
        if found is None:
            raise ValueError(f"{data}:{entry.line}: {key}: no file {entry.value}")
        pictures = [plain_path(line.text) for line in read_lines(found) if line.text]
    except DataError as error:
        raise ValueError(str(error)) from None
    if not pictures:
        raise ValueError(f"{found}: no picture")
    return pictures


def read_truth(picture: str) -> Truth:
    """The labels of a picture, whose file Darknet's rule names.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it cannot be read, or a line is not a class and four numbers.
    """
    file = label_path(picture)
    if not Path(file).exists():
        raise FileNotFoundError(f"{picture} has no labels: there is no {file}")
    class_ids, boxes = [], []
    try:
        lines = read_lines(Path(file))
    except DataError as error:
        raise ValueError(str(error)) from None
    for line in lines:
        if not line.text:
            continue
        try:
            name, x, y, width, height = line.text.split()
            class_ids.append(int(name))
            boxes.append((float(x), float(y), float(width), float(height)))
        except ValueError:
            raise ValueError(
                f"{file}:{line.number}: not a class and four numbers: {line.text}"
            ) from None
    return Truth(
        picture,
        np.array(class_ids, dtype=np.int64),
        np.array(boxes, dtype=np.float64).reshape(-1, 4),
    )

"""The names of Darknet's own python/darknet.py, so that what was written for it goes on.

Networks are plain pointers here, and classes are bytes, as they were. Any number of threads may
call these functions; they take turns.
"""

from __future__ import annotations

import os
from ctypes import POINTER, byref, c_char_p, c_int, cast
from pathlib import Path

from darknet._data.datafile import read_data_file
from darknet._data.parts import class_number
from darknet._library import DEVICE_LOCK, last_error, load_library
from darknet._names import names_of_data
from darknet._network import NetworkError
from darknet._paths import find_file
from darknet._structs import IMAGE, METADATA

PathName = str | bytes | os.PathLike[str]


def set_gpu(number: int) -> None:
    """Choose the GPU that networks made from now on run on; a negative number is the CPU.

    Raises:
        ValueError: there is no such GPU.
    """
    library = load_library()
    with DEVICE_LOCK:
        if library.darknet_set_device(number):
            raise ValueError(last_error(library))


def load_net(cfg: PathName, weights: PathName | None = None, clear: int = 0) -> int:
    """Make a network; `clear` forgets how many images its weights were trained with.

    Raises:
        FileNotFoundError: a file is not there.
        NetworkError: Darknet cannot make a network of the files.
    """
    files = find_file(cfg), find_file(weights) if weights else None
    library = load_library()
    with DEVICE_LOCK:
        net = library.darknet_load_network(*files, clear)
        if not net:
            raise NetworkError(last_error(library))
    return int(net)


def free_net(net: int) -> None:
    """Give a network's memory back; it must not be used any more."""
    with DEVICE_LOCK:
        load_library().free_network(net)


def load_meta(data: PathName) -> METADATA:
    """Read the classes of a ``.data`` file.

    Raises:
        FileNotFoundError: the file, or the file of names that it names, is not there.
        ValueError: there are fewer names than classes.
    """
    path = Path(os.fsdecode(find_file(data)))
    names = names_of_data(path)
    classes = class_number(read_data_file(path))
    if classes is None:
        classes = len(names)
    if len(names) < classes:
        raise ValueError(f"{path}: {len(names)} names for {classes} classes")
    lines = (c_char_p * len(names))(*(os.fsencode(name) for name in names))
    return METADATA(classes, cast(lines, POINTER(c_char_p)))


def network_width(net: int) -> int:
    """Pixels in a row of the network's input."""
    return int(load_library().network_width(net))


def network_height(net: int) -> int:
    """Rows of the network's input."""
    return int(load_library().network_height(net))


def load_image(image: PathName, width: int = 0, height: int = 0) -> IMAGE:
    """Read an image file, scaled where a size in pixels is given; `free_image` frees it.

    Raises:
        FileNotFoundError: the image is not there.
        ValueError: it cannot be decoded.
    """
    library, file = load_library(), find_file(image)
    picture: IMAGE = library.darknet_load_image_color(file, width, height)
    if not picture.data:
        raise ValueError(f"{os.fsdecode(file)} cannot be decoded: {last_error(library)}")
    return picture


def free_image(image: IMAGE) -> None:
    """Give an image's memory back; it must not be used any more."""
    load_library().free_image(image)


def predict_image(net: int, image: IMAGE) -> list[float]:
    """The last layer's output for an image, scaled to the network's size first.

    Raises:
        NetworkError: the image has other channels than the network, or Darknet fails.
    """
    library = load_library()
    with DEVICE_LOCK:
        output = library.darknet_network_predict_image(net, image)
        if not output:
            raise NetworkError(last_error(library))
        return list(output[: library.network_outputs(net)])


def classify(net: int, meta: METADATA, image: IMAGE) -> list[tuple[bytes, float]]:
    """Each class with its probability, most probable first."""
    chances = predict_image(net, image)[: meta.classes]
    return sorted(
        ((meta.names[i], chance) for i, chance in enumerate(chances)), key=lambda one: -one[1]
    )


def detect(
    net: int,
    meta: METADATA,
    image: PathName,
    thresh: float = 0.5,
    hier_thresh: float = 0.5,
    nms: float = 0.45,
) -> list[tuple[bytes, float, tuple[float, float, float, float]]]:
    """Find objects in an image file: (name, probability, (centre x, centre y, width, height)).

    Raises:
        FileNotFoundError: the image is not there.
        NetworkError: Darknet fails, for want of memory for example.
        ValueError: it cannot be decoded.
    """
    library = load_library()
    picture = load_image(image)
    count = c_int()
    try:
        with DEVICE_LOCK:
            done = library.darknet_network_predict_image(net, picture)
            boxes = done and library.darknet_get_network_boxes(
                net, picture.w, picture.h, thresh, hier_thresh, None, 0, byref(count)
            )
            if not boxes:
                raise NetworkError(last_error(library))
    finally:
        library.free_image(picture)
    try:
        found = boxes[: count.value]
        classes = found[0].classes if found else 0
        if classes > meta.classes:
            raise ValueError(
                f"the network has {classes} classes, and the .data file {meta.classes}"
            )
        if nms and found:
            library.do_nms_obj(boxes, count, classes, nms)
        named = [
            (meta.names[i], box.prob[i], (box.bbox.x, box.bbox.y, box.bbox.w, box.bbox.h))
            for box in found
            for i in range(classes)
            if box.prob[i] > 0
        ]
    finally:
        library.free_detections(boxes, count)
    return sorted(named, key=lambda one: -one[1])

"""The names of Darknet's own python/darknet.py, so that what was written for it goes on.

Networks are plain pointers here, and classes are bytes, as they were.
"""

from __future__ import annotations

import os
from ctypes import byref, c_int

from darknet._library import load_library
from darknet._paths import find_file
from darknet._structs import METADATA

PathName = str | bytes | os.PathLike[str]


def set_gpu(number: int) -> None:
    """Choose the GPU that networks made from now on run on; a negative number is the CPU."""
    load_library().cuda_set_device(number)


def load_net(cfg: PathName, weights: PathName | None = None, clear: int = 0) -> int:
    """Make a network; `clear` forgets how many images its weights were trained with.

    Raises:
        FileNotFoundError: a file is not there.
    """
    files = find_file(cfg), find_file(weights) if weights else None
    return int(load_library().load_network(*files, clear))


def load_meta(data: PathName) -> METADATA:
    """Read the classes of a ``.data`` file.

    Raises:
        FileNotFoundError: the file is not there.
    """
    meta: METADATA = load_library().get_metadata(find_file(data))
    return meta


def network_width(net: int) -> int:
    """Pixels in a row of the network's input."""
    return int(load_library().network_width(net))


def network_height(net: int) -> int:
    """Rows of the network's input."""
    return int(load_library().network_height(net))


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
    """
    library = load_library()
    picture = library.load_image_color(find_file(image), 0, 0)
    library.network_predict_image(net, picture)
    count = c_int()
    boxes = library.get_network_boxes(
        net, picture.w, picture.h, thresh, hier_thresh, None, 0, byref(count)
    )
    if nms:
        library.do_nms_obj(boxes, count, meta.classes, nms)
    found = [
        (meta.names[i], box.prob[i], (box.bbox.x, box.bbox.y, box.bbox.w, box.bbox.h))
        for box in boxes[: count.value]
        for i in range(meta.classes)
        if box.prob[i] > 0
    ]
    library.free_image(picture)
    library.free_detections(boxes, count)
    return sorted(found, key=lambda one: -one[1])

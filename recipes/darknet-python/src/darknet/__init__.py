"""Darknet, the neural network framework of YOLO, on NVIDIA GPUs or, where there is none, the CPU.

    import darknet
    with darknet.Network("yolov3.cfg", "yolov3.weights", names="coco.names") as network:
        for found in network.detect("street.jpg"):  # or NumPy, height x width x RGB, uint8
            print(found.label, found.confidence, found.box)
    darknet.train("obj.data", "my.cfg", "my_last.weights", on_progress=lambda at: at.loss > 0.1)
    darknet.evaluate("obj.data", "my.cfg", "my_final.weights").mean_average_precision

``DARKNET_DEVICE`` chooses where it runs: ``cpu`` or the number of a GPU; otherwise GPU 0.
``python -m darknet`` looks for what is wrong when something is.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from darknet._anchors import Anchors, find_anchors
    from darknet._compat import (
        classify,
        detect,
        free_image,
        free_net,
        load_image,
        load_meta,
        load_net,
        network_height,
        network_width,
        predict_image,
        set_gpu,
    )
    from darknet._detections import Detection, Detections
    from darknet._evaluate import ClassScore, Evaluation, evaluate
    from darknet._library import LibraryError, load_library
    from darknet._network import Network, NetworkError
    from darknet._paths import share
    from darknet._structs import BOX, DETECTION, IMAGE, METADATA
    from darknet._train import TrainingError, train
    from darknet._training_events import Precision, Progress, Skipped, Trained

__all__ = [
    "BOX",
    "DETECTION",
    "IMAGE",
    "METADATA",
    "Anchors",
    "ClassScore",
    "Detection",
    "Detections",
    "Evaluation",
    "LibraryError",
    "Network",
    "NetworkError",
    "Precision",
    "Progress",
    "Skipped",
    "Trained",
    "TrainingError",
    "classify",
    "detect",
    "evaluate",
    "find_anchors",
    "free_image",
    "free_net",
    "load_image",
    "load_library",
    "load_meta",
    "load_net",
    "network_height",
    "network_width",
    "predict_image",
    "set_gpu",
    "share",
    "train",
]

_HOMES = {
    "_anchors": ("Anchors", "find_anchors"),
    "_detections": ("Detection", "Detections"),
    "_evaluate": ("ClassScore", "Evaluation", "evaluate"),
    "_library": ("LibraryError", "load_library"),
    "_network": ("Network", "NetworkError"),
    "_paths": ("share",),
    "_structs": ("BOX", "DETECTION", "IMAGE", "METADATA"),
    "_train": ("TrainingError", "train"),
    "_training_events": ("Precision", "Progress", "Skipped", "Trained"),
}
"""Which module has a name; all others are in ``_compat``."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a name when it is asked for: the command ``darknet`` needs none of them."""
        if name not in __all__:
            raise AttributeError(f"module 'darknet' has no attribute {name!r}")
        home = next((module for module, names in _HOMES.items() if name in names), "_compat")
        globals()[name] = getattr(import_module(f"darknet.{home}"), name)
        return globals()[name]

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})

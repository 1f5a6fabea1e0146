"""Darknet, the neural network framework of YOLO, on NVIDIA GPUs or, where there is none, the CPU.

    import darknet
    network = darknet.Network("cfg/yolov3.cfg", "yolov3.weights")
    for found in network.detect(image):  # NumPy, height x width x RGB, uint8
        print(found)

``DARKNET_DEVICE`` chooses where it runs: ``cpu`` or the number of a GPU; otherwise GPU 0.
``python -m darknet`` looks for what is wrong when something is.
"""

from darknet._compat import detect, load_meta, load_net, network_height, network_width, set_gpu
from darknet._library import LibraryError, load_library
from darknet._network import Detection, Network
from darknet._paths import share
from darknet._structs import BOX, DETECTION, IMAGE, METADATA

__all__ = [
    "BOX",
    "DETECTION",
    "IMAGE",
    "METADATA",
    "Detection",
    "LibraryError",
    "Network",
    "detect",
    "load_library",
    "load_meta",
    "load_net",
    "network_height",
    "network_width",
    "set_gpu",
    "share",
]

"""make_reference.py LIBDARKNET SOURCE: the numbers in reference.json, from a plain CPU build.

LIBDARKNET is built from upstream's source as it is, with no patch, GPU=0 and
``-O3 -fPIC -std=gnu11``; SOURCE is that source's folder. Prints JSON.
"""

import ctypes
import json
import sys
import tempfile
from ctypes import POINTER, c_char_p, c_float, c_int, c_void_p
from pathlib import Path

import networks
import numpy as np

CFGS = ("cfg/yolov3-tiny.cfg", "cfg/yolov2-tiny.cfg", "cfg/darknet.cfg")
SAMPLES = 64


def outputs(library: ctypes.CDLL, cfg: Path) -> np.ndarray:
    with tempfile.NamedTemporaryFile(suffix=".weights") as weights:
        weights.write(networks.random_weights(cfg.read_text()))
        weights.flush()
        net = library.load_network(str(cfg).encode(), weights.name.encode(), 0)
    library.set_batch_network(net, 1)
    values = networks.random_input(library.network_inputs(net))
    given = values.ctypes.data_as(POINTER(c_float))
    found = library.network_predict(net, given)
    return np.ctypeslib.as_array(found, shape=(library.network_outputs(net),)).copy()


def main() -> None:
    library = ctypes.CDLL(sys.argv[1])
    library.load_network.restype = c_void_p
    library.load_network.argtypes = [c_char_p, c_char_p, c_int]
    library.set_batch_network.argtypes = [c_void_p, c_int]
    library.network_inputs.argtypes = library.network_outputs.argtypes = [c_void_p]
    library.network_predict.restype = POINTER(c_float)
    library.network_predict.argtypes = [c_void_p, POINTER(c_float)]
    reference = {}
    for cfg in CFGS:
        values = outputs(library, Path(sys.argv[2], cfg))
        chosen = np.linspace(0, len(values) - 1, SAMPLES).astype(int)
        samples = [float(values[i]).hex() for i in chosen]
        reference[cfg] = {"outputs": len(values), "samples": samples}
    sys.stdout.write(json.dumps(reference, indent=1) + "\n")


if __name__ == "__main__":
    main()

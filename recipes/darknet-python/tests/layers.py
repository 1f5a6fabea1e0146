"""Print, as a NumPy file, what comes out of each layer of a network: CFG, FILE.

The network is made of its first layer, its first two, and so on, with the random weights of
networks.py: those of a part are the beginning of the whole's. Darknet wants each [yolo] to be like
the last layer, so one in the middle is a [route], of which nothing is taken either.
"""

import sys
from pathlib import Path

import networks
import numpy as np


def parts(text: str) -> list[str]:
    """The .cfg of the first layer, of the first two, and so on."""
    net, *layers = ("\n" + text.strip()).split("\n[")[1:]
    before = ["route]\nlayers=-1\n" if one.startswith("yolo]") else one for one in layers]
    return ["\n[".join(["", net, *before[:n], one]) + "\n" for n, one in enumerate(layers)]


def main() -> None:
    import darknet

    cfg, out = Path(sys.argv[1]), Path(sys.argv[2])
    part, weights = out.with_suffix(".cfg"), out.with_suffix(".weights")
    found = {}
    for number, text in enumerate(parts(cfg.read_text())):
        part.write_text(text)
        weights.write_bytes(networks.random_weights(text))
        with darknet.Network(part, weights) as network:
            found[f"{number:03}"] = network.predict(networks.random_input(network.inputs))
    np.savez(out, **found)


if __name__ == "__main__":
    main()

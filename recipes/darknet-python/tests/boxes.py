"""boxes.py CFG WEIGHTS OUT: every box of one forward pass, as x, y, w, h, objectness, classes."""

import sys
from ctypes import POINTER, byref, c_float, c_int

import darknet
import networks
import numpy as np

library = darknet.load_library()
net = darknet.load_net(sys.argv[1], sys.argv[2])
library.darknet_set_batch_network(net, 1)
values = networks.random_input(library.network_inputs(net))
assert library.darknet_network_predict(net, values.ctypes.data_as(POINTER(c_float)))
count = c_int()
size = darknet.network_width(net), darknet.network_height(net)
boxes = library.darknet_get_network_boxes(net, *size, 0.0, 0.5, None, 1, byref(count))
np.save(
    sys.argv[3],
    [
        [one.bbox.x, one.bbox.y, one.bbox.w, one.bbox.h, one.objectness, *one.prob[: one.classes]]
        for one in boxes[: count.value]
    ],
)

"""Networks of the shapes that people run, with random weights: no weights are downloaded.

Each is a `Network`: how to read it, what it takes, and which outputs are compared. Weights come
from `RandomState`, whose streams are the same with every numpy.
"""

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from networks import field, node, onnx_model, varint


@dataclass(frozen=True)
class Network:
    """One network.

    Attributes:
        read: Reads it anew.
        shape: Its input's.
        outputs: Names of what is compared; empty means the net's own outputs.
    """

    read: Callable[[], "cv2.dnn.Net"]
    shape: tuple[int, ...]
    outputs: tuple[str, ...] = ()

    def input(self, seed=11):
        """A random picture, between 0 and 1."""
        return np.random.RandomState(seed).random_sample(self.shape).astype(np.float32)

    def runner(self, target=None):
        """A call that gives all outputs: on the CPU, or on CUDA's ``CUDA`` or ``CUDA_FP16``."""
        net = self.read()
        backend = cv2.dnn.DNN_BACKEND_CUDA if target else cv2.dnn.DNN_BACKEND_OPENCV
        net.setPreferableBackend(backend)
        net.setPreferableTarget(getattr(cv2.dnn, f"DNN_TARGET_{target or 'CPU'}"))
        names = list(self.outputs) or net.getUnconnectedOutLayersNames()
        x = self.input()

        def call():
            net.setInput(x)
            return net.forward(names)

        return call

    def run(self, target=None):
        """All outputs, once."""
        return self.runner(target)()


def as_array(data):
    return np.frombuffer(data, np.uint8)


# -- ONNX -----------------------------------------------------------------------------------------


class Builder:
    """Nodes and weights, one after the other."""

    def __init__(self, seed):
        self.random = np.random.RandomState(seed)
        self.nodes, self.weights = [], {}

    def add(self, kind, *inputs, **attributes):
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(node(kind, inputs, [name], **attributes))
        return name

    def weight(self, *shape, scale=1.0):
        name = f"w{len(self.weights)}"
        self.weights[name] = (self.random.standard_normal(shape) * scale).astype(np.float32)
        return name

    def constant(self, array):
        name = f"w{len(self.weights)}"
        self.weights[name] = array
        return name

    def conv(self, x, shape, stride=1, group=1, scale=1.0):
        """A convolution with He's scale and a small bias; ``shape`` is (out, in, size)."""
        out, into, size = shape
        into //= group
        scale *= math.sqrt(2 / (into * size * size))
        w = self.weight(out, into, size, size, scale=scale)
        b = self.weight(out, scale=0.01)
        pad = [size // 2] * 4
        sizes = {"kernel_shape": [size, size], "strides": [stride, stride], "pads": pad}
        return self.add("Conv", x, w, b, group=group, **sizes)


def resnet50(size=224):
    """ResNet-50, batch normalisation folded into the convolutions as exporters do."""
    net = Builder(3)
    x = net.add("Relu", net.conv("x", (64, 3, 7), stride=2))
    x = net.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    into = 64
    for stage, blocks in enumerate((3, 4, 6, 3)):
        width = 64 << stage
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            y = net.add("Relu", net.conv(x, (width, into, 1)))
            y = net.add("Relu", net.conv(y, (width, width, 3), stride=stride))
            y = net.conv(y, (4 * width, width, 1), scale=0.3)
            if not block:
                x = net.conv(x, (4 * width, into, 1), stride=stride)
            x = net.add("Relu", net.add("Add", x, y))
            into = 4 * width
    x = net.add("Flatten", net.add("GlobalAveragePool", x), axis=1)
    w, b = net.weight(into, 1000, scale=0.02), net.weight(1000, scale=0.1)
    y = net.add("Gemm", x, w, b)
    model = onnx_model(net.nodes, net.weights, {"x": (1, 3, size, size)}, {y: (1, 1000)})
    return Network(lambda: cv2.dnn.readNetFromONNX(as_array(model)), (1, 3, size, size))


def mixed():
    """What else is common: depthwise, squeeze and excite, attention, upsampling, transposed."""
    net = Builder(4)
    x = net.conv("x", (16, 3, 3), stride=2)
    x = net.add("Mul", x, net.add("Sigmoid", x))  # SiLU
    y = net.add("Relu", net.conv(x, (16, 16, 3), group=16))
    squeezed = net.add("Relu", net.conv(net.add("GlobalAveragePool", y), (4, 16, 1)))
    y = net.add("Mul", y, net.add("Sigmoid", net.conv(squeezed, (16, 4, 1))))
    y = net.add("LeakyRelu", net.add("Concat", x, y, axis=1), alpha=0.1)
    y = net.add("AveragePool", y, kernel_shape=[2, 2], strides=[2, 2])
    w = net.weight(32, 8, 2, 2, scale=0.2)
    up = net.add("ConvTranspose", y, w, kernel_shape=[2, 2], strides=[2, 2])
    rows = net.add("Reshape", y, net.constant(np.array([1, 32, -1], np.int64)))
    rows = net.add("Transpose", rows, perm=[0, 2, 1])  # 1, places, 32
    q, k, v = (net.add("MatMul", rows, net.weight(32, 32, scale=0.2)) for _ in range(3))
    scores = net.add("MatMul", q, net.add("Transpose", k, perm=[0, 2, 1]))
    seen = net.add("MatMul", net.add("Softmax", scores, axis=2), v)
    shapes = {"x": (1, 3, 32, 32)}
    model = onnx_model(net.nodes, net.weights, shapes, {seen: (1, 64, 32), up: (1, 8, 16, 16)})
    return Network(lambda: cv2.dnn.readNetFromONNX(as_array(model)), (1, 3, 32, 32), (seen, up))


# -- Darknet --------------------------------------------------------------------------------------

HEAD = "[net]\nwidth={size}\nheight={size}\nchannels=3\n"
ANCHORS = "10,14, 23,27, 37,58, 81,82, 135,169, 344,319"


def conv(filters, size=3, stride=1, linear=False):
    normalised = "" if linear else "batch_normalize=1\n"
    activation = "linear" if linear else "leaky"
    return (
        f"[convolutional]\n{normalised}filters={filters}\nsize={size}\nstride={stride}\npad=1\n"
        f"activation={activation}\n"
    )


def pool(size=2, stride=2):
    return f"[maxpool]\nsize={size}\nstride={stride}\n"


def route(*layers, half=False):
    return f"[route]\nlayers={','.join(map(str, layers))}\n" + (
        "groups=2\ngroup_id=1\n" if half else ""
    )


def yolo(mask, scale=1.0):
    return (
        f"[yolo]\nmask={mask}\nanchors={ANCHORS}\nclasses=80\nnum=6\nscale_x_y={scale}\n"
        "ignore_thresh=.7\nthresh=0.001\n"
    )


UPSAMPLE = "[upsample]\nstride=2\n"


def yolov3_tiny_cfg():
    layers = []
    for filters in (16, 32, 64, 128, 256):
        layers += [conv(filters), pool()]
    layers += [conv(512), pool(2, 1), conv(1024), conv(256, 1), conv(512), conv(255, 1, 1, True)]
    layers += [yolo("3,4,5"), route(-4), conv(128, 1), UPSAMPLE, route(-1, 8), conv(256)]
    return [*layers, conv(255, 1, 1, True), yolo("0,1,2")]


def yolov4_tiny_cfg():
    layers = [conv(32, stride=2), conv(64, stride=2)]
    for width in (64, 128, 256):
        layers += [conv(width), route(-1, half=True), conv(width // 2), conv(width // 2)]
        layers += [route(-1, -2), conv(width, 1), route(-6, -1), pool()]
    layers += [conv(512), conv(256, 1), conv(512), conv(255, 1, 1, True), yolo("3,4,5", 1.05)]
    layers += [route(-4), conv(128, 1), UPSAMPLE, route(-1, 23), conv(256)]
    return [*layers, conv(255, 1, 1, True), yolo("1,2,3", 1.05)]


def options(section):
    """``filters`` and so on of one section, as text."""
    return dict(line.split("=", 1) for line in section.splitlines() if "=" in line)


def darknet_weights(layers, seed):
    """Random weights for a list of sections, in the order of a ``.weights`` file."""
    random = np.random.RandomState(seed)
    parts, channels = [], []
    for section in layers:
        told, kind = options(section), section.partition("]")[0][1:]
        into = channels[-1] if channels else 3
        out = into
        if kind == "route":
            at = [int(one) for one in told["layers"].split(",")]
            out = sum(channels[one if one >= 0 else len(channels) + one] for one in at)
            out //= int(told.get("groups", 1))
        elif kind == "convolutional":
            out, size = int(told["filters"]), int(told["size"])
            parts.append(0.1 * random.standard_normal(out))  # biases
            if "batch_normalize" in told:
                parts += [random.uniform(0.8, 1.2, out), 0.1 * random.standard_normal(out)]
                parts.append(random.uniform(0.5, 1.5, out))  # variance
            scale = math.sqrt(2 / (into * size * size))
            parts.append(scale * random.standard_normal(out * into * size * size))
        channels.append(out)
    data = b"".join(part.astype(np.float32).tobytes() for part in parts)
    return struct.pack("<iiiq", 0, 2, 0, 0) + data


def darknet(layers, size, seed):
    """A `Network`; the convolutions before the YOLO layers are compared as well."""
    cfg = as_array((HEAD.format(size=size) + "".join(layers)).encode())
    weights = as_array(darknet_weights(layers, seed))
    yolos = [index for index, section in enumerate(layers) if section.startswith("[yolo]")]
    outputs = [name for index in yolos for name in (f"conv_{index - 1}", f"yolo_{index}")]
    read = lambda: cv2.dnn.readNetFromDarknet(cfg, weights)  # noqa: E731 -- as short as what it stands for
    return Network(read, (1, 3, size, size), tuple(outputs))


def yolov3_tiny(size=416):
    return darknet(yolov3_tiny_cfg(), size, 5)


def yolov4_tiny(size=416):
    return darknet(yolov4_tiny_cfg(), size, 6)


# -- Caffe: a text with the layers, and protobuf with their weights --------------------------------

CAFFE = """
name: "random"
input: "data"
input_shape { dim: 1 dim: 3 dim: 32 dim: 32 }
layer { name: "c1" type: "Convolution" bottom: "data" top: "c1"
        convolution_param { num_output: 16 kernel_size: 5 pad: 2 stride: 2 } }
layer { name: "n1" type: "BatchNorm" bottom: "c1" top: "n1" batch_norm_param { eps: 1e-5 } }
layer { name: "s1" type: "Scale" bottom: "n1" top: "s1" scale_param { bias_term: true } }
layer { name: "r1" type: "ReLU" bottom: "s1" top: "r1" }
layer { name: "l1" type: "LRN" bottom: "r1" top: "l1"
        lrn_param { local_size: 5 alpha: 1e-4 beta: 0.75 } }
layer { name: "c2" type: "Convolution" bottom: "l1" top: "c2"
        convolution_param { num_output: 16 kernel_size: 3 pad: 1 group: 2 } }
layer { name: "e2" type: "Eltwise" bottom: "c2" bottom: "l1" top: "e2"
        eltwise_param { operation: SUM } }
layer { name: "p2" type: "Pooling" bottom: "e2" top: "p2"
        pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
layer { name: "f3" type: "InnerProduct" bottom: "p2" top: "f3"
        inner_product_param { num_output: 10 } }
layer { name: "prob" type: "Softmax" bottom: "f3" top: "prob" }
"""


def blob(array):
    """A BlobProto: its shape, and its numbers packed."""
    dims = b"".join(varint(size) for size in array.shape)
    return field(7, field(1, dims)) + field(5, array.astype("<f4").tobytes())


def caffe_weights(seed=7):
    random = np.random.RandomState(seed)

    def make(*shape, scale=1.0):
        return random.standard_normal(shape) * scale

    one = np.ones(1)
    blobs = {
        "c1": ("Convolution", make(16, 3, 5, 5, scale=0.2), make(16)),
        "n1": ("BatchNorm", make(16), random.uniform(0.5, 2, 16), one),
        "s1": ("Scale", random.uniform(0.5, 1.5, 16), make(16)),
        "c2": ("Convolution", make(16, 8, 3, 3, scale=0.2), make(16)),
        "f3": ("InnerProduct", make(10, 16 * 8 * 8, scale=0.02), make(10)),
    }
    layers = (
        field(1, name) + field(2, kind) + b"".join(field(7, blob(array)) for array in arrays)
        for name, (kind, *arrays) in blobs.items()
    )
    return field(1, "random") + b"".join(field(100, layer) for layer in layers)


def caffe():
    text, weights = as_array(CAFFE.encode()), as_array(caffe_weights())
    return Network(lambda: cv2.dnn.readNetFromCaffe(text, weights), (1, 3, 32, 32))


ALL = {
    "resnet50": resnet50,
    "mixed": mixed,
    "yolov3-tiny": yolov3_tiny,
    "yolov4-tiny": yolov4_tiny,
    "caffe": caffe,
}

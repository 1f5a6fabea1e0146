"""Small networks, written by hand in three formats, and what they compute, in numpy."""

import struct

import numpy as np

# --- numpy ---------------------------------------------------------------------------------------


def convolve(x, weights, bias, pad=1):
    """NCHW convolution with stride 1."""
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(x, weights.shape[2:], axis=(2, 3))
    sums = np.einsum("nchwij,ocij->nohw", windows, weights, optimize=True)
    return sums + bias.reshape(1, -1, 1, 1)


def max_pool(x, size=2):
    n, c, h, w = x.shape
    return x.reshape(n, c, h // size, size, w // size, size).max(axis=(3, 5))


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


# --- ONNX: the few protobuf messages that are needed ---------------------------------------------


def varint(number):
    out = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def field(number, value):
    """One protobuf field: int as varint, everything else length-delimited."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name, array):
    dims = b"".join(field(1, int(size)) for size in array.shape)
    kind = {"float32": 1, "int64": 7}[str(array.dtype)]
    return dims + field(2, kind) + field(8, name) + field(9, array.tobytes())


def value_info(name, shape):
    dims = b"".join(field(1, field(1, size)) for size in shape)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, dims)))


def attribute(value):
    """An attribute's value and its type: float, int, string, ints."""
    if isinstance(value, float):
        return varint(2 << 3 | 5) + struct.pack("<f", value) + field(20, 1)
    if isinstance(value, int):
        return field(3, value) + field(20, 2)
    if isinstance(value, str):
        return field(4, value) + field(20, 3)
    return b"".join(field(8, one) for one in value) + field(20, 7)


def onnx_model(nodes, weights, inputs, outputs, opset=13):
    """A model: nodes as `node` gives them, arrays by name, shapes by name."""
    graph = b"".join(field(1, part) for part in nodes) + field(2, "graph")
    graph += b"".join(field(5, tensor(name, array)) for name, array in weights.items())
    graph += b"".join(field(11, value_info(name, shape)) for name, shape in inputs.items())
    graph += b"".join(field(12, value_info(name, shape)) for name, shape in outputs.items())
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, opset))


def node(kind, inputs, outputs, **attributes):
    data = b"".join(field(1, name) for name in inputs)
    data += b"".join(field(2, name) for name in outputs)
    data += field(3, outputs[0]) + field(4, kind)
    for name, value in attributes.items():
        data += field(5, field(1, name) + attribute(value))
    return data


class Onnx:
    """Conv, Relu, MaxPool, Flatten, Gemm, Softmax."""

    shape = (1, 3, 16, 16)

    def __init__(self, seed=1):
        random = np.random.default_rng(seed)
        self.w = random.standard_normal((8, 3, 3, 3)).astype(np.float32)
        self.b = random.standard_normal(8).astype(np.float32)
        self.v = (random.standard_normal((8 * 8 * 8, 10)) / 20).astype(np.float32)
        self.c = random.standard_normal(10).astype(np.float32)

    def model(self):
        nodes = (
            node("Conv", ["x", "w", "b"], ["a"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
            node("Relu", ["a"], ["r"]),
            node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
            node("Flatten", ["p"], ["f"], axis=1),
            node("Gemm", ["f", "v", "c"], ["g"]),
            node("Softmax", ["g"], ["y"], axis=1),
        )
        weights = {name: getattr(self, name) for name in "wbvc"}
        return onnx_model(nodes, weights, {"x": self.shape}, {"y": (1, 10)})

    def answer(self, x):
        x = max_pool(np.maximum(convolve(x, self.w, self.b), 0))
        return softmax(x.reshape(1, -1) @ self.v + self.c)


# --- Darknet -------------------------------------------------------------------------------------


class Darknet:
    """A convolution with batch normalisation, a pooling and a plain convolution, as YOLO begins."""

    shape = (1, 3, 32, 32)
    cfg = """
[net]
width=32
height=32
channels=3

[convolutional]
batch_normalize=1
filters=8
size=3
stride=1
pad=1
activation=leaky

[maxpool]
size=2
stride=2

[convolutional]
filters=5
size=1
stride=1
pad=1
activation=linear
"""

    def __init__(self, seed=2):
        random = np.random.default_rng(seed)

        def make(*shape):
            return random.standard_normal(shape).astype(np.float32)

        self.bias, self.scale, self.mean = make(8), make(8), make(8)
        self.variance = random.uniform(0.5, 2, 8).astype(np.float32)
        self.w1, self.b2, self.w2 = make(8, 3, 3, 3), make(5), make(5, 8, 1, 1)

    def weights(self):
        parts = (self.bias, self.scale, self.mean, self.variance, self.w1, self.b2, self.w2)
        return struct.pack("<iiiq", 0, 2, 0, 0) + b"".join(part.tobytes() for part in parts)

    def answer(self, x):
        x = convolve(x, self.w1, np.zeros(8, np.float32))
        shape = (1, -1, 1, 1)
        x = (x - self.mean.reshape(shape)) / np.sqrt(self.variance + 1e-6).reshape(shape)
        x = x * self.scale.reshape(shape) + self.bias.reshape(shape)
        x = max_pool(np.where(x > 0, x, 0.1 * x))
        return convolve(x, self.w2, self.b2, pad=0)


# --- Caffe ---------------------------------------------------------------------------------------

CAFFE = """
name: "small"
input: "data"
input_shape { dim: 1 dim: 4 dim: 8 dim: 8 }
layer { name: "pool" type: "Pooling" bottom: "data" top: "pool"
        pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "relu" type: "ReLU" bottom: "pool" top: "relu" }
layer { name: "prob" type: "Softmax" bottom: "relu" top: "prob" }
"""


def caffe_answer(x):
    return softmax(np.maximum(max_pool(x), 0))

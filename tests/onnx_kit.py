"""A tiny face detector as an ONNX file: what is bright is a face.

It has the inputs and outputs that OpenCV's ``FaceDetectorYN`` asks of YuNet (2023): for the strides
8, 16 and 32 a class, an object, a box and five landmarks for every square of that size. Class and
object are the square's mean brightness; the box is the square. The file is written by hand, field
by field, as onnx.proto numbers them: no ONNX library is needed.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

STRIDES = (8, 16, 32)
_FLOAT, _INT64 = 1, 7  # TensorProto.DataType
_INTS = 7  # AttributeProto.AttributeType


def bright_is_a_face(width: int, height: int) -> bytes:
    """The model for pictures of this size, both multiples of 32."""
    nodes, tensors, outputs = [], [], []
    for stride in STRIDES:
        for kind, channels in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            name = f"{kind}_{stride}"
            # Mean brightness of the square: 1/255 of each of its values' mean, over three channels.
            weight = 1 / (3 * stride * stride * 255) if channels == 1 else 0.0
            # A box: its centre in squares from the square's corner, and the logarithm of its size.
            bias = {"bbox": (0.5, 0.5, 0.0, 0.0)}.get(kind, (0.0,) * channels)
            tensors += [
                _floats(f"{name}_w", (channels, 3, stride, stride), [weight]),
                _floats(f"{name}_b", (channels,), bias),
                _longs(f"{name}_s", (1, -1, channels)),
            ]
            nodes += [
                _node(
                    "Conv", ("input", f"{name}_w", f"{name}_b"), f"{name}_c",
                    kernel_shape=(stride, stride), strides=(stride, stride),
                ),
                _node("Transpose", (f"{name}_c",), f"{name}_t", perm=(0, 2, 3, 1)),
                _node("Reshape", (f"{name}_t", f"{name}_s"), name),
            ]  # fmt: skip
            squares = (width // stride) * (height // stride)
            outputs.append(_value(name, (1, squares, channels)))
    graph = b"".join(_bytes(1, node) for node in nodes) + _bytes(2, b"faces")
    graph += b"".join(_bytes(5, tensor) for tensor in tensors)
    graph += _bytes(11, _value("input", (1, 3, height, width)))
    graph += b"".join(_bytes(12, output) for output in outputs)
    opset = _bytes(1, b"") + _number(2, 11)
    return _number(1, 7) + _bytes(7, graph) + _bytes(8, opset)


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _tensor(name: str, shape: Sequence[int], kind: int, raw: bytes) -> bytes:
    sizes = b"".join(_number(1, size) for size in shape)
    return sizes + _number(2, kind) + _bytes(8, name.encode()) + _bytes(9, raw)


def _floats(name: str, shape: Sequence[int], values: Sequence[float]) -> bytes:
    """A tensor; a single value fills it."""
    count = 1
    for size in shape:
        count *= size
    every = list(values) * count if len(values) == 1 else list(values)
    return _tensor(name, shape, _FLOAT, struct.pack(f"<{count}f", *every))


def _longs(name: str, values: Sequence[int]) -> bytes:
    return _tensor(name, (len(values),), _INT64, struct.pack(f"<{len(values)}q", *values))


def _node(operation: str, inputs: Sequence[str], output: str, **lists: Sequence[int]) -> bytes:
    attributes = b"".join(
        _bytes(
            5,
            _bytes(1, name.encode())
            + b"".join(_number(8, value) for value in values)
            + _number(20, _INTS),
        )
        for name, values in lists.items()
    )
    given = b"".join(_bytes(1, name.encode()) for name in inputs)
    return given + _bytes(2, output.encode()) + _bytes(4, operation.encode()) + attributes


def _value(name: str, shape: Sequence[int]) -> bytes:
    sizes = b"".join(_bytes(1, _number(1, size)) for size in shape)
    kind = _number(1, _FLOAT) + _bytes(2, sizes)
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, kind))

"""Small networks built as YOLOv2, v3, v4, v4-tiny and v7-tiny are, as text for a .cfg."""

from __future__ import annotations

WIDTH, HEIGHT, CLASSES = 128, 96, 3
ANCHORS = {
    6: "10,14,  23,27,  37,58,  81,82,  135,169,  344,319",
    9: "12, 16, 19, 36, 40, 28, 36, 75, 76, 55, 72, 146, 142, 110, 192, 243, 459, 401",
}
NET = f"""[net]
batch=1
subdivisions=1
width={WIDTH}
height={HEIGHT}
channels=3
momentum=0.949
decay=0.0005
angle=0
saturation = 1.5
exposure = 1.5
hue=.1
learning_rate=0.0013
burn_in=1000
max_batches = 500500
policy=steps
steps=400000,450000
scales=.1,.1
"""


def section(name: str, **options: object) -> str:
    """One section."""
    return f"\n[{name}]\n" + "".join(f"{key}={value}\n" for key, value in options.items())


def conv(filters: int, size: int = 1, stride: int = 1, activation: str = "leaky") -> str:
    """A batch-normalised convolution."""
    return section(
        "convolutional", batch_normalize=1, filters=filters, size=size, stride=stride, pad=1,
        activation=activation,
    )  # fmt: skip


def route(*layers: int, **options: object) -> str:
    """A route to some layers."""
    return section("route", layers=",".join(map(str, layers)), **options)


def pool(size: int, stride: int) -> str:
    """A max-pool, padded as Darknet does without a word."""
    return section("maxpool", size=size, stride=stride)


def yolo(mask: str, anchors: int, activation: str = "linear", **options: object) -> str:
    """The convolution before a [yolo], and the [yolo]."""
    head = section(
        "convolutional", size=1, stride=1, pad=1, filters=3 * (CLASSES + 5), activation=activation
    )
    return head + section(
        "yolo", mask=mask, anchors=ANCHORS[anchors], classes=CLASSES, num=anchors, jitter=".3",
        ignore_thresh=".7", truth_thresh=1, **options,
    )  # fmt: skip


def csp(width: int, activation: str) -> str:
    """A cross-stage block of YOLOv4: two ways, one with a residual unit, joined."""
    return (
        conv(width, 3, 2, activation)
        + conv(width // 2, 1, 1, activation)
        + route(-2)
        + conv(width // 2, 1, 1, activation)
        + conv(width // 2, 1, 1, activation)
        + conv(width // 2, 3, 1, activation)
        + section("shortcut", **{"from": -3}, activation="linear")
        + conv(width // 2, 1, 1, activation)
        + route(-1, -7)
        + conv(width, 1, 1, activation)
    )


def spp() -> str:
    """Three max-pools side by side, joined with what went in."""
    return pool(5, 1) + route(-2) + pool(9, 1) + route(-4) + pool(13, 1) + route(-1, -3, -5, -6)


V4 = {
    "iou_thresh": 0.213, "cls_normalizer": 1.0, "iou_normalizer": 0.07, "iou_loss": "ciou",
    "nms_kind": "greedynms", "beta_nms": 0.6, "max_delta": 5,
}  # fmt: skip


def yolov4(activation: str = "mish") -> str:
    """CSP blocks, the pyramid up and down, three heads with a scale of their own."""
    return (
        NET.replace("burn_in", "mosaic=1\nburn_in")
        + conv(8, 3, 1, activation)
        + "".join(csp(width, activation) for width in (8, 16, 16, 32, 32))  # 0 to 50
        + conv(16)
        + spp()
        + conv(16)  # 58
        + section("upsample", stride=2)
        + route(40)
        + conv(16)
        + route(-1, -3)
        + conv(16, 3)  # 63
        + section("upsample", stride=2)
        + route(30)
        + conv(8)
        + route(-1, -3)
        + conv(16, 3)
        + yolo("0,1,2", 9, scale_x_y=1.2, **V4)
        + route(-3)
        + conv(16, 3, 2)
        + route(-1, 63)
        + conv(16)
        + yolo("3,4,5", 9, scale_x_y=1.1, **V4)
        + route(-3)
        + conv(16, 3, 2)
        + route(-1, 58)
        + conv(16)
        + yolo("6,7,8", 9, scale_x_y=1.05, random=1, **V4)
    )


def yolov4_tiny() -> str:
    """Routes that take the second half of the channels; two heads."""
    options = {
        "scale_x_y": 1.05, "cls_normalizer": 1.0, "iou_normalizer": 0.07, "iou_loss": "ciou",
        "random": 0, "resize": 1.5, "nms_kind": "greedynms", "beta_nms": 0.6,
    }  # fmt: skip
    block = (
        conv(16, 3)
        + route(-1, groups=2, group_id=1)
        + conv(8, 3)
        + conv(8, 3)
        + route(-1, -2)
        + conv(16)
        + route(-6, -1)
        + pool(2, 2)
    )
    return (
        NET
        + conv(8, 3, 2)
        + conv(16, 3, 2)
        + block * 3
        + conv(32, 3)
        + conv(16)
        + conv(32, 3)
        + yolo("3,4,5", 6, **options)
        + route(-4)
        + conv(8)
        + section("upsample", stride=2)
        + route(-1, 23)
        + conv(16, 3)
        + yolo("1,2,3", 6, **options)
    )


def yolov7_tiny() -> str:
    """Four-way joins; heads that are logistic already, with sizes as squares (new_coords)."""
    options = {
        "scale_x_y": 2.0, "objectness_smooth": 1, "resize": 1.5, "iou_thresh": 0.2,
        "iou_normalizer": 0.05, "cls_normalizer": 0.5, "obj_normalizer": 1.0, "iou_loss": "ciou",
        "nms_kind": "diounms", "beta_nms": 0.6, "new_coords": 1, "max_delta": 2,
    }  # fmt: skip
    block = (
        conv(8) + route(-2) + conv(8) + conv(8, 3) + conv(8, 3) + route(-5, -3, -2, -1) + conv(16)
    )
    return (
        NET
        + conv(8, 3, 2)
        + conv(16, 3, 2)
        + block
        + (pool(2, 2) + block) * 3  # 32
        + conv(16)
        + route(-2)
        + conv(16)
        + spp()
        + conv(16)
        + route(-10, -1)
        + conv(16)  # 44
        + section("upsample", stride=2)
        + route(24)
        + conv(16)
        + route(-1, -3)
        + block
        + conv(32, 3)
        + yolo("3,4,5", 9, "logistic", **options)
        + route(44)
        + conv(32, 3, activation="swish")
        + yolo("6,7,8", 9, "logistic", **options)
    )


def yolov3() -> str:
    """Residual units, one pyramid, two heads."""
    unit = conv(8) + conv(16, 3) + section("shortcut", **{"from": -3}, activation="linear")
    return (
        NET
        + conv(8, 3)
        + (conv(16, 3, 2) + unit) * 5  # 20
        + conv(8)
        + spp()
        + conv(16, 3)
        + yolo("6,7,8", 9)
        + route(-4)
        + conv(8)
        + section("upsample", stride=2)
        + route(-1, 16)
        + conv(16, 3)
        + yolo("3,4,5", 9)
    )


def yolov2() -> str:
    """A reorg, a route and a softmax over the classes of each box."""
    return (
        NET
        + (conv(8, 3) + pool(2, 2)) * 4
        + conv(16, 3)  # 8
        + pool(2, 2)
        + conv(32, 3)
        + route(8)
        + conv(4)
        + section("reorg", stride=2)
        + route(-1, -4)
        + conv(32, 3)
        + section(
            "convolutional", size=1, stride=1, pad=1, filters=5 * (CLASSES + 5), activation="linear"
        )
        + section(
            "region", anchors="0.57,0.67, 1.87,2.06, 3.33,5.47, 7.88,3.52, 9.77,9.16", bias_match=1,
            classes=CLASSES, coords=4, num=5, softmax=1, jitter=".3", rescore=1, object_scale=5,
            noobject_scale=1, class_scale=1, coord_scale=1, absolute=1, thresh=".6", random=1,
        )
    )  # fmt: skip


ALL = {
    "yolov2": yolov2(),
    "yolov3": yolov3(),
    "yolov4": yolov4(),
    "yolov4-swish": yolov4("swish"),
    "yolov4-tiny": yolov4_tiny(),
    "yolov7-tiny": yolov7_tiny(),
}

"""exact.py: the CPU's loops against NumPy, adding and multiplying in upstream's order.

NumPy rounds every product and every sum to float, as upstream's plain loops do, so all bits must be
the same, however many threads are used. Products of matrices have upstream's bits with
DARKNET_SIMD=none; with vectors they must be as near as such sums can be (`bound`), and the same
bits wherever in memory the matrices lie. Prints a digest of them: it must not hang on the threads.
"""

import ctypes
import hashlib
import os
import sys

import darknet
import numpy as np

F = np.float32
LINEAR, LEAKY, RELU = 3, 7, 1
SHAPES = [
    (1, 1, 1), (1, 300, 70), (5, 31, 3), (6, 16, 256), (7, 17, 257), (13, 33, 600), (24, 400, 27),
    (97, 193, 300), (300, 40, 130),
]  # fmt: skip
PLAIN = os.environ["DARKNET_SIMD"] == "none"
library = darknet.load_library()
digest = hashlib.sha256()
random = np.random.RandomState(7)


def values(*shape: int) -> np.ndarray:
    """Numbers of very different sizes, so that another order of a sum shows; and some zeros."""
    found = random.standard_normal(shape) * 10.0 ** random.randint(-4, 4, shape)
    found[random.random_sample(shape) < 0.05] = -0.0
    return found.astype(F)


def call(name: str, *arguments: object) -> None:
    function = getattr(library, name)
    function.restype = None
    given = []
    for value in arguments:
        if isinstance(value, np.ndarray):
            given.append(value.ctypes.data_as(ctypes.POINTER(ctypes.c_float)))
        elif isinstance(value, F):
            given.append(ctypes.c_float(value))
        else:
            given.append(ctypes.c_int(value))
    function(*given)


def same(what: str, found: np.ndarray, wanted: np.ndarray) -> None:
    assert found.dtype == wanted.dtype == F
    if found.tobytes() != wanted.tobytes():
        wrong = int(np.sum(found.view(np.uint32) != wanted.view(np.uint32)))
        sys.exit(f"{what}: {wrong} of {found.size} values have other bits")


def product(
    ta: int, tb: int, alpha: F, a: np.ndarray, b: np.ndarray, beta: F, c: np.ndarray
) -> np.ndarray:
    """What upstream's gemm_cpu makes of C."""
    left, right = (a.T if ta else a), (b.T if tb else b)
    c = c * beta if beta else np.zeros_like(c)
    total = np.zeros_like(c) if tb else c
    for k in range(left.shape[1]):
        total = total + (alpha * left[:, k : k + 1]) * right[k]
    return c + total if tb else total


def bound(
    ta: int, tb: int, alpha: F, a: np.ndarray, b: np.ndarray, beta: F, c: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The product in double precision, and how far from it a sum of floats in any order may be.

    Higham, Accuracy and Stability of Numerical Algorithms, 3.1: a term that is rounded n times is
    off by at most n*u/(1 - n*u) of itself, u = 2^-24. Here that is once for its product, up to k
    times for sums (the last one with C among them), and for ALPHA or BETA.
    """
    left, right = (a.T if ta else a).astype(np.float64), (b.T if tb else b).astype(np.float64)
    sizes = abs(float(alpha)) * (np.abs(left) @ np.abs(right)) + abs(float(beta)) * np.abs(c)
    roundings = (left.shape[1] + 3) * 2.0**-24
    exact = float(alpha) * (left @ right) + float(beta) * c.astype(np.float64)
    return exact, roundings / (1 - roundings) * sizes


def elsewhere(matrix: np.ndarray) -> np.ndarray:
    """The same matrix, four bytes off where it lay."""
    moved = np.empty(matrix.size + 32, F)
    start = 1 + (matrix.ctypes.data - moved.ctypes.data) // 4 % 16
    moved = moved[start : start + matrix.size].reshape(matrix.shape)
    moved[:] = matrix
    return moved


def check_products() -> None:
    for m, n, k in SHAPES:
        for ta in (0, 1):
            for tb in (0, 1):
                for alpha, beta in ((F(1), F(1)), (F(0.3), F(0)), (F(-1), F(0.7))):
                    a = values(k, m) if ta else values(m, k)
                    b = values(n, k) if tb else values(k, n)
                    c = values(m, n)
                    given = (ta, tb, alpha, a, b, beta, c.copy())
                    moved = [elsewhere(matrix) for matrix in (a, b, c)]
                    lda, ldb = a.shape[1], b.shape[1]
                    for at, by, to in ((a, b, c), moved):
                        call("gemm", ta, tb, m, n, k, alpha, at, lda, by, ldb, beta, to, n)
                    what = f"gemm {(ta, tb, m, n, k, alpha, beta)}"
                    digest.update(c.tobytes())
                    same(f"{what}, elsewhere in memory", moved[2], c)
                    if PLAIN:
                        same(what, c, product(*given))
                        continue
                    exact, off = bound(*given)
                    if not np.all(np.abs(c - exact) <= off):
                        sys.exit(f"{what}: {np.max(np.abs(c - exact) / off)} times too far off")


def in_order(terms: np.ndarray) -> np.ndarray:
    """Each filter's sum over (batch, filters, spatial), value after value, rounded to float."""
    total = np.zeros(terms.shape[1], F)
    for image in terms:
        for place in range(image.shape[1]):
            total = (total + image[:, place]).astype(F)  # terms may be doubles
    return total


def check_channels(batch: int, filters: int, spatial: int) -> None:
    what = (batch, filters, spatial)
    x, delta = values(*what), values(*what)
    mean, variance = values(filters), np.abs(values(filters)) + F(0.1)
    each = mean[None, :, None]

    found = np.empty(filters, F)
    call("mean_cpu", x, *what, found)
    same(f"mean_cpu {what}", found, in_order(x) * F(1.0 / (batch * spatial)))
    call("variance_cpu", x, mean, *what, found)
    squares = (x - each).astype(np.float64) ** 2
    same(f"variance_cpu {what}", found, in_order(squares) * F(1.0 / (batch * spatial - 1)))

    found = start = values(filters)
    found = start.copy()
    call("backward_scale_cpu", x, delta, *what, found)
    same(f"backward_scale_cpu {what}", found, start + in_order(delta * x))
    found = start.copy()
    call("backward_bias", found, delta, *what)
    wanted = start
    for image in delta:
        wanted = wanted + in_order(image[None])
    same(f"backward_bias {what}", found, wanted)

    doubles = (variance + F(0.00001)).astype(np.float64)
    call("mean_delta_cpu", delta, variance, *what, found)
    same(f"mean_delta_cpu {what}", found, (in_order(delta) * (-1.0 / np.sqrt(doubles))).astype(F))
    mean_delta, variance_delta = values(filters), values(filters)
    found = delta.copy()
    call("normalize_delta_cpu", x, mean, variance, mean_delta, variance_delta, *what, found)
    count = batch * spatial
    wanted = delta.astype(np.float64) / np.sqrt(doubles)[None, :, None]
    wanted += (variance_delta.astype(np.float64) * 2.0)[None, :, None] * (x - each) / count
    wanted += (mean_delta / F(count))[None, :, None]
    same(f"normalize_delta_cpu {what}", found, wanted.astype(F))

    found = x.copy()
    call("normalize_cpu", found, mean, variance, *what)
    by = np.sqrt(variance.astype(np.float64)) + np.float64(F(0.000001))
    same(f"normalize_cpu {what}", found, ((x - each) / by[None, :, None]).astype(F))
    for name, wanted in (("add_bias", x + each), ("scale_bias", x * each)):
        found = x.copy()
        call(name, found, mean, *what)
        same(f"{name} {what}", found, wanted)


def check_activations() -> None:
    x = values(40_000)
    leaky = np.where(x > 0, x, (0.1 * x.astype(np.float64)).astype(F))
    for kind, wanted, slope in (
        (LINEAR, x, np.ones_like(x)),
        (LEAKY, leaky, np.where(x > 0, F(1), F(0.1))),
        (RELU, x * (x > 0), (x > 0).astype(F)),
    ):
        found, delta = x.copy(), values(40_000)
        back = delta.copy()
        call("activate_array", found, len(x), kind)
        call("gradient_array", x, len(x), kind, back)
        same(f"activate_array {kind}", found, wanted.astype(F))
        same(f"gradient_array {kind}", back, delta * slope)


def check_folding(channels: int, height: int, width: int, size: int, stride: int, pad: int) -> None:
    high, wide = ((n + 2 * pad - size) // stride + 1 for n in (height, width))
    columns, image = values(channels, size, size, high, wide), values(channels, height, width)
    padded = np.pad(image, ((0, 0), (pad, pad), (pad, pad)))
    bigger, patches, seen = padded.copy(), np.empty_like(columns), np.empty_like(columns)
    for y in range(size):
        for x in range(size):
            rows, cols = slice(y, y + high * stride, stride), slice(x, x + wide * stride, stride)
            patches[:, y, x] = padded[:, rows, cols]
            bigger[:, rows, cols] += columns[:, y, x]
    call("im2col_cpu", image, channels, height, width, size, stride, pad, seen)
    same(f"im2col_cpu {(channels, height, width, size, stride, pad)}", seen, patches)
    wanted = np.ascontiguousarray(bigger[:, pad : pad + height, pad : pad + width])
    call("col2im_cpu", columns, channels, height, width, size, stride, pad, image)
    same(f"col2im_cpu {(channels, height, width, size, stride, pad)}", image, wanted)


check_products()
for shape in ((1, 1, 2), (2, 5, 3), (3, 16, 49), (2, 19, 700)):
    check_channels(*shape)
check_activations()
for shape in ((1, 3, 4, 3, 1, 1), (3, 13, 11, 3, 2, 1), (2, 9, 9, 5, 1, 2), (2, 8, 10, 2, 2, 0)):
    check_folding(*shape)
print("every bit the same" if PLAIN else "products near, other bits the same", digest.hexdigest())

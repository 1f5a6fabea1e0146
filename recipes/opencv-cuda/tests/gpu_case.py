"""One function on the GPU and its twin on the CPU: what a row is, and what rows are made of."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

RANDOM = np.random.RandomState(0)
SIZE = (480, 640)
GREY = cv2.GaussianBlur(RANDOM.randint(0, 256, SIZE).astype(np.uint8), (9, 9), 3)
GREY = cv2.normalize(GREY, None, 0, 255, cv2.NORM_MINMAX)
COLOUR = cv2.merge([GREY, cv2.flip(GREY, 0), cv2.flip(GREY, 1)])
COLOUR4 = cv2.merge([COLOUR, np.full_like(GREY, 255)])
MASK = (RANDOM.random_sample(SIZE) > 0.5).astype(np.uint8) * 255
FLOAT = (GREY / 255).astype(np.float32)
OTHER = np.ascontiguousarray(FLOAT[::-1, ::-1])
SIGNED = (RANDOM.standard_normal(SIZE)).astype(np.float32)
COMPLEX = RANDOM.standard_normal((128, 128, 2)).astype(np.float32)
SQUARE = RANDOM.standard_normal((256, 256)).astype(np.float32)
KERNEL = np.outer([1, 2, 1], [1, 2, 1]).astype(np.float32) / 16
SHIFTED = np.roll(GREY, 4, axis=1)
TURN = cv2.getRotationMatrix2D((320, 240), 20, 0.9)
TILT = np.array([[1, 0.05, 3], [0.02, 1, 5], [1e-5, 2e-5, 1]])
_Y, _X = np.mgrid[0 : SIZE[0], 0 : SIZE[1]].astype(np.float32)
MAPS = (_X + 3 * np.sin(_Y / 20), _Y + 3 * np.cos(_X / 20))
DESCRIPTORS = RANDOM.randint(0, 256, (2, 500, 32)).astype(np.uint8)
POINTS = np.stack([_X[60:420:40, 60:580:40], _Y[60:420:40, 60:580:40]], -1).reshape(1, -1, 2)


@dataclass(frozen=True)
class Case:
    """One function.

    Attributes:
        module: The module that has it, ``cudaarithm``.
        name: The function, and what is special about the call.
        gpu: Computes it on the GPU; given ``up``, which uploads an array.
        cpu: Computes it on the CPU.
        most: How far a number may be from its twin.
        share: How large a share of the numbers may be further away (edges of decisions).
        border: How many rows and columns at the edges are left out.
    """

    module: str
    name: str
    gpu: Callable
    cpu: Callable
    most: float = 0
    share: float = 0
    border: int = 0

    @property
    def id(self):
        return f"{self.module}-{self.name}"


def down(answer):
    """Whatever a function gave, in the memory of the CPU."""
    if isinstance(answer, cv2.cuda.GpuMat):
        return answer.download()
    if isinstance(answer, tuple | list):
        return [down(one) for one in answer]
    return answer


def compare(case, got, wanted):
    """Fail unless the GPU's answer is the CPU's, as near as the case says."""
    if isinstance(wanted, tuple | list):
        assert len(got) == len(wanted)
        for one, other in zip(got, wanted, strict=True):
            compare(case, one, other)
        return
    got, wanted = np.squeeze(np.asarray(got)), np.squeeze(np.asarray(wanted))
    assert got.shape == wanted.shape, (got.shape, wanted.shape)
    if case.border:
        inner = (slice(case.border, -case.border),) * 2
        got, wanted = got[inner], wanted[inner]
    difference = np.abs(got.astype(np.float64) - wanted)
    assert np.isfinite(difference).all()
    far = (difference > case.most).mean()
    assert far <= case.share, f"{far:.4%} differ by more than {case.most}: {difference.max()}"


class _Lazy:
    """``cv2.cuda``, asked when a function is called: a profile need not have each."""

    def __getattr__(self, name):
        return lambda *arguments, **named: getattr(cv2.cuda, name)(*arguments, **named)


c = _Lazy()


def null():
    """The default stream; made only where a call needs it named."""
    return c.Stream_Null()


def unary(module, name, call, twin, a=GREY, **more):
    return Case(module, name, lambda up: call(up(a)), lambda: twin(a), **more)

"""OpenCV with CUDA: what ``import cv2`` loads, and the doctor, ``python -m opencv_cuda``.

Importing this package alone loads neither OpenCV nor CUDA.
"""

from opencv_cuda import _build

__all__ = ["__version__", "doctor"]
__version__: str = _build.VERSION


def doctor() -> int:
    """The doctor in this very process: it also sees a ``cv2`` imported here too early.

    Returns:
        The exit code that ``python -m opencv_cuda`` would have.
    """
    from opencv_cuda._doctor import main

    return main([])

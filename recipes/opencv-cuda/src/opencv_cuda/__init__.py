"""OpenCV with CUDA: what ``import cv2`` loads, and the doctor, ``python -m opencv_cuda``.

Importing this package alone loads neither OpenCV nor CUDA.
"""

from opencv_cuda import _build

__all__ = ["__version__"]
__version__: str = _build.VERSION

"""dlib with CUDA: what ``import dlib`` loads. Importing this package alone loads neither.

``python -m dlib_cuda`` says what is installed, whether the GPU can be used, and what to do.
"""

from dlib_cuda import _build

__all__ = ["__version__"]
__version__: str = _build.VERSION

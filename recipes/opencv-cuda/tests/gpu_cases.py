"""What is computed on the GPU and, by its twin, on the CPU: one row per function.

The rows serve three: the tests on a GPU (`test_gpu.py`), the checks without one
(`test_gpu_calls.py`), and the table of speeds (`gpu_table.py`).
"""

import gpu_case
import gpu_images
import gpu_vision
from gpu_images import ARITHMETIC, IMAGE, WARPING
from gpu_vision import BACKGROUND, DETECTION, FEATURES, FILTERS, OPTICAL_FLOW, PHOTO, STEREO

MODULES = (gpu_case, gpu_images, gpu_vision)
CASES = [
    *ARITHMETIC, *WARPING, *IMAGE, *FILTERS, *FEATURES, *BACKGROUND, *OPTICAL_FLOW, *STEREO,
    *DETECTION, *PHOTO,
]  # fmt: skip

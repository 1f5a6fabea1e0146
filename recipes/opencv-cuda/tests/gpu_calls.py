"""Call every function of `gpu_cases` with empty matrices, and print how each answered.

Where there is no GPU each must fail with an error of OpenCV's. In a process of its own, so that a
crash tells which call it was.
"""

import sys

import cv2
from gpu_cases import CASES
from opencv_cuda import _build

sys.stdout.reconfigure(line_buffering=True)
for case in CASES:
    if case.module not in _build.MODULES:
        continue
    print(case.id, end=": ")
    try:
        case.gpu(lambda _: cv2.cuda.GpuMat())
    except cv2.error as error:
        text = " ".join(str(error).split())
        print("wrong" if "Overload resolution" in text else "failed", text)
    except Exception as error:
        print("wrong", repr(error))
    else:
        print("answered")

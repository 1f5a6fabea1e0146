"""The table of speeds, GPU against CPU: ``python gpu_table.py`` where the wheel is installed.

Milliseconds per call, the median of many, data in the GPU's memory already for the functions and
with the copies to and fro for the networks. On one machine only: compare columns, not machines.
"""

import statistics
import sys
import time

import cv2
import shapes
from gpu_case import down
from gpu_cases import CASES
from opencv_cuda import _build

ROUNDS, SECONDS = 50, 1.0
MATRICES = {}


def uploaded(array):
    """The array in the GPU's memory, uploaded once."""
    if id(array) not in MATRICES:
        matrix = cv2.cuda.GpuMat()
        matrix.upload(array)
        MATRICES[id(array)] = (array, matrix)
    return MATRICES[id(array)][1]


def median(call):
    """Milliseconds of one call: the first ones warm everything up."""
    for _ in range(3):
        call()
    times, start = [], time.perf_counter()
    while len(times) < ROUNDS and time.perf_counter() - start < SECONDS:
        before = time.perf_counter()
        call()
        times.append(time.perf_counter() - before)
    return statistics.median(times) * 1000


def row(name, cpu, *gpu):
    fastest = min(gpu)
    cells = [name, f"{cpu:.2f}", *(f"{one:.2f}" for one in gpu), f"{cpu / fastest:.1f}"]
    print("| " + " | ".join(cells) + " |", flush=True)


def functions():
    print("\n| function | CPU, ms | GPU, ms | times |\n| --- | --- | --- | --- |")
    for case in CASES:
        if case.module in _build.MODULES:
            row(case.id, median(case.cpu), median(lambda one=case: down(one.gpu(uploaded))))


def networks():
    print("\n| network | CPU, ms | CUDA, ms | FP16, ms | times |\n| --- | --- | --- | --- | --- |")
    for name, make in shapes.ALL.items():
        network = make()
        row(name, *(median(network.runner(one)) for one in (None, "CUDA", "CUDA_FP16")))


def main():
    if cv2.cuda.getCudaEnabledDeviceCount() < 1:
        print("not run: there is no GPU on this machine", file=sys.stderr)
        return 1
    cv2.cuda.printShortCudaDeviceInfo(0)
    print(f"opencv-cuda {_build.VERSION}, {_build.PROFILE}; CPU: {cv2.getNumThreads()} threads")
    functions()
    if "dnn" in _build.MODULES:
        networks()
    return 0


if __name__ == "__main__":
    sys.exit(main())

# Folders of libraries OpenCV's loader would add to LD_LIBRARY_PATH: none, see opencv_cuda.
BINARIES_PATHS = [] + BINARIES_PATHS  # noqa: F821

PYTHON_EXTENSIONS_PATHS = [LOADER_DIR] + PYTHON_EXTENSIONS_PATHS  # noqa: F821

# As in OpenCV's own wheels, where `cv2.version` is there without importing it.
from .version import headless  # noqa: E402, F401, TID252

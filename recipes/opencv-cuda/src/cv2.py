"""OpenCV. This module becomes the package ``cv2``, whose files lie in ``opencv_cuda/_cv2``.

No file of this distribution lies in a folder ``cv2/``: the CPU builds of OpenCV write there and
remove it, in whatever order they are installed. A package ``cv2/`` goes before a module ``cv2.py``,
so such a build hides this one while it is installed and breaks nothing.
"""

from importlib.machinery import SourceFileLoader as _Loader
from sys import modules as _modules

from opencv_cuda import _payload

__path__ = [str(_payload.FOLDER)]
__package__ = "cv2"
__file__ = str(_payload.FOLDER / "__init__.py")
# The spec is changed in place: its private state is what makes a second thread wait for the import.
__spec__.submodule_search_locations = __path__
__spec__.origin = __file__
__spec__.loader = __loader__ = _Loader("cv2", __file__)

_payload.load_libraries()
__loader__.exec_module(_modules["cv2"])

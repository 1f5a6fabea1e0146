"""Hold the calls of `gpu_cases` against the signatures that OpenCV's own docstrings give.

Where there is no GPU no call comes as far as its arguments (each wrapper makes a default stream
first, and fails): so a recorder stands in for ``cv2.cuda`` and compares.
"""

import re
from unittest.mock import MagicMock

import cv2

_SIGNATURE = re.compile(r"^\.?\s*(?P<name>\w+)\((?P<arguments>[^)]*)\) -> ", re.MULTILINE)


def signatures(function):
    """Each overload as (names of all arguments, how many must be given)."""
    found = []
    for match in _SIGNATURE.finditer(function.__doc__ or ""):
        required, _, _ = match["arguments"].partition("[")
        must = [name.strip() for name in required.split(",") if name.strip()]
        names = re.sub(r"[\[\]\s]", "", match["arguments"])
        found.append(([name for name in names.split(",") if name], len(must)))
    return found


def fits(function, given, named):
    """Whether any overload takes these arguments."""
    for names, must in signatures(function):
        if set(named) <= set(names[len(given) :]) and len(given) <= len(names):
            got = set(names[: len(given)]) | set(named)
            if set(names[:must]) <= got:
                return True
    return False


def functions(name):
    """Everything of that name in ``cv2.cuda`` and its classes."""
    classes = [getattr(cv2.cuda, one) for one in dir(cv2.cuda)]
    classes = [one for one in classes if isinstance(one, type)]
    places = [cv2.cuda, *classes]
    found = [getattr(place, name, None) for place in places]
    return [one for one in found if callable(one) and not isinstance(one, type) and one.__doc__]


class Recorder:
    """Stands in for ``cv2.cuda`` and for whatever its functions return."""

    def __init__(self, seen, path=""):
        self.seen, self.path = seen, path

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "GpuMat":  # an empty matrix as an argument
            return MagicMock
        return Recorder(self.seen, name)

    def __call__(self, *given, **named):
        known = functions(self.path)
        good = any(fits(one, given, named) for one in known)
        self.seen[self.path] = good and self.seen.get(self.path, True)
        return Recorder(self.seen, f"what {self.path} returns")

    def __iter__(self):
        return iter([Recorder(self.seen)] * 3)

    def __getitem__(self, _):
        return MagicMock()


class Proxy:
    """``cv2`` with a recorder in place of all that is CUDA's."""

    def __init__(self, seen):
        self.cuda = Recorder(seen)

    def __getattr__(self, name):
        if name.startswith("cuda_"):
            return Recorder(self.cuda.seen, name)
        return getattr(cv2, name)


def calls(case, modules):
    """The functions a case calls, and whether each call fits a signature.

    Args:
        case: A row of `gpu_cases`.
        modules: Where its code is; their ``cv2`` is replaced meanwhile.
    """
    seen = {}
    kept = [(module, module.cv2, module.c) for module in modules]
    for module in modules:
        module.cv2 = Proxy(seen)
        module.c = module.cv2.cuda
    try:
        case.gpu(lambda _: MagicMock())
    except Exception as error:
        seen.setdefault(f"(its own code ended with {type(error).__name__})", True)
    finally:
        for module, real, lazy in kept:
            module.cv2, module.c = real, lazy
    return seen

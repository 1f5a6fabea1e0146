"""Run one file of OpenCV's own Python tests; what became of each test, as JSON.

    python own_tests_runner.py TREE FILE

``TREE`` is OpenCV's source tree, which has sample pictures. Started by `test_opencv_answers.py` in
an environment with the ``cv2`` under test, a process for each file: some of them crash.
"""

import importlib.util
import json
import sys
import unittest
from pathlib import Path


class Outcomes(unittest.TestResult):
    """What became of each test, with the last line of whatever it raised."""

    def __init__(self):
        super().__init__()
        self.found = {}

    def say(self, test, outcome, reason=""):
        last = [line for line in reason.splitlines() if line.strip()][-1:]
        self.found[test.id().split(".", 1)[-1]] = (outcome, last[0].strip() if last else "")

    def addSuccess(self, test):
        self.say(test, "passed")

    def addSkip(self, test, reason):
        self.say(test, "skipped", reason)

    def addFailure(self, test, err):
        self.say(test, "failed", str(err[1]).partition(" : ")[2] or str(err[1]))

    def addError(self, test, err):
        self.say(test, "failed", f"{err[0].__name__}: {err[1]}")


def main(tree, file):
    sys.path[:0] = [str(tree / "modules/python/test"), str(file.parent)]
    try:
        import tests_common

        tests_common.NewOpenCVTests.repoPath = str(tree)
        spec = importlib.util.spec_from_file_location(file.stem, file)
        module = importlib.util.module_from_spec(spec)
        sys.modules[file.stem] = module
        spec.loader.exec_module(module)
    except Exception as error:
        return {f"{file.stem} (import)": ("failed", f"{type(error).__name__}: {error}")}
    result = Outcomes()
    unittest.defaultTestLoader.loadTestsFromModule(module).run(result)
    return result.found


if __name__ == "__main__":
    answer = main(Path(sys.argv[1]), Path(sys.argv[2]))
    print("\nOUTCOMES " + json.dumps(answer))  # noqa: T201 -- its answer

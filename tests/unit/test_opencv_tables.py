"""The programs in benchmarks/ that write tables about OpenCV's wheels."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
OURS = """
General configuration for OpenCV 4.14.0
  OpenCV modules:
    To be built:                 core cudev imgproc
  Media I/O:
    JPEG:                        build-libjpeg-turbo (ver 3.1.2-70)
      SIMD Support:              NO
  Parallel framework:            pthreads
"""
THEIRS = """
General configuration for OpenCV 4.14.0
  OpenCV modules:
    To be built:                 core gapi imgproc
  Media I/O:
    JPEG:                        build-libjpeg-turbo (ver 3.1.2-70)
      SIMD Support:              YES
  Parallel framework:            pthreads
  Other third-party libraries:
    Intel IPP IW:                sources (2026.0.0)
              at:                /io/build/ippicv
    VA:                          NO
"""


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def path() -> Iterator[None]:
    before = list(sys.path)
    sys.path.insert(0, str(BENCHMARKS))
    yield
    sys.path[:] = before
    for name in ("measure", "opencv_modules", "opencv_video", "build_cost"):
        sys.modules.pop(name, None)


def sides(modules: ModuleType) -> list[object]:
    names = ({"cv2": {"add", "cuda_add"}}, {"cv2": {"add", "GMat", "GMat.x"}})
    kinds = dict.fromkeys(modules.opencv_video.KINDS, ())
    videos = (kinds | {"encoder": ["nvenc"]}, kinds | {"decoder": ["vvc", "apv", "png"]})
    common = ["mpeg4"]
    return [
        modules.Side(
            version="4.14.0",
            modules=frozenset(modules.lines(text)["OpenCV modules / To be built"].split()),
            features={k: v for k, v in modules.lines(text).items() if modules.compared(k)},
            names={module: frozenset(found) for module, found in names.items()},
            video={kind: frozenset({*common, *own}) for kind, own in video.items()},
        )
        for text, names, video in zip((OURS, THEIRS), names, videos, strict=True)
    ]


def test_every_difference_needs_a_reason_and_every_reason_a_difference() -> None:
    modules = load("opencv_modules")
    ours, theirs = sides(modules)
    table = {
        "module gapi": "no ADE",
        "Media I/O / JPEG / SIMD Support": "no nasm",
        "cv2.GMat*": "G-API",
        "module world": "not missing",
        "decoder png": "no zlib",
        "decoder *": "new",
    }
    why = modules.Reasons(table)
    text = modules.page(ours, theirs, why)
    unexplained = "Other third-party libraries / Intel IPP IW"
    assert why.unexplained == [unexplained]
    assert why.unused == ["module world"]
    rows = text.splitlines()
    assert "| `gapi` | no | yes | no ADE |" in rows
    assert "| `cudev` | yes | no |  |" in rows
    assert "| Media I/O / JPEG / SIMD Support | NO | YES | no nasm |" in rows
    assert (
        "| Other third-party libraries / Intel IPP IW | no | sources (2026.0.0) | **?** |" in rows
    )
    assert "| video is decoded from | 1 | 4 |  |  |  |" in rows
    assert "|  |  |  |  | `png` | no zlib |" in rows
    assert "|  |  |  |  | `apv`, `vvc` | new |" in rows
    assert "| video is encoded to | 2 | 1 | `nvenc` |  |  |" in rows
    # A class's members are not named besides the class.
    assert "| `cv2` | 2 | 3 | 1 | `GMat` | G-API |" in rows
    assert not [row for row in rows if "VA" in row or "/ at" in row]


def test_the_reasons_file_is_one_table_of_texts() -> None:
    modules = load("opencv_modules")
    reasons = modules.reasons()
    assert reasons["Other third-party libraries / Lapack"].startswith("OpenCV's own")
    assert all(isinstance(text, str) and text for text in reasons.values())


def test_what_ninja_noted(tmp_path: Path) -> None:
    cost = load("build_cost")
    core = "opencv/modules/core/CMakeFiles/opencv_core.dir"
    rows = [
        ("0", "9000", f"{core}/src/arithm.cpp.o", "aa"),
        ("0", "4000", f"{core}/src/arithm.cpp.o", "ab"),  # again: the last one counts
        ("0", "2000", f"{core}/arithm.avx2.cpp.o", "ac"),
        ("500", "6500", "opencv/modules/cudaarithm/CMakeFiles/x.dir/src/cuda/sum.cu.o", "ad"),
        ("0", "1000", "gen/a.h", "ae"),
        ("0", "1000", "gen/b.h", "ae"),  # two outputs of one command
    ]
    log = tmp_path / ".ninja_log"
    lines = [f"{start}\t{end}\t0\t{name}\t{key}" for start, end, name, key in rows]
    log.write_text("\n".join(["# ninja log v6", *lines]))
    steps = cost.read(log)
    found = {(step.kind, step.module, step.seconds) for step in steps}
    assert found == {
        ("C and C++", "core", 4.0),
        ("C++ once more for AVX2", "core", 2.0),
        ("CUDA", "cudaarithm", 6.0),
        ("generating, linking", "linking and the rest", 0.5),
    }
    assert "13.0" not in cost.summed(steps, lambda step: step.kind, 10)
    assert cost.projection(steps, 2.0, 4).startswith("this build: 0.00 h of one core")

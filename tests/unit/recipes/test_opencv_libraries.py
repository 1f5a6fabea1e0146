"""opencv-cuda: the libraries of NVIDIA's packages are loaded, whatever LD_LIBRARY_PATH has.

The libraries are stand-ins linked as NVIDIA links its own, by DT_RUNPATH; the extension is linked
as repair leaves it, by DT_RPATH.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAYLOAD = Path(__file__).parents[3] / "recipes/opencv-cuda/src/opencv_cuda/_payload.py"
BUILD = """
CUDA, CUDNN, LAZY = "12.4", "9", ()
FOLDERS = ("nvidia/cudnn/lib",)
"""
GRAPH = "int graph(void) { return %d; }"
OPS = "int graph(void); int ops(void) { return 10 * %d + graph(); }"
# As libcudnn.so.9 does: a part is loaded at the first call, by its name.
CUDNN = r"""
#include <dlfcn.h>
int cudnn(void) {
  void *library = dlopen("libcudnn_ops.so.9", RTLD_NOW);
  return library ? ((int (*)(void))dlsym(library, "ops"))() : -1;
}
"""
EXTENSION = "int cudnn(void); int entry(void) { return cudnn(); }"
ASK = """
import ctypes, sys
sys.path.insert(0, sys.argv[1])
from opencv_cuda import _payload
{before}
print(ctypes.CDLL(str(_payload.EXTENSION)).entry())
"""


@pytest.fixture(scope="module")
def compiler() -> str:
    found = shutil.which("cc")
    if found is None:
        pytest.skip("not run (no C compiler on this machine)")
    return found


@pytest.fixture(scope="module")
def place(compiler: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A site-packages folder with both packages in it, and a folder with strays."""
    root = tmp_path_factory.mktemp("place")
    site, stray = root / "site", root / "stray"
    beside, package = site / "nvidia/cudnn/lib", site / "opencv_cuda"
    for folder in (beside, stray, package / "_cv2"):
        folder.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "_build.py").write_text(BUILD)
    shutil.copy(PAYLOAD, package)

    def link(target: Path, text: str, *arguments: str | Path) -> Path:
        source = target.with_suffix(".c")
        source.write_text(text)
        command = [compiler, "-shared", "-fPIC", source, f"-Wl,-soname,{target.name}"]
        subprocess.run([*command, "-o", target, *arguments], check=True)
        source.unlink()
        return target

    runpath = ("-Wl,--enable-new-dtags", "-Wl,-rpath,$ORIGIN")
    for folder, number in ((beside, 7), (stray, 6)):
        graph = link(folder / "libcudnn_graph.so.9", GRAPH % number)
        link(folder / "libcudnn_ops.so.9", OPS % number, graph, *runpath)
    cudnn = link(beside / "libcudnn.so.9", CUDNN, "-ldl", *runpath)
    rpath = ("-Wl,--disable-new-dtags", "-Wl,-rpath,$ORIGIN/../../nvidia/cudnn/lib")
    link(package / "_cv2/cv2.abi3.so", EXTENSION, cudnn, *rpath)
    return site, stray


def ask(site: Path, before: str, stray: Path | None) -> int:
    environment = {name: text for name, text in os.environ.items() if name != "LD_LIBRARY_PATH"}
    if stray is not None:
        environment["LD_LIBRARY_PATH"] = f"/nowhere:{stray}"
    command = [sys.executable, "-c", ASK.format(before=before), str(site)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_cudnns_parts_come_from_its_package(place: tuple[Path, Path]) -> None:
    site, stray = place
    assert ask(site, "", stray) == 66, "cuDNN alone would take the stray ones"
    for variable in (None, stray):
        assert ask(site, "_payload.load_libraries()", variable) == 77


def test_no_part_is_loaded_before_it_is_needed(place: tuple[Path, Path]) -> None:
    site, stray = place
    count = "_payload.load_libraries(); print(open('/proc/self/maps').read().count('libcudnn_'))"
    environment = {name: text for name, text in os.environ.items() if name != "LD_LIBRARY_PATH"}
    for variable, loaded in ({}, False), ({"LD_LIBRARY_PATH": str(stray)}, True):
        command = [sys.executable, "-c", ASK.format(before=count), str(site)]
        done = subprocess.run(
            command, env=environment | variable, capture_output=True, text=True, check=True
        )
        assert bool(int(done.stdout.split()[0])) is loaded


def test_a_part_that_cannot_be_loaded_is_left_to_cudnn(
    place: tuple[Path, Path], tmp_path: Path
) -> None:
    site = tmp_path / "site"
    shutil.copytree(place[0], site)
    (site / "nvidia/cudnn/lib/libcudnn_heuristic.so.9").write_bytes(b"")
    stray = tmp_path / "stray"
    shutil.copytree(place[1], stray)
    (stray / "libcudnn_heuristic.so.9").write_bytes(b"")
    assert ask(site, "_payload.load_libraries()", stray) == 77

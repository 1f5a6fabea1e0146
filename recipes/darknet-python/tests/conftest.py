"""What the tests share: networks with random weights, images, and processes to run Darknet in.

Darknet speaks on file descriptors and may end its process, so most tests run it in another one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import darknet
import numpy as np
import pytest
from darknet._driver import DriverError, ask_driver

sys.path.insert(0, str(Path(__file__).parent))  # networks.py, in whatever way pytest imports
import networks

FORWARD = Path(__file__).with_name("forward.py")
PROGRAM = Path(sysconfig.get_path("scripts"), "darknet")
NO_GPU = "not run (no GPU on this machine)"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "gpu: needs a GPU")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not has_gpu():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason=NO_GPU))


def has_gpu() -> bool:
    try:
        return bool(ask_driver().gpus)
    except DriverError:
        return False


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a command in an empty folder; keywords are environment variables (None removes one)."""

    def start(*command: str | Path, **changes: str | None) -> subprocess.CompletedProcess[str]:
        merged = {**os.environ, **changes}
        environment = {name: value for name, value in merged.items() if value is not None}
        return subprocess.run(
            [str(word) for word in command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=300,
            check=False,
        )

    return start


@pytest.fixture(scope="session")
def passes() -> dict[object, tuple[np.ndarray, str]]:
    """What `forward` has seen already: each process takes seconds, and tells the same again."""
    return {}


@pytest.fixture
def forward(
    run: Run, tmp_path: Path, passes: dict[object, tuple[np.ndarray, str]]
) -> Callable[..., tuple[np.ndarray, str]]:
    """Two forward passes in a process of their own: the outputs (2 rows) and its stderr."""

    def start(
        cfg: str | Path, weights: Path, *, fresh: bool = False, **changes: str | None
    ) -> tuple[np.ndarray, str]:
        asked = (str(cfg), weights, *sorted(changes.items()))
        if fresh or asked not in passes:
            out = tmp_path / "output.npy"
            done = run(sys.executable, FORWARD, cfg, weights, out, **changes)
            assert done.returncode == 0, done.stdout + done.stderr
            passes[asked] = (np.load(out), done.stderr)
        return passes[asked]

    return start


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """yolov3-tiny.cfg, the same layers for smaller images and with fewer filters: quick."""
    path = tmp_path_factory.mktemp("small") / "yolov3-tiny-160.cfg"
    text = (darknet.share() / "cfg/yolov3-tiny.cfg").read_text()
    assert text.count("=416\n") == 2
    text = re.sub(r"\nfilters=(256|512|1024)\n", "\nfilters=64\n", text.replace("=416\n", "=160\n"))
    path.write_text(text)
    return path


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str | Path], Path]:
    """The random weights of one of Darknet's own networks, or of a cfg file, written once."""
    folder = tmp_path_factory.mktemp("weights")

    def write(cfg: str | Path) -> Path:
        path = folder / f"{Path(cfg).stem}.weights"
        if not path.exists():
            path.write_bytes(networks.random_weights((darknet.share() / cfg).read_text()))
        return path

    return write


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A small image file: a bright disc on a gradient."""
    path = tmp_path / "picture.ppm"
    path.write_bytes(networks.ppm(networks.picture(96, 64)))
    return path


@pytest.fixture
def cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Darknet computes on the CPU, whatever this machine has."""
    monkeypatch.setenv("DARKNET_DEVICE", "cpu")


@pytest.fixture
def program() -> Path:
    """The command ``darknet`` of this environment."""
    assert PROGRAM.exists(), f"no {PROGRAM}: the wheel's entry point is not installed"
    return PROGRAM


@pytest.fixture
def python() -> str:
    return sys.executable

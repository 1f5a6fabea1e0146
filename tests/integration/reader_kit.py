"""Somebody who reads a page and types what it says: tiny wheels, a served index, bash, pip, uv."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from builder.cli.main import cli
from builder.paths import Cache
from builder.ui import Silent
from builder.verify.uv import find_uv
from index.records import write_record
from index.serve import Server
from index.wheels import record_of_wheel
from tests.docs_kit import ROOT, Block
from tests.integration.client_kit import tiny_wheel, write_site
from tests.twine_kit import free_port

ADDRESS = "https://OWNER.github.io/REPO"
PORT = "8000"
FOLDERS = ("/content/drive", "/srv", "/mnt")
"""Where pages let a Drive, a web root and a mounted disk be."""
WHEELS = (
    "opencv_cuda-4.14.0.94+cu118-1-cp39-abi3-manylinux_2_31_x86_64.whl",
    "opencv_cuda-4.14.0.94+cu124-1-cp39-abi3-manylinux_2_31_x86_64.whl",
    "darknet_python-0.0.0.20180914+cu124-1-py3-none-manylinux_2_31_x86_64.whl",
)
MOUNTED = re.compile(rf"(^|[\s\"'=]|file://)({'|'.join(FOLDERS)})/", re.MULTILINE)
DRIVE = "gpu wheels"
ANY = "X.whl"
SERVERS = re.compile(
    r"^(builder index serve .*?|python -m http\.server .*?)( +#.*)?$", re.MULTILINE
)
PRELUDE = """\
set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
answers() {
  for _ in $(seq 600); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return; fi
    sleep 0.1
  done
  echo "nothing answers on port $1"; exit 1
}
"""


def builder(*words: object) -> None:
    done = CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output


def make_dist(folder: Path) -> None:
    """Published wheels of one module each, their records beside them."""
    for name in WHEELS:
        tiny_wheel(folder, name)
        wheel = folder / name
        stem = "-".join(name.split("-")[:2])
        bill = {"components": [{"name": "opencv", "version": "4.14.0"}]}
        with zipfile.ZipFile(wheel, "a") as archive:
            entry = zipfile.ZipInfo(f"{stem}.dist-info/sboms/gpu-wheelhouse.cdx.json")
            archive.writestr(entry, json.dumps(bill))
        record = record_of_wheel(wheel).model_copy(update={"profile": "full"})
        write_record(record, wheel)


@dataclass(frozen=True, kw_only=True)
class Given:
    """What there is before a page is read.

    Attributes:
        folder: ``dist``, and by name what blocks are run ``with``.
        address: Where the index is served.
        uv: The installer.
    """

    folder: Path
    address: str
    uv: Path


@contextmanager
def given(folder: Path) -> Iterator[Given]:
    """Make it, and serve its index for as long as the block lasts."""
    make_dist(folder / "dist")
    wheels = sorted((folder / "dist").glob("*.whl"))
    shutil.copy(wheels[-1], folder / ANY)
    (folder / f"{ANY}.provenance").write_text(
        json.dumps(
            {"attestation_bundles": [{"publisher": {"kind": "GitHub"}, "attestations": [{}]}]}
        )
    )
    own = ("--cache-dir", folder / "cache", "-q", "index")
    builder(*own, "add", *wheels, "--site", folder / "site", "--base-url", "https://w.example")
    drive = folder / DRIVE
    builder(*own, "build", "--dist", folder / "dist", "--site", drive, "--layout", "drive")
    write_site({"index.html": b"<!DOCTYPE html><html><body></body></html>"}, folder / "nothing")
    with Server(folder / "site") as server:
        uv = find_uv(Cache.default(), Silent())
        yield Given(folder=folder, address=server.url.rstrip("/"), uv=uv)


class Reader:
    """Somebody who reads a page and types what it says, in one folder from top to bottom."""

    def __init__(self, given: Given, place: Path) -> None:
        self.given = given
        self.place = place
        for name in ("dist", ANY, f"{ANY}.provenance"):
            self._take(name, name)
        for name in ("home", "bin", "srv", "content/drive/MyDrive", "mnt/web"):
            (place / name).mkdir(parents=True, exist_ok=True)
        (place / "bin/uv").symlink_to(given.uv)
        make = [given.uv, "venv", "-q", "--python", sys.executable, place / "env"]
        subprocess.run(make, env={**os.environ, "UV_CACHE_DIR": str(place / "uv")}, check=True)

    def _take(self, name: str, target: str) -> None:
        source, goal = self.given.folder / name, self.place / target
        if not goal.exists():
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, goal) if source.is_dir() else shutil.copy(source, goal)

    def prepare(self, parts: frozenset[str]) -> None:
        """Bring what a block is run with, unless it is there."""
        places = {
            "site": ("site", "site"),
            "drive": (DRIVE, f"content/drive/MyDrive/{DRIVE}"),
            "srv": (DRIVE, f"srv/{DRIVE}"),
        }
        for part in sorted(parts):
            if part == "clone":
                self._clone()
            else:
                self._take(*places[part])

    def _clone(self) -> None:
        """What a clone has of the project, where `builder` and the recipes are then taken from."""
        for name in ("builder", "index", "recipes", "notebooks"):
            if not (self.place / name).exists():
                shutil.copytree(
                    ROOT / name, self.place / name, ignore=shutil.ignore_patterns("__pycache__")
                )
        shutil.copy(ROOT / "README.md", self.place)

    def put(self, block: Block) -> None:
        """A file that the page shows; what it is appended to is the clone's."""
        assert block.file is not None
        if block.appends:
            self._clone()
        file = self.place / block.file
        before = file.read_text() if block.appends else ""
        file.write_text(f"{before}\n{block.text}" if before else block.text)

    def environment(self) -> dict[str, str]:
        root = self.place if (self.place / "builder").is_dir() else ROOT
        nothing = (self.given.folder / "nothing").as_uri()
        kept = {
            name: one for name, one in os.environ.items() if not name.startswith(("PIP_", "UV_"))
        }
        return {
            **kept,
            "HOME": str(self.place / "home"),
            "PATH": f"{self.place / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "BUILDER_CACHE_DIR": str(self.place / "cache"),
            "BUILDER_RECIPES": str(root / "recipes"),
            "PYTHONPATH": str(root),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_INDEX_URL": nothing,
            "PIP_PYTHON": str(self.place / "env/bin/python"),
            "UV_DEFAULT_INDEX": nothing,
            "UV_CACHE_DIR": str(self.place / "uv"),
            "UV_NO_CONFIG": "1",
            "VIRTUAL_ENV": str(self.place / "env"),
        }

    def script(self, block: Block) -> str:
        """The block as it stands, but that addresses, ports and mounts are this machine's."""
        port = str(free_port())
        text = block.text.replace(ADDRESS, self.given.address)
        text = MOUNTED.sub(rf"\g<1>{self.place}\g<2>/", text)
        if block.language == "python":
            return text
        served = SERVERS.sub(
            lambda found: (
                f"{found[1]}{' --port 8000' if 'serve ' in found[1] else ''} &\nanswers 8000"
            ),
            re.sub(r"^!", "", text, flags=re.MULTILINE),
        )
        return PRELUDE + served.replace(PORT, port)

    def type(self, block: Block) -> subprocess.CompletedProcess[str]:
        """Run a block."""
        name = "block.py" if block.language == "python" else "block.sh"
        (self.place / name).write_text(self.script(block))
        program = sys.executable if name.endswith(".py") else "bash"
        return subprocess.run(
            [program, name],
            cwd=self.place,
            env=self.environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=300,
        )

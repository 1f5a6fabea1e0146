"""What the tests of "one cv2" need: CPU builds, our wheels with a stand-in payload, installers."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.metadata import parse_email
from packaging.requirements import Requirement

from builder.fetch import fetch_all
from builder.fetch.artifact import Artifact
from builder.fetch.pipconfig import read_pip_settings
from builder.paths import Cache
from builder.plan.resolve import resolve
from builder.plan.spec import BuildSpec
from builder.recipe import load_recipe
from builder.ui import Silent
from builder.verify.clean import base_variables, pip_variables, uv_variables
from builder.verify.environment import index_of
from builder.verify.uv import find_uv
from builder.wheel.companion import write_companions
from builder.wheel.write import write_wheel
from index.records import Record, read_record, record_path
from index.serve import Server
from index.wheels import record_of_wheel

from .client_kit import tiny_wheel

RECIPE = Path(__file__).parents[2] / "recipes/opencv-cuda"
CUDA = "cu118"
OLD, NEW = "4.13.0.92", "4.14.0.94"
NAMES = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
EVERYTHING = ("opencv-cuda", *NAMES)
MANYLINUX_2_28, MANYLINUX_2014 = "manylinux_2_28", "manylinux_2_17_x86_64.manylinux2014"
CPU_BUILDS = {
    ("opencv-python", "5.0.0.93", MANYLINUX_2_28): (
        "c8de2dec111122a02e8beb28e16c31904992dfd6186560b142a92c71403c1039"
    ),
    ("opencv-python-headless", "5.0.0.93", MANYLINUX_2_28): (
        "ed709fdf9aa0bd1f2ed8549e71d19449b03a675bb581eb292285f6861953be37"
    ),
    ("opencv-contrib-python", "4.14.0.94", MANYLINUX_2_28): (
        "6fc25b60cc0fcc6ce9c82d14cf45921b68b9ca15b9458a708bda7874cd486527"
    ),
    ("opencv-python-headless", "4.10.0.84", MANYLINUX_2014): (
        "377d08a7e48a1405b5e84afcbe4798464ce7ee17081c1c23619c8b398ff18295"
    ),
    ("opencv-contrib-python-headless", "4.14.0.94", MANYLINUX_2_28): (
        "3ee9718fc1eb2d4439c72ec6ad65831ff6d0802ff6eacab834905d67686f2a38"
    ),
}
"""Real CPU builds, 49 to 84 MB each, by name, version and platform."""
COLAB = (
    "opencv-python==5.0.0.93",
    "opencv-python-headless==5.0.0.93",
    "opencv-contrib-python==4.14.0.94",
)
"""What Google Colab has, all in one folder cv2/."""

PAYLOAD = '''"""A stand-in for OpenCV's loader and its extension: the names that these tests use."""

import numpy

from . import data, version

__version__ = version.opencv_version.rpartition(".")[0]


def countNonZero(image):
    return int(numpy.count_nonzero(image))


class cuda:
    @staticmethod
    def getCudaEnabledDeviceCount():
        return 0
'''


def cpu_builds(cache: Cache) -> list[Path]:
    """The real wheels, downloaded once from the index this machine's pip is configured for."""
    artifacts = [
        Artifact(
            filename=f"{name.replace('-', '_')}-{version}-cp37-abi3-{tag}_x86_64.whl",
            source=f"pypi:{name}=={version}",
            sha256=sha256,
        )
        for (name, version, tag), sha256 in CPU_BUILDS.items()
    ]
    fetched = fetch_all(artifacts, cache=cache, reporter=Silent())
    return [fetched[artifact] for artifact in artifacts]


def empty_library() -> bytes:
    """The smallest shared library the loader takes: it has nothing in it and needs nothing."""
    start = 64 + 3 * 56
    dynamic = start + 48
    tags = ((4, start), (6, start + 16), (11, 24), (5, start + 40), (10, 1), (0, 0))
    table = b"".join(struct.pack("<QQ", *tag) for tag in tags)
    size = dynamic + len(table)
    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 3, 64, 0, 0)
    segments = struct.pack("<IIQQQQQQ", 1, 6, 0, 0, 0, size, size, 4096)
    segments += struct.pack("<IIQQQQQQ", 2, 6, *(dynamic,) * 3, *(len(table),) * 2, 8)
    segments += struct.pack("<IIQQQQQQ", 0x6474E551, 6, 0, 0, 0, 0, 0, 16)
    hashes, symbols, strings = struct.pack("<4I", 1, 1, 0, 0), bytes(24), bytes(8)
    return identity + header + segments + hashes + symbols + strings + table


def our_spec(version: str) -> BuildSpec:
    """What the recipe would be built from, for another version and without NVIDIA's packages."""
    recipe = load_recipe(RECIPE)
    spec = resolve(recipe, folder=RECIPE, cuda=CUDA, profile="quick", toolchain_digest="0" * 64)
    below, _, last = version.rpartition(".")
    changes = {"version": f"{below}.{int(last) - 1}.99"}
    companions = tuple(one.model_copy(update=changes) for one in spec.companions)
    names = {one.name for one in companions}
    needs = [
        text
        for text in spec.dependencies
        if Requirement(text).name not in names and not text.startswith("nvidia-")
    ]
    needs += [f"{one.name}=={one.version}+{CUDA}" for one in companions]
    return spec.model_copy(
        update={
            "version": version,
            "companions": companions,
            "dependencies": tuple(sorted(needs)),
        }
    )


def our_wheels(version: str, folder: Path) -> dict[Path, Record]:
    """Our wheel and its companions.

    All Python files are the recipe's own and the companions are the builder's; OpenCV itself (17 MB
    and minutes of compiling) is stood in for by `PAYLOAD`, and NVIDIA's packages are left out.
    """
    spec = our_spec(version)
    info = f"opencv_cuda-{spec.public_version}.dist-info"
    source = RECIPE / "src"
    about = (source / "package/version.py").read_text()
    metadata = [
        f"Metadata-Version: 2.4\nName: opencv-cuda\nVersion: {spec.public_version}",
        *(f"Requires-Dist: {one}" for one in spec.dependencies),
        "",
    ]
    files = {
        "cv2.py": (source / "cv2.py").read_bytes(),
        "opencv_cuda/_build.py": (
            f'VERSION = "{spec.public_version}"\nPROFILE = "quick"\nCUDA = "11.8"\nCUDNN = None\n'
            'ARCHITECTURES = ("7.5",)\nPTX = ""\nMODULES = ("core",)\nFOLDERS = ()\nLAZY = ()\n'
        ).encode(),
        "opencv_cuda/_cv2/__init__.py": PAYLOAD.encode(),
        "opencv_cuda/_cv2/version.py": about.replace("@OPENCV_PYTHON_VERSION@", version).encode(),
        "opencv_cuda/_cv2/data/__init__.py": (source / "package/data/__init__.py").read_bytes(),
        "opencv_cuda/_cv2/cv2.abi3.so": empty_library(),
        f"{info}/METADATA": "\n".join(metadata).encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        b"Tag: py3-none-any\nBuild: 1\n",
    }
    for path in (source / "opencv_cuda").glob("*.py"):
        files[f"opencv_cuda/{path.name}"] = path.read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    name = f"opencv_cuda-{spec.public_version}-1-py3-none-any.whl"
    wheel = write_wheel(folder / name, info, files)
    return {wheel: record_of_wheel(wheel), **dict(write_companions(spec, folder))}


def built_wheels(dist: Path, cuda: str = CUDA) -> dict[Path, Record]:
    """The real `quick` wheel and its companions, built if the store has them not."""
    build = ["build", f"{cuda}-py310", "--recipe", "opencv-cuda", "--profile", "quick"]
    command = [sys.executable, "-m", "builder", *build, "--no-verify", "--dist", str(dist)]
    subprocess.run(command, cwd=RECIPE.parents[1], check=True)
    return {wheel: read_record(record_path(wheel)) for wheel in dist.glob("*.whl")}


def required(record: Record) -> list[str]:
    """What a wheel requires."""
    return parse_email(record.metadata)[0].get("requires_dist", [])


def our_index(folder: Path) -> Server:
    """Our index with two versions, not yet started."""
    return index_of({**our_wheels(OLD, folder), **our_wheels(NEW, folder)})


def public_index(folder: Path, cache: Cache) -> Server:
    """The public index, not yet started: CPU builds, and small packages that require one.

    They have the requirements of the real albumentations 2.0.8, ultralytics 8.4.190 and albucore
    0.3.1 (with its extra ``headless``, which wants a newer OpenCV than ours).
    """
    small = {
        "albumentations-2.0.8": "opencv-python-headless>=4.9.0.80",
        "ultralytics-8.4.190": "opencv-python!=4.13.0.90,>=4.7.0",
        "albucore-0.3.1": "opencv-python-headless>=5.0.0.93",
    }
    wheels = cpu_builds(cache)
    for name, requirement in small.items():
        wheels.append(folder / tiny_wheel(folder, f"{name}-py3-none-any.whl", requirement).filename)
    return index_of({wheel: record_of_wheel(wheel) for wheel in wheels})


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A person's environment, and the installer this person types into it.

    Attributes:
        client: ``pip 24.1.2`` or ``uv``.
        folder: Where it lies.
        env: All environment variables; the installer knows the public index from them.
        ours: The address of our index's root.
    """

    client: str
    folder: Path
    env: dict[str, str]
    ours: str

    @property
    def python(self) -> Path:
        return self.folder / "env/bin/python"

    @property
    def is_uv(self) -> bool:
        return self.client == "uv"

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Any program; output and errors together."""
        return subprocess.run(
            [str(one) for one in arguments],
            env=self.env,
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )

    def installer(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """``pip …`` or ``uv pip …``."""
        words = ("uv", "pip") if self.is_uv else (self.python, "-m", "pip")
        return self.run(*words, *arguments)

    def install(self, *arguments: str) -> str:
        """What a person types for packages of the public index."""
        done = self.installer("install", *arguments)
        assert done.returncode == 0, (arguments, done.stdout)
        return done.stdout

    def install_ours(self, *arguments: str) -> str:
        """The line we print, and whatever else stands on it."""
        done = self.run(*self.line_for_ours(*arguments))
        assert done.returncode == 0, (arguments, done.stdout)
        return done.stdout

    def line_for_ours(self, *arguments: str) -> tuple[str | Path, ...]:
        """That line as words."""
        pip = ("uv", "pip") if self.is_uv else (self.python, "-m", "pip")
        return (*pip, "install", "--index" if self.is_uv else "--extra-index-url", self.ours,
                *arguments)  # fmt: skip

    def uninstall(self, *names: str) -> None:
        """``pip uninstall -y …``; uv asks nothing."""
        done = self.installer("uninstall", *([] if self.is_uv else ["-y"]), *names)
        assert done.returncode == 0, (names, done.stdout)

    def complaints(self) -> set[str]:
        """The names ``pip check`` complains of: ``whose -> about whom``."""
        done = self.installer("check")
        lines = done.stdout.replace("`", "").replace("The package ", "").splitlines()
        found = {
            f"{match['whose']} -> {Requirement(match['about']).name}"
            for match in map(COMPLAINT.match, lines)
            if match is not None
        }
        assert (done.returncode == 0) == (not found), done.stdout
        return found

    def look(self) -> dict[str, Any]:
        """What this environment's Python imports and finds (see `LOOK`)."""
        done = self.run(self.python, "-c", LOOK)
        assert done.returncode == 0, done.stdout
        seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return seen

    def doctor(self) -> tuple[int, str]:
        """``python -m opencv_cuda``: its exit code and what it says."""
        done = self.run(self.python, "-m", "opencv_cuda")
        return done.returncode, done.stdout


COMPLAINT = re.compile(r"(?P<whose>\S+) .*(?:requires|has requirement) (?P<about>[^\s,]+)")
LOOK = """
import hashlib, base64, importlib.metadata, json, os, pathlib, sys
site = pathlib.Path(next(path for path in sys.path if path.endswith("site-packages")))
seen = {"cv2": None, "versions": {}, "damaged": {}, "strays": []}
known = set()
for found in importlib.metadata.distributions(path=[str(site)]):
    name = found.metadata["Name"].replace("_", "-")
    if not name.startswith(("opencv", "ultra", "albu", "nvidia")):
        continue
    seen["versions"][name] = found.version
    for file in found.files:
        path = site / file
        known.add(os.path.normpath(path))
        if file.hash is None:
            continue
        digest = hashlib.file_digest(path.open("rb"), "sha256").digest() if path.exists() else b""
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
            seen["damaged"].setdefault(name, []).append(str(file))
for folder in ("cv2", "opencv_cuda"):
    for path in (site / folder).rglob("*"):
        if path.is_file() and path.suffix != ".pyc" and str(path) not in known:
            seen["strays"].append(str(path.relative_to(site)))
try:
    import cv2, cv2.data, numpy
except ModuleNotFoundError as error:
    seen["error"] = str(error)
else:
    seen["cv2"] = str(pathlib.Path(cv2.__file__).relative_to(site))
    seen["version"] = cv2.__version__
    assert cv2.countNonZero(numpy.eye(3, dtype=numpy.uint8)) == 3
    assert os.path.isdir(cv2.data.haarcascades)
print(json.dumps(seen))
"""
"""Which ``cv2`` is imported (and works), and whether each file is as its RECORD says."""


def make_machine(
    client: str,
    place: Path,
    *,
    ours: str,
    public: str,
    like: Machine | None = None,
    also: Sequence[str] = (),
    python: Path | None = None,
) -> Machine:
    """A new environment, or a copy of another one's, for one installer.

    Args:
        client: ``pip 24.1.2`` or ``uv``.
        place: Where it is made.
        ours: The address of our index's root.
        public: The address of the public index's.
        like: The machine whose environment is copied.
        also: Packages it has from the beginning besides numpy, from this machine's own index.
        python: The interpreter it is made from, if not the one that runs this.
    """
    settings = read_pip_settings(dict(os.environ))
    cache = Cache.default()
    uv = find_uv(cache, Silent())
    place.mkdir(parents=True)
    env = base_variables(os.environ, home=place, bin_folder=place / "env/bin")
    uv_env = env | uv_variables(settings, cache=cache.environments / "uv")
    quiet = {"env": uv_env, "check": True, "cwd": place}
    if like is None:
        subprocess.run(
            [uv, "venv", "-q", "--python", python or sys.executable, place / "env"], **quiet
        )
    else:
        # Installers replace files and change none, so that hard links are copies to them.
        shutil.copytree(like.folder / "env", place / "env", symlinks=True, copy_function=os.link)
    needs = ["numpy>=2", *also, *([] if client == "uv" else [client.replace(" ", "==")])]
    made = place / "env/bin/python"
    subprocess.run([uv, "pip", "install", "-q", "--python", made, *needs], **quiet)
    if client == "uv":
        (place / "env/bin/uv").symlink_to(uv)
        kept = ("UV_CACHE_DIR", "UV_PYTHON_DOWNLOADS", "UV_NO_PROGRESS")
        env |= {name: uv_env[name] for name in kept} | {"VIRTUAL_ENV": str(place / "env")}
        env |= {"UV_DEFAULT_INDEX": public, "UV_NO_CONFIG": "1"}
    else:
        told = pip_variables(settings)
        env |= {name: told[name] for name in told if "INDEX" not in name and name != "PIP_CERT"}
        env |= {"PIP_INDEX_URL": public}
    return Machine(client=client, folder=place, env=env, ours=ours)

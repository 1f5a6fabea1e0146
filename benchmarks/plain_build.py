"""The peer of `five-pythons`: one rendered project built by plain CMake and Ninja.

The same compilers, definitions and jobs as the builder's, and no compile cache, no sandbox, no
wheel: what a person has who follows OpenCV's own instructions once per Python.

Usage: python -P benchmarks/plain_build.py CACHE_DIR CUDA_LABEL PROJECT
(-P: this folder has an index.py of its own, and the builder needs the package)
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from builder.build.environment import CompileCache, Places, build_environment
from builder.build.jobs import jobs_for, this_machine
from builder.build.toolchain_file import toolchain_file
from builder.paths import Cache
from builder.toolchain import install
from builder.ui import Plain


def main(cache_dir: Path, label: str, project: Path) -> None:
    """Configure and build; everything is left in a folder that goes away again."""
    toolchain = install(label, cache=Cache(root=cache_dir), reporter=Plain())
    settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    defines = settings["tool"]["scikit-build"]["cmake"]["define"]
    with tempfile.TemporaryDirectory(dir=cache_dir) as folder:
        work = Path(folder)
        names = ("env", "build", "home", "tmp", "out", "compile")
        for name in names:
            (work / name).mkdir()
        places = Places(
            host=toolchain.host,
            cuda=toolchain.cuda,
            project=project,
            **{name: work / name for name in names},
        )
        text = toolchain_file(places).splitlines(keepends=True)
        places.toolchain_file.write_text("".join(line for line in text if "LAUNCHER" not in line))
        env = build_environment(
            places, jobs=jobs_for(this_machine()), cache=CompileCache(), socket_name="unused"
        )
        cmake = str(toolchain.host / "bin" / "cmake")
        given = [f"-D{name}={value}" for name, value in defines.items()]
        given += ["-DCMAKE_BUILD_TYPE=Release"]
        # CMake's two ways of asking for Python; the environment hides this machine's own.
        given += [f"-D{name}_EXECUTABLE={sys.executable}" for name in ("Python", "Python3")]
        configure = [cmake, "-S", str(project), "-B", str(places.build), *given]
        subprocess.run(configure, check=True, env=env)
        subprocess.run([cmake, "--build", str(places.build)], check=True, env=env)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2], Path(sys.argv[3]).resolve())

"""A container engine for tests, and an image that stands in for manylinux: Debian and two Pythons.

Nothing here reaches for an image's registry. What a machine lacks is said as a reason (`missing`),
so that a test which cannot run says why.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from builder.verify.pythons import Interpreter, find_python

IMAGE = "localhost/gpu-wheelhouse-stand-in"
SUITE = "bookworm"
UTILITY = "3.9"
"""The Python that cibuildwheel itself uses in a container."""
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
PACKAGES = (
    *("ca-certificates", "libbz2-1.0", "libexpat1", "libffi8", "liblzma5", "libncursesw6"),
    *("libreadline8", "libsqlite3-0", "libssl3", "libuuid1", "zlib1g"),
)
"""What a Python that was compiled on a Debian needs to start there."""
LIMITS = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096")


def engine_setting() -> str:
    """``CIBW_CONTAINER_ENGINE`` for Podman run by root, who may not be allowed higher limits."""
    told = os.environ.get("CIBW_CONTAINER_ENGINE")
    return told or f"podman; create_args: {' '.join(LIMITS)}"


def missing() -> str | None:
    """Why a container cannot be run and its image be made here, or None."""
    for program in ("podman", "debootstrap"):
        if shutil.which(program) is None:
            return f"there is no {program} (apt install podman runc debootstrap)"
    if os.geteuid() != 0:
        return "debootstrap needs root"
    try:
        done = subprocess.run(["podman", "info"], capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return "podman does not answer"
    if done.returncode != 0:
        return f"podman does not work: {done.stderr.strip().splitlines()[-1:]}"
    for version in (UTILITY, OWN):
        if interpreter(version) is None:
            return f"there is no Python {version}"
    return None


def interpreter(version: str) -> Interpreter | None:
    """A Python of this machine."""
    return find_python(version).interpreter


def mirror() -> str:
    """The Debian mirror of this machine's apt."""
    apt = Path("/etc/apt")
    for file in [apt / "sources.list", *sorted(apt.glob("sources.list.d/*"))]:
        if file.is_file():
            found = re.search(r"https?://\S+/debian/?(?=\s)", file.read_text(errors="replace"))
            if found:
                return found[0]
    raise AssertionError("no Debian mirror in /etc/apt")


def image(scratch: Path) -> str:
    """The stand-in, made once on this machine; its name."""
    name = f"{IMAGE}:{OWN}"
    if subprocess.run(["podman", "image", "exists", name], check=False).returncode == 0:
        return name
    root = scratch / "root"
    run(
        "debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, root, mirror()
    )
    for version in (UTILITY, OWN):
        found = interpreter(version)
        assert found is not None
        put_python(found, root)
    run("chroot", root, "/sbin/ldconfig")
    archive = scratch / "root.tar"
    run("tar", "-C", root, "--numeric-owner", "-cf", archive, ".")
    run("podman", "import", archive, name)
    shutil.rmtree(root)
    archive.unlink()
    return name


def put_python(found: Interpreter, root: Path) -> None:
    """A Python of this machine where manylinux has it, with pip and nothing else."""
    tag = f"cp{found.python.replace('.', '')}"
    home = root / f"opt/python/{tag}-{tag}"
    prefix = found.path.resolve().parents[1]
    shutil.copytree(prefix / "bin", home / "bin", symlinks=True)
    lib = prefix / f"lib/python{found.python}"
    shutil.copytree(
        lib,
        home / f"lib/python{found.python}",
        symlinks=True,
        ignore=shutil.ignore_patterns("site-packages", "test", "__pycache__", "config-*"),
    )
    shutil.copytree(lib / "ensurepip/_bundled", home / "wheels", dirs_exist_ok=True)
    for library in (prefix / "lib").glob("libpython*.so*"):
        shutil.copy2(library, home / "lib" / library.name, follow_symlinks=False)
    python = home / "bin/python"
    if not python.exists():
        python.symlink_to(f"python{found.python}")
    configured = root / "etc/ld.so.conf.d/wheelhouse.conf"
    with configured.open("a") as file:
        file.write(f"/opt/python/{tag}-{tag}/lib\n")
    run("chroot", root, "/sbin/ldconfig")
    inside = f"/opt/python/{tag}-{tag}/bin/python"
    run("chroot", root, inside, "-m", "ensurepip", "--upgrade")
    pip = home / "bin/pip"
    if not pip.exists() or str(prefix) in pip.read_text(errors="replace"):
        pip.write_text(f"#!{inside}\nfrom pip import main\nraise SystemExit(main())\n")
        pip.chmod(0o755)


def run(*command: str | Path) -> None:
    """One step; what it printed is shown if it fails."""
    done = subprocess.run(
        [str(part) for part in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, (
        f"{command[0]} ended with {done.returncode}:\n{done.stdout[-3000:]}"
    )

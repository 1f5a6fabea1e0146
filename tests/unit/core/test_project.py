"""Promises about the project's own files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pip._internal.models.index import PyPI

ROOT = Path(__file__).parents[3]


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_no_file_names_the_registrys_host() -> None:
    # The hosts are asked of pip itself: writing them here would break the rule this test holds.
    hosts = [host.encode() for host in (PyPI.netloc, PyPI.file_storage_domain)]
    named = [path for path in tracked() if any(host in path.read_bytes() for host in hosts)]
    assert named == []


def test_index_never_imports_builder() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_only_one_module_starts_programs_and_one_downloads() -> None:
    doors = {
        # drive.py runs inside the sandbox and can import nothing of the builder.
        "subprocess": {"builder/process.py", "builder/build/drive.py"},
        # The index knows nothing of the builder: it reads sites through a door of its own.
        "requests": {"builder/fetch/", "index/transport.py", "index/check/", "index/publish/"},
    }
    for module, allowed in doors.items():
        users = [
            path.relative_to(ROOT).as_posix()
            for package in ("builder", "index")
            for path in (ROOT / package).rglob("*.py")
            if any(
                line.strip().startswith((f"import {module}", f"from {module}"))
                for line in path.read_text().splitlines()
            )
        ]
        strangers = [user for user in users if not any(user.startswith(door) for door in allowed)]
        assert strangers == [], f"{module} is used outside its door"

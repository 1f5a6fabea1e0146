from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from builder.toolchain.host_prefix import dynamic_programs, run_path, wrapper

COMPILER = """\
#!/bin/sh
printf '%s\\n' "$0" "$@"
"""


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    root = tmp_path / "a prefix"
    for name in ("gcc", "g++"):
        program = root / "sysroot/usr/bin" / f"x86_64-linux-gnu-{name}-10"
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(COMPILER)
        program.chmod(0o755)
    wrapped = root / "bin/x86_64-linux-gnu-gcc"
    wrapped.parent.mkdir()
    wrapped.write_text(wrapper("gcc", digest="abc"))
    wrapped.chmod(0o755)
    (root / "bin/cc").symlink_to("x86_64-linux-gnu-gcc")
    return root


def told(*command: str | Path, cwd: Path | None = None) -> list[str]:
    found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=cwd, env={})
    return found.stdout.splitlines()


@pytest.mark.parametrize("name", ["x86_64-linux-gnu-gcc", "cc"])
def test_the_wrapper_passes_the_sysroot_of_where_it_lies(prefix: Path, name: str) -> None:
    root = str(prefix)
    assert told(prefix / "bin" / name, "-c", "a file.c", "") == [
        f"{root}/sysroot/usr/bin/x86_64-linux-gnu-gcc-10",
        f"--sysroot={root}/sysroot",
        f"-B{root}/sysroot/usr/bin",
        "-c",
        "a file.c",
        "",
    ]


def test_a_moved_prefix_works_where_it_is(prefix: Path) -> None:
    moved = prefix.rename(prefix.with_name("moved"))
    assert told(moved / "bin/cc")[1] == f"--sysroot={moved}/sysroot"


def test_a_relative_call_works(prefix: Path) -> None:
    assert told("bin/cc", "x", cwd=prefix)[-1] == "x"
    assert told("./cc", "x", cwd=prefix / "bin")[-1] == "x"


def test_the_wrapper_changes_with_the_digest_alone() -> None:
    assert wrapper("gcc", digest="abc") != wrapper("gcc", digest="abd")
    assert wrapper("gcc", digest="abc") == wrapper("gcc", digest="abc")
    assert wrapper("gcc", digest="abc") != wrapper("g++", digest="abc")


def test_run_paths_are_relative_to_the_program() -> None:
    assert run_path("usr/bin") == (
        "$ORIGIN/../lib/x86_64-linux-gnu:$ORIGIN/../../lib/x86_64-linux-gnu"
    )
    assert run_path("usr/lib/gcc/x86_64-linux-gnu/10").startswith(
        "$ORIGIN/../../../x86_64-linux-gnu:"
    )


def test_programs_are_told_from_libraries_scripts_and_links(tmp_path: Path) -> None:
    (tmp_path / "script").write_text("#!/bin/sh\n")
    (tmp_path / "broken").write_bytes(b"\x7fELF")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "program").write_bytes(Path("/bin/sh").resolve().read_bytes())
    (tmp_path / "link").symlink_to("program")
    assert [path.name for path in dynamic_programs(tmp_path)] == ["program"]

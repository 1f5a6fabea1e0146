import os
from pathlib import Path

import pytest

from builder.build.environment import CompileCache, Places, build_environment, remote_cache
from builder.build.python_env import build_env_artifacts, build_env_digest
from builder.build.toolchain_file import prefix_maps, toolchain_file
from builder.build.tools import link_tools

STRAY = (
    *("CFLAGS", "CXXFLAGS", "LDFLAGS", "NVCC_PREPEND_FLAGS", "NVCC_APPEND_FLAGS", "CC", "CXX"),
    *("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LD_PRELOAD", "CPATH", "C_INCLUDE_PATH"),
    *("CUDA_HOME", "CUDA_PATH", "CUDAHOSTCXX", "CUDACXX", "CMAKE_ARGS", "CMAKE_PREFIX_PATH"),
    *("SKBUILD_CMAKE_ARGS", "PKG_CONFIG_PATH", "LIBRARY_PATH", "GCC_EXEC_PREFIX", "TMPDIR"),
    *("COMPILER_PATH", "NINJA_STATUS", "SCCACHE_DIRECT", "SCCACHE_RECACHE"),
)


def test_nothing_of_the_caller_comes_through(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made() -> dict[str, str]:
        remote = remote_cache(os.environ)
        cache = CompileCache(remote=remote[1] if remote else None)
        return build_environment(places, jobs=2, cache=cache, socket_name="s")

    clean = made()
    for name in STRAY:
        monkeypatch.setenv(name, "stray")
    assert made() == clean
    assert "stray" not in str(clean)
    assert set(STRAY) & set(clean) == {"TMPDIR"}


def test_the_environment_names_only_the_builds_own_folders(places: Places) -> None:
    env = build_environment(places, jobs=7, cache=CompileCache(), socket_name="s")
    assert env["PATH"].split(":") == [
        "/mnt/wheelhouse/env/bin",
        "/mnt/wheelhouse/host/bin",
        "/mnt/wheelhouse/cuda/bin",
        "/mnt/wheelhouse/home/tools",
    ]
    assert env["CMAKE_BUILD_PARALLEL_LEVEL"] == "7"
    assert env["SCCACHE_DIR"] == "/mnt/wheelhouse/compile"
    small = build_environment(places, jobs=7, cache=CompileCache(size="1G"), socket_name="s")
    assert small["SCCACHE_CACHE_SIZE"] == "1G"


@pytest.mark.parametrize(
    ("environ", "kind"),
    [
        ({"SCCACHE_BUCKET": "b", "AWS_ACCESS_KEY_ID": "k", "SCCACHE_REGION": "r"}, "s3"),
        ({"SCCACHE_REDIS_ENDPOINT": "redis://x"}, "redis"),
        ({"SCCACHE_REDIS": "redis://x"}, "redis"),
        ({"SCCACHE_GHA_ENABLED": "true", "ACTIONS_RUNTIME_TOKEN": "t"}, "github"),
        ({"SCCACHE_GCS_BUCKET": "b"}, "gcs"),
        ({"SCCACHE_CONF": "/home/me/sccache.toml"}, "config"),
    ],
)
def test_a_remote_cache_brings_its_settings_and_nothing_else(
    places: Places, environ: dict[str, str], kind: str
) -> None:
    found = remote_cache({**environ, "CFLAGS": "-O0", "SCCACHE_DIRECT": "false", "HOME": "/h"})
    assert found == (kind, environ)
    cache = CompileCache(remote=found[1])
    env = build_environment(places, jobs=1, cache=cache, socket_name="s")
    assert environ.items() <= env.items()
    assert "SCCACHE_DIR" not in env


def test_credentials_alone_are_no_remote_cache() -> None:
    assert remote_cache({"AWS_ACCESS_KEY_ID": "k", "SCCACHE_REGION": "r"}) is None
    assert remote_cache({"SCCACHE_BUCKET": ""}) is None


TOOLCHAIN = """\
# Written by the builder for one build.
set(CMAKE_C_COMPILER "/mnt/wheelhouse/host/bin/x86_64-linux-gnu-gcc")
set(CMAKE_CXX_COMPILER "/mnt/wheelhouse/host/bin/x86_64-linux-gnu-g++")
set(CMAKE_CUDA_COMPILER "/mnt/wheelhouse/cuda/bin/nvcc")
set(CMAKE_CUDA_HOST_COMPILER "/mnt/wheelhouse/host/bin/x86_64-linux-gnu-g++")
"""


def test_the_toolchain_file(places: Places) -> None:
    text = toolchain_file(places)
    assert text.startswith(TOOLCHAIN)
    lines = text.splitlines()
    for language in ("C", "CXX", "CUDA"):
        wanted = f"set(CMAKE_{language}_COMPILER_LAUNCHER "
        assert any(line.startswith(wanted) and "/host/bin/sccache" in line for line in lines)
    # Set, it would make CMake believe in cross-compiling, which OpenCV builds differently for.
    assert "CMAKE_SYSTEM_NAME" not in text
    assert "set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)" in lines
    for kind in ("LIBRARY", "INCLUDE", "PACKAGE"):
        assert f"set(CMAKE_FIND_ROOT_PATH_MODE_{kind} ONLY)" in lines
    assert text.endswith("\n")


def test_every_folder_whose_name_differs_between_machines_is_mapped(places: Places) -> None:
    assert dict(prefix_maps(places)) == {
        f"/mnt/wheelhouse/{name}": name for name in ("project", "build", "host", "cuda")
    }
    text = toolchain_file(places)
    assert "-ffile-prefix-map=/mnt/wheelhouse/project=project" in text
    assert "-Xcompiler=-ffile-prefix-map=/mnt/wheelhouse/project=project" in text


def test_the_build_environment_is_pinned() -> None:
    names = {artifact.filename.split("-")[0] for artifact in build_env_artifacts()}
    assert {"build", "scikit_build_core", "packaging", "pathspec", "pyproject_hooks"} <= names
    assert all(artifact.filename.endswith("-none-any.whl") for artifact in build_env_artifacts())
    assert len(build_env_digest()) == 64


def test_only_basic_programs_of_the_machine_are_in_sight(tmp_path: Path, places: Places) -> None:
    link_tools(tmp_path / "tools")
    names = {path.name for path in (tmp_path / "tools").iterdir()}
    assert {"sh", "cp", "rm", "sed"} <= names
    assert not names & {"gcc", "cc", "make", "nasm", "git", "ccache", "python3", "pkg-config"}
    assert all(path.is_file() for path in (tmp_path / "tools").iterdir())
    ignored = next(
        line for line in toolchain_file(places).splitlines() if "CMAKE_SYSTEM_IGNORE_PATH" in line
    )
    assert {"/usr/bin", "/bin", "/usr/local/bin"} <= set(ignored.split('"')[1].split(";"))

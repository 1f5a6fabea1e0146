"""The container engine without a container: what cibuildwheel is told, what is read from it."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from builder import process
from builder.build.environment import CompileCache
from builder.build.pipeline import Order, Workshop
from builder.build.stages import Stages
from builder.cli.main import cli
from builder.engine import CIBUILDWHEEL, HERMETIC
from builder.engine.bring import mounts, own_packages
from builder.engine.config import ContainerBuild, Mounted, configuration, environment
from builder.engine.container import Engine, find_engine, require_container, tools
from builder.engine.inside import ERROR, STATS
from builder.engine.run import Heard, Job, failure, run
from builder.engine.stages import ContainerStages, stages_of
from builder.errors import CheckError, CompileError, MachineError, UsageError
from builder.paths import Cache
from builder.plan.spec import BuildSpec
from builder.sandbox import NOTHING
from builder.toolchain.model import Toolchain
from builder.ui import Silent

GOLDEN = Path(__file__).parent / "golden" / "cibuildwheel.toml"
PREPARE = Path(__file__).parents[3] / "builder/engine/prepare.py"


def a_build(**changes: object) -> ContainerBuild:
    values: dict[str, object] = {
        "label": "gpu-wheelhouse=0123456789abcdef0123456789abcdef",
        "python": "cp311",
        "engine": "podman",
        "image": "manylinux_2_28",
        "mounts": (
            Mounted(name="host", source=Path("/cache/toolchains/host-1")),
            Mounted(name="cuda", source=Path("/cache/toolchains/cu118-1")),
            Mounted(name="code/builder", source=Path("/here/builder")),
            Mounted(name="compile", source=Path("/cache/my compile"), writable=True),
        ),
        "jobs": 2,
        "cache": CompileCache(size="20G"),
    }
    # Each value is of its field's type, which a dict of all of them cannot say.
    return ContainerBuild(**{**values, **changes})  # type: ignore[arg-type]


def a_spec(engine: str = CIBUILDWHEEL) -> BuildSpec:
    return BuildSpec(
        recipe="hello",
        version="1.0",
        revision=1,
        cuda="cu118",
        cuda_version="11.8",
        profile="full",
        architectures=("7.5",),
        ptx=None,
        py_api="py3",
        requires_python=">=3.10",
        dependencies=(),
        defines=(),
        sources=(),
        project=(),
        toolchain="0" * 64,
        engine=engine,
    )


def test_the_configuration_is_the_golden_one() -> None:
    made = configuration(a_build())
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(made)
    assert made == GOLDEN.read_text()


def test_cibuildwheel_reads_it_as_it_is_meant(tmp_path: Path) -> None:
    """Its own parser, on the very file: mounts and arguments come out as they went in."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project/pyproject.toml").write_text("[project]\nname = 'hello'\nversion = '1'\n")
    (tmp_path / "config.toml").write_text(configuration(a_build(extra=("--ulimit=nofile=9:9",))))
    script = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from cibuildwheel.options import CommandLineArguments, compute_options\n"
        "arguments = CommandLineArguments.defaults()\n"
        "arguments.platform = 'linux'\n"
        "arguments.config_file = sys.argv[1]\n"
        "arguments.package_dir = Path('.')\n"
        "options = compute_options('linux', arguments, {})\n"
        "build = options.build_options('cp311-manylinux_x86_64')\n"
        "env = build.environment.as_dictionary({}, executor=None)\n"
        "print(json.dumps({'args': build.container_engine.create_args, 'env': env,\n"
        "    'host': build.container_engine.disable_host_mount, 'audit': build.audit_command,\n"
        "    'images': build.manylinux_images, 'frontend': build.build_frontend.args}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script, str(tmp_path / "config.toml")],
        cwd=tmp_path / "project",
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout.splitlines()[-1])
    source = "--mount=type=bind,source=/cache/my compile,target=/mnt/wheelhouse/compile"
    assert source in read["args"]
    assert read["args"][-1] == "--ulimit=nofile=9:9"
    assert "--network=none" in read["args"]
    assert read["env"] == environment(a_build())
    assert read["host"] is True
    assert "manylinux_2_28_x86_64@sha256:" in read["images"]["x86_64"]
    assert read["frontend"] == ["--no-isolation", "--skip-dependency-check"]


def test_a_remote_cache_keeps_the_network_and_its_settings_stand_nowhere() -> None:
    remote = {"SCCACHE_REDIS_ENDPOINT": "redis://h", "SCCACHE_REDIS_PASSWORD": "s3cret"}
    build = a_build(cache=CompileCache(remote=remote))
    text = configuration(build)
    assert "s3cret" not in text
    assert "redis://h" not in text
    arguments = tomllib.loads(text)["tool"]["cibuildwheel"]["container-engine"]["create-args"]
    assert "--network=host" in arguments
    assert "--env=SCCACHE_REDIS_PASSWORD" in arguments
    assert "SCCACHE_DIR" not in environment(build)
    assert build.network


@pytest.mark.parametrize(
    ("extra", "network"), [((), False), (("--network=host",), True), (("--network=none",), False)]
)
def test_the_users_own_network_counts(extra: tuple[str, ...], network: bool) -> None:
    build = a_build(extra=extra)
    assert build.network is network
    assert configuration(build).count("--network=") == 1


def test_a_folder_that_cannot_be_mounted() -> None:
    with pytest.raises(MachineError, match="cannot be mounted in a container"):
        Mounted(name="x", source=Path("/a,b")).argument()


def test_each_engine_has_keys_of_its_own_and_the_hermetic_ones_are_as_before() -> None:
    hermetic, container = a_spec(HERMETIC), a_spec()
    assert hermetic.key != container.key
    assert "engine" not in hermetic.keyed()
    assert container.keyed()["engine"] == CIBUILDWHEEL
    assert BuildSpec.model_validate(container.model_dump(mode="json")) == container


def fake(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_without_a_container_engine_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(MachineError) as none:
        find_engine({})
    assert "podman is not installed; docker is not installed" in str(none.value)
    assert "apt install podman" in str(none.value)
    fake(tmp_path / "bin", "docker", "echo 'Cannot connect to the daemon' >&2; exit 1")
    with pytest.raises(MachineError, match="docker does not work: Cannot connect to the daemon"):
        find_engine({})
    fake(tmp_path / "bin", "podman", "exit 0")
    assert find_engine({}) == Engine(name="podman")


def test_the_users_setting_is_cibuildwheels_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(tmp_path / "bin", "docker", "exit 0")
    fake(tmp_path / "bin", "podman", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    told = {"CIBW_CONTAINER_ENGINE": "docker; create_args: --network=host --ulimit=nofile=9:9"}
    assert find_engine(told) == Engine(
        name="docker", extra=("--network=host", "--ulimit=nofile=9:9")
    )
    with pytest.raises(UsageError, match="unknown container engine lxc"):
        find_engine({"CIBW_CONTAINER_ENGINE": "lxc"})


def test_what_a_killed_build_left_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(tmp_path / "bin", "podman", f'echo "$@" >> {tmp_path}/calls\n[ $1 = ps ] && echo c1 c2')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    Engine(name="podman").remove("gpu-wheelhouse=abc")
    assert (tmp_path / "calls").read_text().splitlines() == [
        "ps --all --quiet --filter=label=gpu-wheelhouse=abc",
        "rm --force --volumes c1",
        "rm --force --volumes c2",
    ]


def test_what_is_read_from_the_output() -> None:
    heard = Heard()
    assert heard.line("Starting container image registry/x@sha256:12...") is None
    assert heard.line("[3/9] Building CUDA object x.cu.o") == (
        *(3, 9),
        "Building CUDA object x.cu.o",
    )
    heard.line(STATS + '{"sccache": {"stats": {}}, "cpu_seconds": 2.5}')
    assert (heard.image, heard.steps) == ("registry/x@sha256:12", 9)
    assert heard.stats["cpu_seconds"] == 2.5
    heard.line(STATS + "torn {")
    assert heard.stats == {}


def test_each_failure_is_the_error_it_is(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    repair = Heard()
    repair.line(ERROR + json.dumps({"message": "needs libx.so", "remedy": None}))
    error = failure(a_spec(), repair, "", log)
    assert isinstance(error, CheckError)
    assert "needs libx.so" in str(error)
    image = Heard()
    image.line("wheelhouse: the toolchain's cmake does not run in this image: no")
    error = failure(a_spec(), image, "", log)
    assert isinstance(error, MachineError)
    assert "CIBW_MANYLINUX_X86_64_IMAGE" in str(error)
    assert isinstance(failure(a_spec(), Heard(), "no such image", log), MachineError)
    compiled = Heard()
    compiled.line("[1/2] Building C object a.c.o")
    error = failure(a_spec(), compiled, "FAILED: a.c.o\na.c:1: error: no", log)
    assert isinstance(error, CompileError)
    assert "a.c:1: error: no" in str(error)
    assert isinstance(failure(a_spec(), compiled, "x: No space left on device", log), MachineError)


def test_the_tools_are_links_into_the_image(tmp_path: Path) -> None:
    tools(tmp_path / "tools", ("sh", "no-such-program"))
    assert (tmp_path / "tools/sh").readlink() == Path("/usr/bin/sh")
    assert (tmp_path / "tools/no-such-program").is_symlink()


def test_the_folders_of_our_own_packages() -> None:
    folders = own_packages()
    for name in ("auditwheel", "pydantic", "packaging", "elftools"):
        assert any((folder / name).is_dir() for folder in folders), name


def test_preparing_makes_an_environment_that_finds_the_builder(tmp_path: Path) -> None:
    plan = {
        "folders": [str(tmp_path / "made/here")],
        "check": ["/usr/bin/env"],
        "repair": str(tmp_path / "repair"),
        "paths": [str(tmp_path / "code")],
    }
    (tmp_path / "code/mine").mkdir(parents=True)
    (tmp_path / "code/mine/__init__.py").write_text("SAYS = 'found'\n")
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    run = [sys.executable, "-I", str(PREPARE), str(tmp_path / "plan.json")]
    subprocess.run(run, check=True)
    assert (tmp_path / "made/here").is_dir()
    python = tmp_path / "repair/bin/python"
    done = subprocess.run(
        [python, "-I", "-c", "import mine; print(mine.SAYS)"],
        text=True,
        capture_output=True,
        check=True,
    )
    assert done.stdout == "found\n"
    (tmp_path / "plan.json").write_text(json.dumps({**plan, "check": ["/usr/bin/false"]}))
    failed = subprocess.run(run, text=True, capture_output=True, check=False)
    assert failed.returncode == 1
    assert "wheelhouse: the toolchain's false does not run in this image" in failed.stderr


def test_a_sandbox_is_for_the_hermetic_engine() -> None:
    words = ["build", "cu118", "--engine", "cibuildwheel", "--sandbox", "require"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 2
    assert "--sandbox is for the hermetic engine" in done.output


def test_the_spec_says_which_stages_a_build_has(tmp_path: Path) -> None:
    shop = Workshop(
        cache=Cache(root=tmp_path), dist=tmp_path, capability=NOTHING, reporter=Silent()
    )
    for engine, kind in ((CIBUILDWHEEL, ContainerStages), (HERMETIC, Stages)):
        order = Order(spec=a_spec(engine), recipe=tmp_path, max_size=None)
        made = stages_of(order, shop, tmp_path)
        assert type(made) is kind
        assert (made.order, made.work) == (order, tmp_path)


def test_without_cibuildwheel_it_says_how_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", version)
    with pytest.raises(MachineError, match=r"clone: pip install -e '\.\[cibuildwheel\]'"):
        require_container()


def test_a_build_that_cannot_be_done_stops_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole command, on a machine with neither Podman nor Docker."""
    recipes = Path(__file__).parents[2] / "recipes"
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CIBW_CONTAINER_ENGINE", raising=False)
    words = ["--cache-dir", str(tmp_path / "cache"), "--recipes", str(recipes), "build", "cu130"]
    done = CliRunner().invoke(cli, [*words, "--profile", "smoke", "--engine", "cibuildwheel"])
    assert isinstance(done.exception, MachineError), done.output
    assert "podman is not installed; docker is not installed" in str(done.exception)
    assert not (tmp_path / "cache/downloads").exists()


def test_settings_that_name_a_file_bring_it_along(tmp_path: Path) -> None:
    file = tmp_path / "sccache.toml"
    file.write_text("")
    toolchain = Toolchain(label="cu118", digest="", host=tmp_path / "h", cuda=tmp_path / "c")
    remote = {"SCCACHE_CONF": str(file), "AWS_CONFIG_FILE": str(tmp_path / "none")}
    found = mounts(toolchain, Cache(root=tmp_path), tmp_path / "work", remote=remote)
    assert f"--mount=type=bind,source={file},target={file},readonly" in [
        mount.argument() for mount in found
    ]
    assert not any(mount.writable for mount in found)
    assert "SCCACHE_CONF" not in environment(a_build(cache=CompileCache(remote=remote)))
    local = mounts(toolchain, Cache(root=tmp_path), tmp_path / "work", remote=None)
    assert [mount.name for mount in local if mount.writable] == ["compile"]


def test_cibuildwheel_sees_what_an_engine_needs_and_no_secret_of_the_callers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {}

    def started(*_: object, **__: object) -> process.Completed:
        seen.update(json.loads((tmp_path / "launch.json").read_text())["env"])
        return process.Completed(status=0, output="")

    monkeypatch.setattr("builder.engine.run.process.run", started)
    theirs = {"GITHUB_TOKEN": "t", "TWINE_PASSWORD": "p", "CIBW_BUILD": "x", "PYTHONPATH": "y"}
    needed = {
        "PATH": "/bin", "HOME": "/home/u", "XDG_RUNTIME_DIR": "/run/user/1", "LC_ALL": "C.UTF-8",
        "DOCKER_HOST": "unix:///x", "CONTAINERS_CONF": "/c", "https_proxy": "http://h:1",
    }  # fmt: skip
    remote = {"SCCACHE_REDIS_ENDPOINT": "redis://h", "SCCACHE_REDIS_PASSWORD": "s3cret"}
    job = Job(
        build=a_build(cache=CompileCache(remote=remote)), spec=a_spec(), project=tmp_path,
        work=tmp_path, log_path=tmp_path / "log", reporter=Silent(),
    )  # fmt: skip
    run(job, Heard(), {**theirs, **needed, **remote})
    assert seen == {**needed, **remote}

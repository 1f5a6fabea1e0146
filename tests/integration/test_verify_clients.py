"""Real installers against a real index of ours: pip 24.1.2 (Colab's), the newest pip, and uv."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from builder.fetch.pipconfig import read_pip_settings
from builder.paths import Cache
from builder.ui import Silent
from builder.verify.clean import base_variables, pip_variables, uv_variables
from builder.verify.environment import PIP_VERSION
from builder.verify.uv import find_uv
from index.ledger import Settings
from index.records import Record
from index.serve import Server
from index.site.add import add_wheels, configure
from index.site.change import yank
from index.site.placing import placing
from index.site.render import render
from index.site.site import open_site
from index.wheels import record_of_wheel

pytestmark = pytest.mark.integration

COLAB_PIP = "24.1.2"


def tiny_wheel(folder: Path, version: str, cuda: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    full = f"{version}+{cuda}" if cuda else version
    wheel = folder / f"tiny_gpu-{full}-py3-none-any.whl"
    info = f"tiny_gpu-{full}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny_gpu.py", f"version = '{full}'\n")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-gpu\nVersion: {full}\n"
        )
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{info}/RECORD", "")
    return wheel


@dataclass(frozen=True, kw_only=True)
class Client:
    """An installer: a list of arguments that goes before ours, and its environment."""

    name: str
    command: tuple[str, ...]
    env: dict[str, str]

    def install(self, *arguments: str | Path, into: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, "install", "--target", str(into), *map(str, arguments)],
            env=self.env,
            cwd=into.parent,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )


@pytest.fixture(scope="module")
def uv() -> Path:
    return find_uv(Cache.default(), Silent())


@pytest.fixture(scope="module", params=[f"pip {COLAB_PIP}", f"pip {PIP_VERSION}", "uv"])
def client(
    request: pytest.FixtureRequest, uv: Path, tmp_path_factory: pytest.TempPathFactory
) -> Client:
    place = tmp_path_factory.mktemp("client")
    settings = read_pip_settings(dict(os.environ))
    env = base_variables(os.environ, home=place, bin_folder=None)
    uv_env = env | uv_variables(settings, cache=place / "uv")
    if request.param == "uv":
        # Its own defaults, and no index but those on the command line.
        indexes = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_STRATEGY", "UV_FIND_LINKS")
        hidden = {name: value for name, value in uv_env.items() if name not in indexes}
        command = (str(uv), "pip")
        return Client(name="uv", command=command, env={**hidden, "UV_PYTHON": sys.executable})
    version = request.param.removeprefix("pip ")
    subprocess.run(
        [uv, "venv", "-q", "--python", sys.executable, place / "env"], env=uv_env, check=True
    )
    python = place / "env/bin/python"
    subprocess.run(
        [uv, "pip", "install", "-q", "--python", python, f"pip=={version}"], env=uv_env, check=True
    )
    return Client(
        name=request.param,
        command=(str(python), "-m", "pip"),
        env=env | pip_variables(settings),
    )


@pytest.fixture
def records(tmp_path: Path) -> dict[str, Record]:
    dist = tmp_path / "dist"
    return {
        name: record_of_wheel(tiny_wheel(dist, *name.split("+")))
        for name in ("1.0+cu118", "1.1+cu118", "1.1+cu124")
    }


@pytest.fixture
def site(tmp_path: Path, records: dict[str, Record]) -> Path:
    site = tmp_path / "My Drive/gpu wheels"
    make_site(site, tmp_path / "dist", yanked=records["1.1+cu118"].filename, default_cuda="cu124")
    return site


def make_site(folder: Path, dist: Path, *, yanked: str | None = None, **settings: str) -> None:
    """A site of all the wheels in a folder, without guards."""
    with open_site(folder, dist.parent / "cache") as site:
        configure(site, Settings.checked(settings))
        there = placing(folder, uploaded="2026-11-21T00:00:00Z")
        add_wheels(site, sorted(dist.glob("*.whl")), there)
        if yanked is not None:
            yank(site, [yanked], "broken")
        render(site)


@pytest.fixture
def served(site: Path) -> Iterator[Server]:
    with Server(site) as server:
        yield server


Address = Callable[[str], str]


@pytest.fixture(params=["http", "file"])
def address(request: pytest.FixtureRequest, site: Path, served: Server) -> Address:
    if request.param == "http":
        return lambda root: f"{served.url}/{root}/"
    return lambda root: f"{site.as_uri()}/{root}"


def installed(into: Path) -> str:
    return (into / "tiny_gpu.py").read_text().split("'")[1]


def test_a_pinned_wheel_with_hashes(
    client: Client, address: Address, records: dict[str, Record], tmp_path: Path
) -> None:
    listed = tmp_path / "requirements.txt"
    record = records["1.0+cu118"]
    listed.write_text(f"tiny-gpu==1.0+cu118 --hash=sha256:{record.sha256}\n")
    into = tmp_path / "into"
    arguments = ("--index-url", address("cu118"), "--require-hashes", "-r", listed)
    done = client.install(*arguments, into=into)
    assert done.returncode == 0, done.stdout
    assert installed(into) == "1.0+cu118"


def test_a_wrong_hash_is_refused(client: Client, address: Address, tmp_path: Path) -> None:
    listed = tmp_path / "requirements.txt"
    listed.write_text(f"tiny-gpu==1.0+cu118 --hash=sha256:{'0' * 64}\n")
    arguments = ("--index-url", address("cu118"), "--require-hashes", "-r", listed)
    done = client.install(*arguments, into=tmp_path / "into")
    assert done.returncode != 0
    assert "hash" in done.stdout.lower()


def test_a_yanked_wheel_is_taken_only_where_pinned(
    client: Client, address: Address, tmp_path: Path
) -> None:
    free, pinned = tmp_path / "free", tmp_path / "pinned"
    done = client.install("--index-url", address("cu118"), "tiny-gpu", into=free)
    assert done.returncode == 0, done.stdout
    assert installed(free) == "1.0+cu118"
    done = client.install("--index-url", address("cu118"), "tiny-gpu==1.1+cu118", into=pinned)
    assert done.returncode == 0, done.stdout
    assert installed(pinned) == "1.1+cu118"
    assert "broken" in done.stdout


def test_the_default_root_has_the_default_cuda(
    client: Client, address: Address, tmp_path: Path
) -> None:
    done = client.install("--index-url", address("simple"), "tiny-gpu", into=tmp_path / "into")
    assert done.returncode == 0, done.stdout
    assert installed(tmp_path / "into") == "1.1+cu124"


def test_a_strangers_newer_package_is_not_taken_for_a_pinned_one(
    client: Client, served: Server, tmp_path: Path
) -> None:
    stranger = tiny_wheel(tmp_path / "stranger", "9.0")
    make_site(tmp_path / "public", stranger.parent)
    into = tmp_path / "into"
    with Server(tmp_path / "public") as public:
        arguments = (
            "--index-url", f"{public.url}/simple/", "--extra-index-url", f"{served.url}/cu118/",
        )  # fmt: skip
        done = client.install(*arguments, "tiny-gpu==1.0+cu118", into=into)
    assert done.returncode == 0, done.stdout
    assert installed(into) == "1.0+cu118"


def test_metadata_is_read_before_the_wheel(client: Client, served: Server, tmp_path: Path) -> None:
    arguments = ("--index-url", f"{served.url}/cu118/", "tiny-gpu==1.0+cu118")
    done = client.install(*arguments, into=tmp_path / "into")
    assert done.returncode == 0, done.stdout
    asked = [path for path in served.requests if path.startswith("/files/")]
    wheel = "/files/tiny_gpu-1.0+cu118-py3-none-any.whl"
    assert asked[0] == f"{wheel}.metadata"
    assert wheel in asked

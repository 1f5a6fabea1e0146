"""Real installers against a real site: pip 24.1.2 (Colab's), the newest pip, uv and pdm.

Each from JSON over http, from HTML over http, and from a folder with a space in its path.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from builder.fetch.pipconfig import read_pip_settings
from builder.paths import Cache
from builder.ui import Silent
from builder.verify.clean import base_variables, pip_variables, uv_variables
from builder.verify.environment import PIP_VERSION
from builder.verify.uv import find_uv
from index.ledger import Add, Configure, Settings, Yank
from index.records import Record
from index.serve import Server
from index.serve.answer import Answer
from index.serve.beside import folders_beside
from index.serve.negotiate import JSON_TYPE
from index.site.render import render
from index.site.site import open_site
from index.wheels import record_of_wheel

pytestmark = pytest.mark.integration

COLAB_PIP = "24.1.2"
PDM = "pdm[locked]==2.29.3"
YANK_REASON = "linked to the wrong cuDNN"
WHEELS = {
    # file name: when it was published, requires-python, what it needs
    "tiny_base-1.0-py3-none-any.whl": ("2026-11-01", ">=3.9", ""),
    "tiny_gpu-1.0+cu118-py3-none-any.whl": ("2026-11-01", ">=3.9", "tiny-base"),
    "tiny_gpu-1.0+cu124-py3-none-any.whl": ("2026-11-01", ">=3.9", "tiny-base"),
    "tiny_gpu-1.1+cu124-1-py3-none-any.whl": ("2026-11-10", ">=3.9", "tiny-base>=1"),
    "tiny_gpu-1.2+cu124-py3-none-any.whl": ("2026-11-11", ">=3.9", "tiny-base"),
    "tiny_gpu-1.3+cu124-py3-none-any.whl": ("2026-11-12", ">=3.99", "tiny-base"),
}
YANKED = "tiny_gpu-1.2+cu124-py3-none-any.whl"


def tiny_wheel(folder: Path, filename: str, python: str, needs: str) -> Record:
    name, version = filename.split("-")[:2]
    info = f"{name}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Python: {python}"] + ([f"Requires-Dist: {needs}"] if needs else [])
    folder.mkdir(parents=True, exist_ok=True)
    members = {
        f"{name}.py": f"version = '{version}'\n",
        f"{info}/METADATA": "\n".join(lines) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(folder / filename, "w") as archive:
        for member, text in members.items():
            archive.writestr(zipfile.ZipInfo(member), text)  # of 1980: the same bytes each time
    return record_of_wheel(folder / filename)


def make_site(folder: Path, *, layout: str, wheels: str = "files") -> dict[str, Record]:
    """A site with `WHEELS`, which lie in ``wheels``, relative to it."""
    place = folder / wheels
    records = {
        name: tiny_wheel(place, name, python, needs) for name, (_, python, needs) in WHEELS.items()
    }
    for record in records.values():
        (place / f"{record.filename}.metadata").write_text(record.metadata)
    with open_site(folder, folder.parent / "cache") as site:
        site.append(
            [
                Configure(settings=Settings(default_cuda="cu124", layout=layout)),
                *(
                    Add(
                        record=record,
                        url=f"{wheels}/{name}",
                        uploaded=f"{WHEELS[name][0]}T00:00:00Z",
                    )
                    for name, record in records.items()
                ),
                Yank(filename=YANKED, reason=YANK_REASON),
            ]
        )
        render(site)
    return records


@dataclass(frozen=True, kw_only=True)
class Form:
    """A way to reach the index, and what was asked of the server, if there is one."""

    name: str
    address: str
    """Of the root cu124."""
    answers: list[Answer] = field(default_factory=list)

    def fetched(self, ending: str) -> list[str]:
        """Names of the files that were sent, by the end of their name."""
        sent = [one for one in self.answers if one.status in (200, 206) and one.size]
        return [one.path.rpartition("/")[2] for one in sent if one.path.endswith(ending)]


@dataclass(frozen=True, kw_only=True)
class Sites:
    web: Path
    drive: Path
    records: Mapping[str, Record]


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Sites:
    place = tmp_path_factory.mktemp("sites")
    web, drive = place / "site", place / "My Drive/gpu wheels"
    records = make_site(web, layout="web")
    make_site(drive, layout="drive")
    return Sites(web=web, drive=drive, records=records)


@pytest.fixture(params=["json", "html", "file"])
def form(request: pytest.FixtureRequest, sites: Sites) -> Iterator[Form]:
    if request.param == "file":
        address = f"{sites.drive.as_uri()}/cu124"
        assert "%20" in address
        assert " " not in address
        yield Form(name="file", address=address)
        return
    answers: list[Answer] = []
    folder = sites.web if request.param == "json" else sites.drive
    with Server(folder, said=answers.append) as server:
        yield Form(name=request.param, address=f"{server.url}/cu124/", answers=answers)
    pages = [one for one in answers if one.path.endswith("/tiny-gpu/") and one.status == 200]
    wanted = JSON_TYPE if request.param == "json" else "text/html; charset=utf-8"
    assert {one.content_type for one in pages} == {wanted}


@dataclass(frozen=True, kw_only=True)
class Client:
    """An installer with an environment of its own, which knows no index but ours."""

    name: str
    python: Path
    command: tuple[str, ...]
    env: dict[str, str]

    def run(self, *arguments: str | Path, fine: bool = True) -> str:
        done = subprocess.run(
            [*self.command, *map(str, arguments)],
            env=self.env,
            cwd=self.python.parent,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert (done.returncode == 0) is fine, done.stdout
        return done.stdout

    def install(self, form: Form, *arguments: str | Path, fine: bool = True) -> str:
        return self.run("install", "--index-url", form.address, *arguments, fine=fine)

    def installed(self) -> dict[str, str]:
        folder = next(self.python.parent.parent.glob("lib/python*/site-packages"))
        return dict(path.stem.split("-") for path in folder.glob("tiny_*.dist-info"))


@dataclass(frozen=True, kw_only=True)
class Machine:
    """How this machine makes environments: its own index, and uv."""

    uv: Path
    env: dict[str, str]
    place: Path

    def environment(self, name: str, *packages: str) -> Path:
        python = self.place / name / "bin/python"
        self._uv("venv", "-q", "--python", sys.executable, self.place / name)
        if packages:
            self._uv("pip", "install", "-q", "--python", python, *packages)
        return python

    def clean(self, python: Path) -> None:
        self._uv("pip", "uninstall", "-q", "--python", python, "tiny-gpu", "tiny-base")

    def _uv(self, *arguments: str | Path) -> None:
        subprocess.run([self.uv, *arguments], env=self.env, check=True)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    place = tmp_path_factory.mktemp("clients")
    settings = read_pip_settings(dict(os.environ))
    env = base_variables(os.environ, home=place, bin_folder=None)
    env |= uv_variables(settings, cache=place / "uv")
    return Machine(uv=find_uv(Cache.default(), Silent()), env=env, place=place)


CLIENTS = (f"pip {COLAB_PIP}", f"pip {PIP_VERSION}", "uv")


@pytest.fixture(scope="module")
def environments(machine: Machine) -> dict[str, Client]:
    """Filled as clients are first asked for; each environment is made once."""
    return {}


@pytest.fixture(params=CLIENTS)
def client(
    request: pytest.FixtureRequest, machine: Machine, environments: dict[str, Client]
) -> Client:
    return get_client(request.param, machine, environments)


def get_client(name: str, machine: Machine, environments: dict[str, Client]) -> Client:
    if name not in environments:
        environments[name] = make_client(name, machine)
    machine.clean(environments[name].python)
    return environments[name]


def make_client(name: str, machine: Machine) -> Client:
    env = base_variables(os.environ, home=machine.place, bin_folder=None)
    if name == "uv":
        python = machine.environment("with-uv")
        told = {"UV_NO_CACHE": "1", "UV_NO_CONFIG": "1", "UV_PYTHON": str(python)}
        return Client(name=name, python=python, command=(str(machine.uv), "pip"), env=env | told)
    version = name.removeprefix("pip ")
    python = machine.environment(f"with-pip-{version}", f"pip=={version}")
    told = pip_variables(read_pip_settings(dict(os.environ)))
    told.pop("PIP_INDEX_URL", None)
    return Client(name=name, python=python, command=(str(python), "-m", "pip"), env=env | told)


# -- pip and uv ---------------------------------------------------------------------------------


def test_install_pinned_then_upgrade(client: Client, form: Form) -> None:
    """The yanked 1.2 and the 1.3 for another Python are passed over."""
    client.install(form, "tiny-gpu==1.0+cu124")
    assert client.installed() == {"tiny_gpu": "1.0+cu124", "tiny_base": "1.0"}
    client.install(form, "--upgrade", "tiny-gpu")
    assert client.installed() == {"tiny_gpu": "1.1+cu124", "tiny_base": "1.0"}


def test_what_fits_nobody_is_refused(client: Client, form: Form) -> None:
    """Another CUDA's local version is in another root; 1.3 wants a Python nobody has."""
    client.install(form, "tiny-gpu==1.0+cu118", fine=False)
    client.install(form, "tiny-gpu==1.3+cu124", fine=False)
    assert client.installed() == {}


def test_a_yanked_file_is_taken_where_pinned_with_its_reason(client: Client, form: Form) -> None:
    said = client.install(form, "tiny-gpu==1.2+cu124")
    assert client.installed()["tiny_gpu"] == "1.2+cu124"
    assert YANK_REASON in said


def test_require_hashes(client: Client, form: Form, sites: Sites, tmp_path: Path) -> None:
    listed = tmp_path / "requirements.txt"
    gpu = sites.records["tiny_gpu-1.0+cu124-py3-none-any.whl"].sha256
    base = sites.records["tiny_base-1.0-py3-none-any.whl"].sha256
    text = f"tiny-gpu==1.0+cu124 --hash=sha256:{gpu}\ntiny-base==1.0 --hash=sha256:{base}\n"
    listed.write_text(text.replace(gpu, "0" * 64))
    said = client.install(form, "--require-hashes", "-r", listed, fine=False)
    assert "hash" in said.lower()
    assert client.installed() == {}
    listed.write_text(text)
    client.install(form, "--require-hashes", "-r", listed)
    assert client.installed() == {"tiny_gpu": "1.0+cu124", "tiny_base": "1.0"}


def test_a_dry_run_reads_metadata_and_no_wheel(
    client: Client, form: Form, sites: Sites, tmp_path: Path
) -> None:
    report = tmp_path / "report"
    wheel = "tiny_gpu-1.1+cu124-1-py3-none-any.whl"
    if client.name == "uv":
        (tmp_path / "wanted.in").write_text("tiny-gpu\n")
        options = ("--generate-hashes", "--no-header", "--index-url", form.address)
        client.run("compile", "-q", *options, "-o", report, tmp_path / "wanted.in")
        said = report.read_text()
        assert re.findall(r"^[a-z-]+==\S+", said, re.M) == ["tiny-base==1.0", "tiny-gpu==1.1+cu124"]
        assert f"sha256:{sites.records[wheel].sha256}" in said
    else:
        client.install(form, "--dry-run", "--quiet", "--report", report, "tiny-gpu")
        found = {one["metadata"]["name"]: one for one in json.loads(report.read_text())["install"]}
        assert {name: one["metadata"]["version"] for name, one in found.items()} == {
            "tiny_gpu": "1.1+cu124", "tiny_base": "1.0",
        }  # fmt: skip
        archive = found["tiny_gpu"]["download_info"]["archive_info"]
        assert archive["hashes"] == {"sha256": sites.records[wheel].sha256}
    assert client.installed() == {}
    if form.name != "file":
        quoted = wheel.replace("+", "%2B")
        assert f"{quoted}.metadata" in form.fetched(".metadata")
        # Colab's pip fetches what it would install, and nothing it passed over.
        colab = [quoted, "tiny_base-1.0-py3-none-any.whl"]
        assert sorted(form.fetched(".whl")) == (
            sorted(colab) if client.name == f"pip {COLAB_PIP}" else []
        )


@pytest.mark.parametrize("name", CLIENTS[1:])  # Colab's pip has no such option
def test_what_was_published_later_can_be_left_out(
    name: str, machine: Machine, environments: dict[str, Client], form: Form
) -> None:
    """Upload times: uv reads them in both forms; newer pips in JSON alone, not from a folder."""
    client = get_client(name, machine, environments)
    option = "--exclude-newer" if name == "uv" else "--uploaded-prior-to"
    refused = name != "uv" and form.name == "html"
    said = client.install(form, option, "2026-11-05T00:00:00Z", "tiny-gpu", fine=not refused)
    if refused:
        assert "upload" in said
    else:
        unread = name != "uv" and form.name == "file"
        assert client.installed()["tiny_gpu"] == ("1.1+cu124" if unread else "1.0+cu124")


# -- wheels beside the site, and pages of an index with no metadata -----------------------------


@pytest.mark.parametrize("over", ["http", "file"])
def test_wheels_in_a_folder_beside_the_site(client: Client, tmp_path: Path, over: str) -> None:
    site = tmp_path / "my site"
    make_site(site, layout="web", wheels="../wheels")
    beside = folders_beside(site)
    assert beside == {"wheels": tmp_path / "wheels"}
    with Server(site, beside=beside) as server:
        base = server.url if over == "http" else site.as_uri()
        client.install(Form(name=over, address=f"{base}/cu124/"), "tiny-gpu==1.1+cu124")
    assert client.installed() == {"tiny_gpu": "1.1+cu124", "tiny_base": "1.0"}


@pytest.mark.parametrize("name", CLIENTS)
def test_installers_read_the_end_of_a_wheel_where_there_is_no_metadata(
    name: str, machine: Machine, environments: dict[str, Client], sites: Sites
) -> None:
    client = get_client(name, machine, environments)
    pages = {}
    for page in sites.drive.glob("cu124/*/index.html"):
        text = re.sub(r' data-(core|dist-info)-metadata="[^"]*"', "", page.read_text())
        pages[page.relative_to(sites.drive).as_posix()] = text.encode()
    answers: list[Answer] = []
    with Server(sites.drive, extra=pages, said=answers.append) as server:
        form = Form(name="html", address=f"{server.url}/cu124/", answers=answers)
        options = () if name == "uv" else ("--use-feature=fast-deps",)
        client.install(form, "--dry-run", *options, "tiny-gpu")
    statuses = {one.status for one in answers if one.path.endswith(".whl") and one.method == "GET"}
    # Colab's pip then fetches what it would install whole, dry run or not.
    assert statuses == ({200, 206} if name == f"pip {COLAB_PIP}" else {206})
    assert form.fetched(".metadata") == []


# -- one more resolver --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pdm(machine: Machine) -> Path:
    return machine.environment("with-pdm", PDM).with_name("pdm")


def test_pdm_locks_installs_and_upgrades(
    pdm: Path, machine: Machine, form: Form, sites: Sites, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    project.mkdir()

    def run(wanted: str, *arguments: str) -> str:
        (project / "pyproject.toml").write_text(
            "[project]\nname = 'p'\nversion = '0'\nrequires-python = '>=3.11'\n"
            f"dependencies = ['{wanted}']\n"
            f"[[tool.pdm.source]]\nname = 'pypi'\nurl = '{form.address}'\n"
        )
        env = base_variables(os.environ, home=tmp_path, bin_folder=None)
        done = subprocess.run(
            [pdm, *arguments, "--no-self"],
            env=env | {"PDM_CHECK_UPDATE": "0", "PDM_IGNORE_SAVED_PYTHON": "0"},
            cwd=project,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return (project / "pdm.lock").read_text()

    def installed() -> set[str]:
        found = project.glob(".venv/lib/python*/site-packages/tiny_*.dist-info")
        return {path.name.removesuffix(".dist-info") for path in found}

    lock = run("tiny-gpu==1.0+cu124", "install")
    assert f"sha256:{sites.records['tiny_gpu-1.0+cu124-py3-none-any.whl'].sha256}" in lock
    assert installed() == {"tiny_gpu-1.0+cu124", "tiny_base-1.0"}
    lock = run("tiny-gpu", "update")
    assert 'file = "tiny_gpu-1.1+cu124-1-py3-none-any.whl"' in lock
    assert installed() == {"tiny_gpu-1.1+cu124", "tiny_base-1.0"}
    shutil.rmtree(project / ".venv")
    run("tiny-gpu", "install", "--frozen-lockfile")
    assert installed() == {"tiny_gpu-1.1+cu124", "tiny_base-1.0"}

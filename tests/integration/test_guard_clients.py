"""Guards and pasted lines with real installers: pip 24.1.2 (Colab's), the newest pip, and uv."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from index.guard import guard_bytes, missing_guards
from index.ledger import Guard, Settings
from index.lines import Lines, file_url, lines_for, only_here, root_url
from index.model import File
from index.serve import Server

from .client_kit import CLIENTS, PIPS, Client, make_client, site_of, tiny_wheel, write_site

pytestmark = pytest.mark.integration

NAME, VERSION = "opencv-cuda", "4.14.0.94+cu124"
PINNED = f"{NAME}=={VERSION}"
FITS = f"opencv_cuda-{VERSION}-1-cp39-abi3-manylinux_2_17_x86_64.whl"
UNFIT = f"opencv_cuda-{VERSION}-cp27-cp27mu-manylinux_2_17_x86_64.whl"
OLDER = "opencv_cuda-4.13.0.1+cu124-1-cp39-abi3-manylinux_2_17_x86_64.whl"
COMPANION = "4.14.0.93.99+cu124"
SETTINGS = Settings(base_url="https://owner.example/repo")
DRIVE = "My Drive/gpu  wheels' $HOME {x} (ü)"


@pytest.fixture(scope="module", params=CLIENTS)
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return make_client(request.param, tmp_path_factory.mktemp("client"))


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    return tmp_path / "dist"


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    """The guard of a version whose wheels serve every Python."""
    fits = tiny_wheel(tmp_path / "whole", FITS)
    (guard,) = missing_guards([fits], SETTINGS, uploaded="2026-11-02T10:00:00Z")
    return guard


@pytest.fixture
def public(tmp_path: Path) -> Iterator[str]:
    """The public index, with a stranger's package of our name and what Colab brings."""
    place = tmp_path / "public"
    wheels = [
        tiny_wheel(place, "opencv_cuda-0.0.2-py3-none-any.whl", says="stranger"),
        tiny_wheel(place, "opencv_python-4.14.0.94-py3-none-any.whl", says="public"),
        tiny_wheel(place, "ultra-1.0-py3-none-any.whl", "opencv-python"),
    ]
    with Server(extra=site_of(wheels, place)) as server:
        yield f"{server.url}/simple/"


def with_guard(files: list[File], guard: Guard, dist: Path) -> dict[str, bytes]:
    listed = File(
        filename=guard.filename,
        name=guard.name,
        version=guard.version,
        cuda=guard.cuda,
        sha256=guard.sha256,
        size=guard.size,
        url=guard.url,
        uploaded=guard.uploaded,
    )
    data = guard_bytes(guard.name, guard.version, guard.message)
    return site_of([*files, listed], dist, guards={guard.filename: data})


def whose(into: Path) -> str | None:
    module = into / "opencv_cuda.py"
    return module.read_text().split("'")[1] if module.is_file() else None


# -- no wheel fits --------------------------------------------------------------------------


@pytest.mark.parametrize("wheel", [UNFIT, None])
def test_without_a_guard_pip_takes_the_strangers(
    wheel: str | None, client: Client, public: str, dist: Path, tmp_path: Path
) -> None:
    ours = [tiny_wheel(dist, wheel)] if wheel else []
    with Server(extra=site_of(ours, dist)) as server:
        into = tmp_path / "into"
        extra = f"{server.url}/cu124/"
        done = client.install(NAME, public=public, extra=extra, into=into)
        pinned = client.install(PINNED, public=public, extra=extra, into=tmp_path / "pinned")
    assert pinned.returncode != 0, pinned.stdout
    assert whose(tmp_path / "pinned") is None
    if client.is_uv and wheel:  # it looks no further than the first index that has the name
        assert done.returncode != 0, done.stdout
        assert whose(into) is None
    else:
        assert done.returncode == 0, done.stdout
        assert whose(into) == "stranger"


@pytest.mark.parametrize("how", ["http", "file"])
@pytest.mark.parametrize("wanted", [NAME, PINNED])
@pytest.mark.parametrize("older", [False, True], ids=["one version", "an older one fits"])
def test_with_a_guard_everybody_stops_and_says_why(
    how: str,
    wanted: str,
    older: bool,
    client: Client,
    guard: Guard,
    public: str,
    dist: Path,
    tmp_path: Path,
) -> None:
    wheels = [tiny_wheel(dist, name) for name in ([UNFIT, OLDER] if older else [UNFIT])]
    site = with_guard(wheels, guard, dist)
    folder = tmp_path / DRIVE
    write_site(site, folder)
    into = tmp_path / "into"
    with Server(extra=site) as server:
        base = server.url if how == "http" else file_url(folder)
        done = client.install(wanted, public=public, extra=root_url(base, "cu124"), into=into)
    assert done.returncode != 0, done.stdout
    assert whose(into) is None
    said = [line.strip() for line in done.stdout.splitlines()]
    assert f"{NAME} {VERSION}: there is no wheel for this machine." in said
    assert any(line.startswith("This machine: CPython 3.") for line in said)
    for line in guard.message.splitlines():
        assert line.strip() in said
    line = lines_for("https://owner.example/repo/cu124", NAME, VERSION).pip
    assert line in said  # whole, on one line, to be pasted
    assert "Traceback" not in done.stdout


# -- a wheel fits ---------------------------------------------------------------------------


@pytest.fixture
def served(guard: Guard, dist: Path) -> Iterator[Server]:
    with Server(extra=with_guard([tiny_wheel(dist, FITS)], guard, dist)) as server:
        yield server


def untouched(server: Server) -> bool:
    asked = [path for path in server.requests if path.startswith("/files/")]
    assert any(path.startswith(f"/files/{FITS}") for path in asked)
    return not any(path.endswith(".tar.gz") for path in asked)


@pytest.mark.parametrize(
    ("wanted", "hashes"),
    [(NAME, False), (PINNED, False), (PINNED, True)],
    ids=["name", "pinned", "require-hashes"],
)
def test_where_a_wheel_fits_the_guard_is_never_touched(
    wanted: str,
    hashes: bool,
    client: Client,
    served: Server,
    public: str,
    dist: Path,
    tmp_path: Path,
) -> None:
    listed = tmp_path / "requirements.txt"
    sha256 = tiny_wheel(dist, FITS).sha256
    listed.write_text(f"{wanted} --hash=sha256:{sha256}\n" if hashes else f"{wanted}\n")
    into = tmp_path / "into"
    more = ("--require-hashes", "-r", listed) if hashes else ("-r", listed)
    done = client.install(*more, public=public, extra=f"{served.url}/cu124/", into=into)
    assert done.returncode == 0, done.stdout
    assert whose(into) == VERSION
    assert untouched(served)


def test_a_download_takes_the_wheel_alone(
    client: Client, served: Server, public: str, tmp_path: Path
) -> None:
    if client.is_uv:
        listed = tmp_path / "requirements.in"
        listed.write_text(f"{NAME}\n")
        extra = ("--default-index", public, "--index", f"{served.url}/cu124/", "--generate-hashes")
        done = client.run("compile", *extra, listed, cwd=tmp_path)
        assert PINNED in done.stdout
        # Locked with the guard's hash too: who installs elsewhere still gets the message.
        assert done.stdout.count("--hash=sha256:") == 2
    else:
        extra = ("--index-url", public, "--extra-index-url", f"{served.url}/cu124/")
        done = client.run("download", "-d", tmp_path / "got", *extra, NAME, cwd=tmp_path)
        assert [path.name for path in (tmp_path / "got").iterdir()] == [FITS]
    assert done.returncode == 0, done.stdout
    assert untouched(served)


# -- what a guard cannot do -----------------------------------------------------------------


@pytest.mark.parametrize("option", ["--only-binary=:all:", "--prefer-binary"])
def test_who_wants_wheels_only_passes_the_guard_by(
    option: str, client: Client, guard: Guard, public: str, dist: Path, tmp_path: Path
) -> None:
    if client.is_uv and option == "--prefer-binary":
        option = "--no-build"  # uv has no word for it
    into, pinned = tmp_path / "into", tmp_path / "pinned"
    with Server(extra=with_guard([tiny_wheel(dist, UNFIT)], guard, dist)) as server:
        extra = f"{server.url}/cu124/"
        done = client.install(option, NAME, public=public, extra=extra, into=into)
        safe = client.install(option, PINNED, public=public, extra=extra, into=pinned)
    assert safe.returncode != 0, safe.stdout
    assert whose(pinned) is None
    if client.is_uv:
        assert done.returncode != 0, done.stdout
        assert whose(into) is None
    else:
        assert done.returncode == 0, done.stdout
        assert whose(into) == "stranger"


def test_hashes_of_wheels_alone_end_before_the_message(
    client: Client, guard: Guard, public: str, dist: Path, tmp_path: Path
) -> None:
    listed = tmp_path / "requirements.txt"
    listed.write_text(f"{PINNED} --hash=sha256:{tiny_wheel(dist, FITS).sha256}\n")
    into = tmp_path / "into"
    with Server(extra=with_guard([tiny_wheel(dist, UNFIT)], guard, dist)) as server:
        more = ("--require-hashes", "-r", listed)
        done = client.install(*more, public=public, extra=f"{server.url}/cu124/", into=into)
    assert done.returncode != 0, done.stdout
    assert "hash" in done.stdout.lower()
    assert "there is no wheel for this machine" not in done.stdout
    assert whose(into) is None


@pytest.mark.parametrize("client", ["uv"], indirect=True)
def test_uv_resolves_without_building_where_another_machines_wheel_tells_enough(
    client: Client, guard: Guard, public: str, dist: Path, tmp_path: Path
) -> None:
    (tmp_path / "requirements.in").write_text(f"{NAME}\n")
    with Server(extra=with_guard([tiny_wheel(dist, UNFIT)], guard, dist)) as server:
        more = ("--default-index", public, "--index", f"{server.url}/cu124/", "requirements.in")
        done = client.run("compile", *more, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert PINNED in done.stdout.splitlines()  # ours, never the stranger's; installing it says why


def test_told_to_take_no_wheels_the_guard_says_so(
    client: Client, served: Server, public: str, tmp_path: Path
) -> None:
    extra = f"{served.url}/cu124/"
    option = f"--no-binary={NAME}"
    done = client.install(option, NAME, public=public, extra=extra, into=tmp_path / "into")
    assert done.returncode != 0
    assert "the installer was told to take no wheel (--no-binary)" in done.stdout


# -- the lines, as pasted -------------------------------------------------------------------


@pytest.fixture(params=["drive", "web"])
def lines(
    request: pytest.FixtureRequest, guard: Guard, dist: Path, tmp_path: Path
) -> Iterator[Lines]:
    """The lines of a package with a companion; a folder with all that can go wrong in its name."""
    ours = tiny_wheel(dist, FITS, f"opencv-python=={COMPANION}")
    name = f"opencv_python-{COMPANION}-py3-none-any.whl"
    companion = tiny_wheel(dist, name, PINNED, says="companion")
    site = with_guard([ours, companion], guard, dist)
    assert ours.record is not None
    also = only_here(ours.record.metadata)
    assert also == (f"opencv-python=={COMPANION}",)
    write_site(site, tmp_path / DRIVE)
    with Server(tmp_path / DRIVE) as server:
        base = file_url(tmp_path / DRIVE) if request.param == "drive" else server.url
        yield lines_for(root_url(base, "cu124"), NAME, VERSION, also=also)


@pytest.mark.parametrize("client", PIPS, indirect=True)
def test_pips_lines_as_pasted(client: Client, lines: Lines, public: str, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(lines.requirements)
    pasted = (lines.pip, lines.pip_environment, "pip install -r requirements.txt")
    for number, line in enumerate(pasted):
        into = tmp_path / f"into {number}"
        told = client.told(PIP_INDEX_URL=public, PIP_TARGET=str(into))
        done = told.shell(line, cwd=tmp_path)
        assert done.returncode == 0, (line, done.stdout)
        assert whose(into) == VERSION, line


@pytest.mark.parametrize("client", ["uv"], indirect=True)
def test_uvs_lines_as_pasted(client: Client, lines: Lines, public: str, tmp_path: Path) -> None:
    told = client.told(UV_DEFAULT_INDEX=public)
    done = told.shell(f"{lines.uv} --target into", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert whose(tmp_path / "into") == VERSION
    (tmp_path / "requirements.txt").write_text(lines.requirements)
    line = "uv pip install --target again -r requirements.txt"
    done = told.shell(line, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert whose(tmp_path / "again") == VERSION


@pytest.mark.parametrize("client", ["uv"], indirect=True)
def test_uvs_project_as_pasted(client: Client, lines: Lines, public: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project]\nname = "mine"\nversion = "1"\nrequires-python = ">=3.11"\n'
        f'dependencies = ["ultra"]\n\n{lines.uv_project}'
    )
    told = client.told(UV_DEFAULT_INDEX=public)
    line = lines.uv_project.splitlines()[0].removeprefix("# then: ")
    assert line.startswith("uv add ")
    done = told.shell(line, cwd=project)
    assert done.returncode == 0, done.stdout
    (installed,) = (project / ".venv/lib").glob("python3*/site-packages")
    assert whose(installed) == VERSION
    # What asks for the CPU build gets the companion, though only our package is ours by name.
    assert "companion" in (installed / "opencv_python.py").read_text()
    assert (installed / "ultra.py").is_file()

"""What is new upstream: an index, package lists and Colab's lists in folders; pins renewed."""

from __future__ import annotations

import functools
import hashlib
import io
import itertools
import json
import lzma
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from builder.cli.main import cli
from builder.fetch.pipconfig import PipSettings
from builder.fetch.pypi import Offer
from builder.fetch.settings import FetchSettings
from builder.outdated.colab import hold_against, read_colab
from builder.outdated.compare import (
    DebianFile,
    debian_order,
    newer_package,
    newer_release,
    newest_pythons,
    newest_toolkits,
)
from builder.outdated.look import Found, look
from builder.outdated.pins import Pin, all_pins, places
from builder.outdated.redist import archive_pins, newer_manifests
from builder.outdated.upstream import Upstream as Asked
from builder.outdated.write import renewed, write
from builder.paths import Cache
from builder.targets import load_targets
from builder.ui import Silent

HERE = Path(__file__)
ORIG = "pool/main/t/tool/tool_{0}.orig.tar.xz"


def offers(*names: str, yanked: str | None = None) -> list[Offer]:
    return [
        Offer(filename=name, url=f"https://index.invalid/{name}", sha256="a" * 64, yanked=yanked)
        for name in names
    ]


def pin(version: str, filename: str, **changes: Any) -> Pin:
    made = Pin(path=HERE, kind="pypi", name="thing", version=version, filename=filename)
    return replace(made, **changes)


# -- comparing ----------------------------------------------------------------------------------


def test_a_release_of_the_pins_kind_within_its_line() -> None:
    mine = pin("1.2.0", "thing-1.2.0.tar.gz")
    files = offers(
        *("thing-1.2.0.tar.gz", "thing-1.9.0.tar.gz", "thing-2.0.0.tar.gz", "thing-0.9.tar.gz"),
        *("thing-1.10.0rc1.tar.gz", "thing-1.11.0-py3-none-any.whl", "no version at all.tar.gz"),
    )  # fmt: skip
    files += offers("thing-1.9.5.tar.gz", yanked="broken")
    found = newer_release(mine, files, keep=1)
    assert found is not None
    assert (found.version, found.beyond) == ("1.9.0", "2.0.0")
    assert found.artifact is not None
    assert found.artifact.source == "pypi:thing==1.9.0"
    assert found.artifact.filename == "thing-1.9.0.tar.gz"
    inside = newer_release(mine, files, keep=3)
    assert inside is not None
    assert (inside.version, inside.beyond) == (None, "2.0.0")
    assert newer_release(replace(mine, version="2.0.0"), files, keep=1) is None


def test_a_wheel_is_renewed_by_one_for_the_same_interpreter_and_machine() -> None:
    mine = pin("2.0.2", "thing-2.0.2-cp39-cp39-manylinux_2_17_x86_64.whl")
    files = offers(
        "thing-2.1.0-cp310-cp310-manylinux_2_17_x86_64.whl",
        "thing-2.1.0-cp39-cp39-manylinux_2_17_aarch64.whl",
        "thing-2.1.0-cp39-cp39-win_amd64.whl",
        "thing-2.0.9-cp39-cp39-manylinux_2_28_x86_64.whl",
    )
    found = newer_release(mine, files, keep=1)
    assert found is not None
    assert found.version == "2.0.9"


def test_how_debian_orders_versions() -> None:
    ordered = [
        "1.0~~", "1.0~~a", "1.0~", "1.0", "1.0-1", "1.0-1+b1", "1.0-1+deb12u1", "1.0-1+deb12u2",
        "1.0-2", "1.0a", "1.0+git2018", "1.0.1", "1.2", "1.10",
    ]  # fmt: skip
    assert sorted(ordered, key=debian_order) == ordered
    for one, other in itertools.pairwise(ordered):
        assert debian_order(one) < debian_order(other), (one, other)


@given(st.text("0123456789abz+.~-", min_size=1, max_size=12))
def test_every_version_has_a_place(text: str) -> None:
    assert debian_order(text) == debian_order(f"1:{text}")
    assert debian_order(f"{text}~") < debian_order(text)


def debian(name: str, version: str, path: str = ORIG) -> DebianFile:
    plain = version.rpartition(":")[2]
    told = path.format(plain.rpartition("-")[0] or plain)
    return DebianFile(name=name, version=version, path=told, sha256="b" * 64, size=7)


def test_a_source_of_debians_stays_within_upstreams_first_number() -> None:
    mine = Pin(
        path=HERE, kind="debian-source", name="tool", version="5.1.9",
        filename="tool_5.1.9.orig.tar.xz", source="debian:" + ORIG.format("5.1.9"),
    )  # fmt: skip
    listed = [debian("tool", "7:5.1.9-0+deb12u2"), debian("tool", "7:5.1.12-0+deb12u1"),
              debian("tool", "7:7.1.5-1"), debian("other", "9.0-1")]  # fmt: skip
    found = newer_package(mine, listed)
    assert found is not None
    assert (found.version, found.beyond) == ("5.1.12", "7.1.5")
    assert found.artifact is not None
    assert found.artifact.filename == "tool_5.1.12.orig.tar.xz"
    assert newer_package(mine, listed[:1]) is None


def test_a_toolkits_package_stays_that_toolkit() -> None:
    path = "pool/non-free/n/kit/kit_{0}_amd64.deb"
    mine = Pin(path=HERE, kind="debian", name="kit", version="11.8.89~11.8.0-5~deb12u1")
    listed = [
        debian("kit", "11.8.89~11.8.0-5~deb12u2", path),
        debian("kit", "12.4.131~12.4.1-2", path),
    ]
    found = newer_package(mine, listed)
    assert found is not None
    assert (found.version, found.beyond) == ("11.8.89~11.8.0-5~deb12u2", "12.4.131~12.4.1-2")


def test_pythons_and_toolkits_that_are_no_targets() -> None:
    files = offers(
        *(f"numpy-2.5.0-cp3{minor}-cp3{minor}-manylinux_2_28_x86_64.whl" for minor in (13, 14, 15)),
        "numpy-2.5.0-cp315-cp315t-manylinux_2_28_x86_64.whl",
        "numpy-2.6.0rc1-cp316-cp316-manylinux_2_28_x86_64.whl",
    )
    assert newest_pythons(files, ("3.9", "3.14")) == ("3.15",)
    kits = offers("cuda_toolkit-13.0.2-py3-none-any.whl", "cuda_toolkit-13.1.0-py3-none-any.whl")
    assert newest_toolkits(kits, ("12.4", "13.0")) == ("13.1",)


def archive_of_nvidias(root: Path, **listed: tuple[str, ...]) -> FetchSettings:
    """A stand-in for NVIDIA's archive, its folders listed as NVIDIA lists them."""
    for product, versions in listed.items():
        folder = root / product / "redist"
        folder.mkdir(parents=True)
        names = [f"redistrib_{one}.json" for one in versions]
        links = "".join(f"<a href='{name}'>{name}</a><br>" for name in ("..", *names, "cuda_nvcc/"))
        (folder / "index.html").write_text(f"<html><body>{links}</body></html>")
    return FetchSettings(nvidia_mirror=root.as_uri(), attempts=1)


def test_newer_manifests_of_nvidias_archive(tmp_path: Path) -> None:
    settings = archive_of_nvidias(
        tmp_path, cuda=("11.8.0", "12.6.3", "12.6.10", "12.9.1", "13.2.0"), cudnn=("9.30.0",)
    )
    asked, pins = Asked(settings), archive_pins()
    assert {("nvidia-cuda-redist", "12.6.3"), ("nvidia-cudnn-redist", "9.10.0")} <= {
        (one.name, one.version) for one in pins
    }
    found = newer_manifests(pins, places(), asked, settings)
    told = {(one.pin.name, one.pin.version): (one.version, one.beyond) for one in found}
    assert told["nvidia-cuda-redist", "12.6.3"] == ("12.6.10", "13.2.0")
    assert told["nvidia-cuda-redist", "12.9.1"] == (None, "13.2.0")
    assert told["nvidia-cudnn-redist", "9.10.0"] == (None, "9.30.0")
    assert not asked.refusals
    first = next(one for one in found if one.version == "12.6.10")
    (left,) = write([first], cache=Cache(root=tmp_path / "c"), reporter=Silent(), settings=settings)
    assert (left.done, "by hand" in left.note) == (False, True)
    gone = FetchSettings(nvidia_mirror=(tmp_path / "nowhere").as_uri(), attempts=1)
    asked = Asked(gone)
    assert newer_manifests(pins, places(), asked, gone) == []
    assert sorted(asked.refusals) == [
        "NVIDIA's archive (nvidia-cuda-redist)",
        "NVIDIA's archive (nvidia-cudnn-redist)",
    ]


# -- Colab --------------------------------------------------------------------------------------

FREEZE = """# a comment
torch @ file:///somewhere
nvidia-cudnn-cu12==9.19.0.56
nvidia-cublas-cu12==12.8.4.1
numpy==2.1.3
torch==2.11.0+cu128
"""


def test_colab_fits_or_not() -> None:
    table = load_targets()
    colab = read_colab(FREEZE, "Ubuntu 22.04.5 LTS\nPython 3.13.15\n")
    assert (colab.python, colab.cuda) == ("3.13", "cu128")
    fine = {("wheel", "cu124"): ("nvidia-cudnn-cu12>=9.1,<10", "numpy>=9")}
    assert hold_against(colab, table, fine) == ()
    bad = {
        ("wheel", "cu124"): ("nvidia-cudnn-cu12>=9.20,<10",),
        ("wheel", "cu118"): ("nvidia-cudnn-cu12<1",),
    }
    assert hold_against(colab, table, bad) == (
        "wheel for cu124: it requires nvidia-cudnn-cu12>=9.20,<10, and Colab has "
        "nvidia-cudnn-cu12 9.19.0.56",
    )
    (new,) = hold_against(replace(colab, python="3.77"), table, fine)
    assert "Python 3.77, which is no target" in new
    assert "verified, not compiled" in new
    assert len(hold_against(read_colab("", ""), table, fine)) == 2, "what it does not say is said"


# -- a look, and what is written ----------------------------------------------------------------


@functools.cache  # its bytes have the time in them
def archive(version: str) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as file:
        info = tarfile.TarInfo(f"thing-{version}/setup.cfg")
        info.size = len(version)
        file.addfile(info, io.BytesIO(version.encode()))
    return data.getvalue()


class Upstream:
    """A package index, a Debian archive and Colab's lists, in folders."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.recipe = root / "recipes/thing-cuda/recipe.toml"
        self.release("1.0.5")
        self.recipe.parent.mkdir(parents=True)
        self.recipe.write_text(
            'schema = 1\nname = "thing-cuda"  # stays\nversion = "1.0.5"\nrevision = 3\n'
            'summary = "x"\n[[source]]\nname = "thing"\n# why this one\n'
            'source = "pypi:thing==1.0.5"\nfilename = "thing-1.0.5.tar.gz"\n'
            f'sha256 = "{hashlib.sha256(archive("1.0.5")).hexdigest()}"\nsize = 1\n'
            'into = "sources/thing"\npatches = ["patches/1.patch"]\n'
            '[[companion]]\nname = "thing"\nversion = "1.0.4.99"\n'
            '[[source]]\nname = "tool"\n'
            'source = "debian:pool/main/t/tool/tool_5.1.orig.tar.xz@20260102T030405Z"\n'
            f'filename = "tool_5.1.orig.tar.xz"\nsha256 = "{"c" * 64}"\ninto = "sources/tool"\n'
            '[tests]\nrequires = ["pytest==9.0"]\n'
        )

    def release(self, version: str) -> None:
        folder = self.root / "index/thing"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"thing-{version}.tar.gz").write_bytes(archive(version))
        names = sorted(path.name for path in folder.glob("*.tar.gz"))
        digest = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
        links = [f'<a href="{name}#sha256={digest[name]}">{name}</a>' for name in names]
        (folder / "index.html").write_text("\n".join(links))

    def tool(self, version: str) -> None:
        """A new upstream version in every suite asked."""
        data = f"tool {version}".encode()
        name = f"tool_{version}.orig.tar.xz"
        place = self.root / "debian/pool/main/t/tool"
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)
        text = (
            f"Package: other\nVersion: 1\n\nPackage: tool\nVersion: 7:{version}-1\n"
            f"Directory: pool/main/t/tool\nChecksums-Sha256:\n"
            f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}\n {'d' * 64} 3 {name}.asc\n"
        )
        for suite in places().debian.suites:
            root = self.root / ("debian-security" if suite.endswith("-security") else "debian")
            sources = root / f"dists/{suite}/main/source/Sources.xz"
            sources.parent.mkdir(parents=True, exist_ok=True)
            sources.write_bytes(lzma.compress(text.encode()))

    @property
    def settings(self) -> FetchSettings:
        return FetchSettings(
            debian_mirrors=((self.root / "debian").as_uri(),),
            apt=self.root / "no-apt",
            pip=PipSettings(indexes=((self.root / "index").as_uri(),)),
            attempts=1,
        )

    def look(self) -> Found:
        return look([self.recipe.parent], settings=self.settings, own=False)


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    made = Upstream(tmp_path)
    made.tool("5.1")
    return made


def test_nothing_new_and_something_out_of_reach(upstream: Upstream) -> None:
    found = upstream.look()
    assert (found.pins, found.newer, found.news) == (3, (), ())
    assert list(found.refusals) == ["pypi:pytest"], "no page of the index has it"
    assert not found.outdated


def test_a_new_release_is_found_and_written_with_its_hash(
    upstream: Upstream, tmp_path: Path
) -> None:
    upstream.release("1.1.7")
    upstream.release("2.0.0")
    upstream.tool("5.3")
    found = upstream.look()
    assert [(one.pin.name, one.version, one.beyond) for one in found.newer] == [
        ("tool", "5.3", None),
        ("thing", "1.1.7", "2.0.0"),
    ]
    done = write(
        found.newer,
        cache=Cache(root=tmp_path / "cache"),
        reporter=Silent(),
        settings=upstream.settings,
    )
    assert [one.done for one in done] == [True, True], done
    text = upstream.recipe.read_text()
    assert 'name = "thing-cuda"  # stays' in text
    assert "# why this one" in text
    assert 'version = "1.1.7"' in text
    assert 'source = "pypi:thing==1.1.7"' in text
    assert hashlib.sha256(archive("1.1.7")).hexdigest() in text
    assert f"size = {len(archive('1.1.7'))}" in text
    assert "revision = 1" in text, "a new version begins again"
    assert 'version = "1.1.6.99"' in text
    assert 'filename = "tool_5.3.orig.tar.xz"' in text
    assert "patches may not apply" in done[1].note
    again = upstream.look()
    assert [one.version for one in again.newer] == [None], "only what lies beyond is left"
    before = upstream.recipe.read_bytes()
    left = write(
        again.newer, cache=Cache(root=tmp_path / "c"), reporter=Silent(), settings=upstream.settings
    )
    assert not left[0].done
    assert "for a person to make" in left[0].note
    assert upstream.recipe.read_bytes() == before


def test_what_cannot_be_fetched_stays_as_it_is(upstream: Upstream, tmp_path: Path) -> None:
    upstream.release("1.2.0")
    found = upstream.look()
    (upstream.root / "index/thing/thing-1.2.0.tar.gz").write_bytes(b"other bytes")
    before = upstream.recipe.read_bytes()
    (one,) = write(
        found.newer, cache=Cache(root=tmp_path / "c"), reporter=Silent(), settings=upstream.settings
    )
    assert not one.done
    assert upstream.recipe.read_bytes() == before


def test_tools_requirements_and_packages_of_toolchains_are_written_too(tmp_path: Path) -> None:
    from builder.outdated.pins import Newer

    tool = Pin(path=HERE, kind="tool", name="auditwheel", version="6.8.2")
    text, note = renewed(
        '[tools]\n# why\nauditwheel = "6.8.2"\n', Newer(pin=tool, version="6.9"), None
    )
    assert text == '[tools]\n# why\nauditwheel = "6.9"\n'
    assert "pyproject.toml" in note
    asked = Pin(path=HERE, kind="requirement", name="pytest", version="9.0")
    text, _ = renewed('requires = ["pytest==9.0"]', Newer(pin=asked, version="9.1"), None)
    assert text == 'requires = ["pytest==9.1"]'


def test_every_pin_of_this_project_is_seen() -> None:
    root = HERE.parents[3]
    pins = all_pins(sorted(path.parent for path in root.glob("recipes/*/recipe.toml")), places())
    found = {(one.kind, one.name) for one in pins}
    assert {
        ("pypi", "opencv-contrib-python"),
        ("debian-source", "darknet"),
        ("debian", "nvidia-cuda-toolkit"),
        ("pypi", "nvidia-cudnn-cu12"),
        ("pypi", "scikit-build-core"),
        ("tool", "auditwheel"),
        ("requirement", "pytest"),
    } <= found
    assert ("debian", "gcc-10") not in found, "the host compiler stays Debian 11's"


def test_the_command(upstream: Upstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def run(*words: str) -> Result:
        before = ["--cache-dir", str(tmp_path / "cache"), "--recipes", str(tmp_path / "recipes")]
        return CliRunner().invoke(cli, [*before, "-q", "outdated", *words], standalone_mode=False)

    settings = upstream.settings
    monkeypatch.setattr(FetchSettings, "from_environment", classmethod(lambda cls: settings))
    summary = tmp_path / "summary.md"
    done = run("--recipe", "thing-cuda", "--exit-code")
    assert (done.exception, done.return_value) == (None, 0)
    upstream.release("1.2.0")
    done = run("--recipe", "thing-cuda", "--exit-code", "--summary", str(summary))
    assert done.return_value == 11
    assert "not asked: pypi:pytest" in done.output
    assert "| thing | thing-cuda/recipe.toml | 1.0.5 | 1.2.0 | - |" in summary.read_text()
    told = json.loads(run("--recipe", "thing-cuda", "--json").output)
    assert told["schema_version"] == 1
    assert told["newer"][0]["newer"] == "1.2.0"
    assert list(told["not_asked"]) == ["pypi:pytest"]
    assert "renewed to 1.2.0" in run("--recipe", "thing-cuda", "--write").output
    assert run("--recipe", "nothing").exception is not None


@pytest.mark.parametrize(
    ("ending", "data", "said"),
    [
        ("xz", lzma.compress(b"Version: 1\nFilename: x\nSHA256: y\nSize: 1\n"), "Package"),
        (
            "gz",
            b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xff\xff\xff\xff\xff\xff",
            "Packages.gz",
        ),
    ],
    ids=["a paragraph without a name", "a damaged archive"],
)
def test_a_bad_mirror_is_a_refusal_and_the_next_one_is_asked(
    tmp_path: Path, ending: str, data: bytes, said: str
) -> None:
    path = "dists/bookworm/main/binary-amd64"
    for name, kind, content in (
        ("bad", ending, data),
        ("good", "xz", lzma.compress(b"Package: p\nVersion: 1\nFilename: x\nSHA256: y\nSize: 1\n")),
    ):
        (tmp_path / name / path).mkdir(parents=True)
        (tmp_path / name / path / f"Packages.{kind}").write_bytes(content)
    mirrors = tuple((tmp_path / name).as_uri() for name in ("bad", "good"))
    for asked, found in ((mirrors, ["p"]), (mirrors[:1], [])):
        settings = FetchSettings(debian_mirrors=asked, apt=tmp_path / "none", attempts=1)
        upstream = Asked(settings)
        files = upstream.package_lists(["bookworm"], [("main", "binary-amd64")])
        assert [file.name for file in files] == found
        assert bool(upstream.refusals) is not bool(found)
        assert found or said in upstream.refusals[f"debian:{path}/Packages"]

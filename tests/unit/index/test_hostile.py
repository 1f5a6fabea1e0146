"""Files that lie: each is refused with a word about it, and nothing of the site is changed."""

from __future__ import annotations

import json
import os
import random
import zipfile
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from index.errors import EntryError, SiteError
from index.ledger import LEDGER_NAME
from index.records import Record, read_record, record_path, write_record
from index.site.add import Added, add_wheels, build_folder
from index.site.change import remove, yank
from index.site.disk import read_state
from index.site.finish import finish
from index.site.placing import placing
from index.wheels import METADATA_LIMIT, record_of_wheel
from tests.index_kit import TIME, opened, tree

Make = Callable[..., Path]
TINY = "tiny_gpu-1.0+cu118-1-py3-none-any.whl"


def add(folder: Path, *wheels: Path) -> Added:
    with opened(folder) as site:
        added = add_wheels(site, wheels, placing(folder / "site", uploaded=TIME))
        finish(site, uploaded=TIME)
    return added


def build(folder: Path) -> Added:
    with opened(folder) as site:
        added = build_folder(site, folder / "dist", placing(folder / "site", uploaded=TIME))
        finish(site, uploaded=TIME)
    return added


def refused(folder: Path, message: str, *wheels: Path) -> SiteError:
    """By `add` and by `build`, and neither leaves anything in the site."""
    with opened(folder):
        before = tree(folder / "site")
    with pytest.raises(SiteError, match=message) as caught:
        add(folder, *wheels)
    with pytest.raises(SiteError, match=message):
        build(folder)
    assert _quiet(tree(folder / "site")) == _quiet(before)
    return caught.value


def _quiet(site: dict[str, bytes]) -> dict[str, bytes]:
    """A site, where a ledger of nothing is as good as none."""
    empty = {LEDGER_NAME: b""}
    return {
        path: data
        for path, data in site.items()
        if not (path.startswith("ledger") and (data == empty.get(path) or b'"count": 0' in data))
    }


# -- what is right goes in ------------------------------------------------------------------


def test_a_right_wheel_lies_beside_its_metadata_and_is_written_once(
    make_wheel: Make, tmp_path: Path
) -> None:
    wheel = make_wheel(TINY)
    record = record_of_wheel(wheel)
    assert add(tmp_path, wheel).count == 1
    site = tmp_path / "site"
    assert (site / "files" / TINY).read_bytes() == wheel.read_bytes()
    assert (site / "files" / f"{TINY}.metadata").read_text() == record.metadata
    before = {path: path.stat().st_mtime_ns for path in site.rglob("*") if path.is_file()}
    assert add(tmp_path, wheel).same == 1
    assert build(tmp_path).same == 1
    assert {path: path.stat().st_mtime_ns for path in site.rglob("*") if path.is_file()} == before


def test_removed_bytes_may_come_back_and_others_never(make_wheel: Make, tmp_path: Path) -> None:
    wheel = make_wheel(TINY)
    add(tmp_path, wheel)
    with opened(tmp_path) as site:
        remove(site, [TINY], "by mistake")
        finish(site, uploaded=TIME)
    assert TINY not in (tmp_path / "site/cu118/tiny-gpu/index.html").read_text()
    assert build(tmp_path).removed == (TINY,)  # a folder does not bring back what was removed
    make_wheel(TINY, members={"new.py": b"other"})
    with pytest.raises(SiteError, match="other bytes"):
        add(tmp_path, wheel)
    make_wheel(TINY)
    wheel.write_bytes((tmp_path / "site/files" / TINY).read_bytes())
    assert add(tmp_path, wheel).count == 1
    assert (tmp_path / "site/cu118/tiny-gpu/index.html").is_file()


def test_other_bytes_under_a_published_name_are_refused(make_wheel: Make, tmp_path: Path) -> None:
    add(tmp_path, make_wheel(TINY))
    refused(tmp_path, "other bytes", make_wheel(TINY, members={"new.py": b"other"}))


def test_other_bytes_of_the_old_size_and_time_are_noticed(make_wheel: Make, tmp_path: Path) -> None:
    wheel = make_wheel(TINY)
    build(tmp_path)
    found = wheel.stat()
    data = bytearray(wheel.read_bytes())
    data[-30] ^= 1
    wheel.write_bytes(data)
    os.utime(wheel, ns=(found.st_atime_ns, found.st_mtime_ns))
    refused(tmp_path, "other bytes", wheel)


def build_and_change(make_wheel: Make, tmp_path: Path, when: int) -> Path:
    """Build a site of three wheels, one of which changes when all were read, or all copied."""
    wheel = make_wheel(TINY)
    make_wheel("other-1.0-py3-none-any.whl")
    make_wheel("zzz-1.0-py3-none-any.whl")
    came = 0

    def change(done: int, total: int | None) -> None:
        nonlocal came
        came += done == total
        if done == total and came == when:
            make_wheel(TINY, members={"new.py": b"other"})

    place = placing(tmp_path / "site", uploaded=TIME)
    with opened(tmp_path) as site:
        build_folder(site, tmp_path / "dist", place, step=change)
    return wheel


def test_a_wheel_changed_while_others_are_copied_is_noticed_the_next_time(
    make_wheel: Make, tmp_path: Path
) -> None:
    wheel = build_and_change(make_wheel, tmp_path, 2)
    refused(tmp_path, "other bytes", wheel)


def test_a_wheel_changed_before_it_is_copied_is_noticed_at_once(
    make_wheel: Make, tmp_path: Path
) -> None:
    with pytest.raises(EntryError, match="changed while it was read"):
        build_and_change(make_wheel, tmp_path, 1)
    assert not list((tmp_path / "site").rglob("*.whl"))
    assert sorted(build(tmp_path).added)[-1] == "zzz-1.0-py3-none-any.whl", "as it is now"


def test_a_missing_wheel_stops_a_build_by_name(make_wheel: Make, tmp_path: Path) -> None:
    wheel, other = make_wheel(TINY), make_wheel("other-1.0-py3-none-any.whl")
    build(tmp_path)
    before = tree(tmp_path / "site")
    wheel.unlink()
    with pytest.raises(EntryError, match=TINY.replace("+", r"\+")) as caught:
        build(tmp_path)
    assert other.name not in str(caught.value)
    assert tree(tmp_path / "site") == before


# -- names ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "filename",
    [
        "<script>alert(1)<-1.0-py3-none-any.whl",
        "a\"onclick=b-1.0-py3-none-any.whl",
        "a'b-1.0-py3-none-any.whl",
        "a%2fb-1.0-py3-none-any.whl",
        "..%2f..%2fb-1.0-py3-none-any.whl",
        "a\\b-1.0-py3-none-any.whl",
        "a\nb-1.0-py3-none-any.whl",
        "a\x1b[2J-1.0-py3-none-any.whl",
        "a b-1.0-py3-none-any.whl",
        "a-1.0\n-py3-none-any.whl",
        "a-1.0+<b>-py3-none-any.whl",
        "a-1.0-1<b>-py3-none-any.whl",
        "a-1.0-py3-none-<b>.whl",
        "a-1.0-py3-none-any\n.whl",
        "a?b=c-1.0-py3-none-any.whl",
        "a#b-1.0-py3-none-any.whl",
        "ореncv_cuda-1.0-py3-none-any.whl",  # Cyrillic letters that look like Latin ones
        "ｏpencv_cuda-1.0-py3-none-any.whl",  # full width
        "opencv_cuda\u200b-1.0-py3-none-any.whl",  # zero width
        "opencv_cuda-１.0-py3-none-any.whl",  # another script's digit
        "\u202egpj.ucne-1.0-py3-none-any.whl",  # right to left
        "..-1.0-py3-none-any.whl",
        ".-1.0-py3-none-any.whl",
        "_-1.0-py3-none-any.whl",
        "_a-1.0-py3-none-any.whl",
        "a_-1.0-py3-none-any.whl",
        "a-v1.0.0_1-py3-none-any.whl",
        "a-1.0.whl",
        "a.whl",
        ".whl",
        "a-1.0-py3-none-any-more-and-more.whl",
        "a" * 230 + "-1.0-py3-none-any.whl",
    ],
)  # fmt: skip
def test_a_name_that_could_do_harm_is_refused(tmp_path: Path, filename: str) -> None:
    path = tmp_path / "dist" / filename
    path.parent.mkdir()
    stem = filename.removesuffix(".whl")
    name, _, version = "-".join(stem.split("-")[:2]).partition("-")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            zipfile.ZipInfo(f"{name}-{version}.dist-info/METADATA"),
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        )
    error = refused(tmp_path, "whl", path)
    assert not set(error.message) & {"\x1b", "\u202e", "\u200b"}


def test_a_name_of_no_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    path = tmp_path / "dist" / os.fsdecode(b"a\xff-1.0-py3-none-any.whl")
    try:
        path.write_bytes(b"")
    except OSError:
        pytest.fail("this file system takes no such name; the test needs one that does")
    refused(tmp_path, r"a\\udcff", path)


def test_a_name_with_a_nul_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EntryError, match="not the file name"):
        add(tmp_path, tmp_path / "a\0b-1.0-py3-none-any.whl")


@pytest.mark.parametrize(
    "filename",
    ["Tiny.GPU-1.0+cu118-py3-none-any.whl", "TINY_gpu-1.0.0+cu118-py3-none-any.whl",
     "tiny.gpu-01.0+CU118-py3-none-any.whl"],
)  # fmt: skip
def test_a_name_written_otherwise_is_the_same_project(
    make_wheel: Make, tmp_path: Path, filename: str
) -> None:
    text = "Metadata-Version: 2.1\nName: tiny-GPU\nVersion: 1.0+cu118\n"
    wheel = make_wheel(filename, text=text)
    if wheel.name.startswith("tiny.gpu-01"):
        # 01.0 and +CU118 are other spellings of one version; the record has the normal one.
        assert record_of_wheel(wheel).version == "1.0+cu118"
    add(tmp_path, wheel)
    assert (tmp_path / "site/cu118/tiny-gpu/index.html").is_file()
    plain = make_wheel("tiny_gpu-1.0+cu118-py3-none-any.whl", text=text)
    refused(tmp_path, "differ in (case|spelling) only", plain)


def test_two_files_that_differ_in_case_only_are_refused(make_wheel: Make, tmp_path: Path) -> None:
    one, other = make_wheel("a-1.0-py3-none-any.whl"), make_wheel("A-1.0-py3-none-any.whl")
    refused(tmp_path, "differ in case only", one, other)


@pytest.mark.parametrize("label", ["simple", "files", "project", "assets", "json", "../x", "CU118"])
def test_a_cuda_that_is_a_folder_of_the_site_is_refused(
    make_wheel: Make, tmp_path: Path, label: str
) -> None:
    wheel = make_wheel(TINY)
    write_record(record_of_wheel(wheel).model_copy(update={"cuda": label}), wheel)
    refused(tmp_path, "cannot be the name of an index root", wheel)


@pytest.mark.parametrize("name", ["simple", "files", "project", "assets", "index", "con", "json"])
def test_a_project_may_be_called_like_a_folder(make_wheel: Make, tmp_path: Path, name: str) -> None:
    add(tmp_path, make_wheel(f"{name}-1.0+cu118-py3-none-any.whl"))
    for page in (f"cu118/{name}/index.html", f"project/{name}/index.html", "cu118/index.html"):
        assert (tmp_path / "site" / page).is_file()


# -- wheels ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Name: numpy\nVersion: 1.0+cu118\n", "'numpy'"),
        ("Name: tiny-gpu\nVersion: 9.0+cu118\n", "'9.0"),
        ("Name: tiny-gpu\nVersion: 1.0\n", "'1.0'"),
        ("Name: tiny-gpu\n", "''"),
        ("\nName: tiny-gpu\nVersion: 1.0+cu118\n", "''"),
        ("Name: tiny-gpu\nName: numpy\nVersion: 1.0+cu118\n", "Name twice"),
        ("Name: tiny-gpu\nVersion: 1.0+cu118\nversion: 2\n", "Version twice"),
        ('Name: tiny-gpu\nVersion: 1.0+cu118\nRequires-Python: "><script>\n', "Invalid specifier"),
        (
            "Name: tiny-gpu\nVersion: 1.0+cu118\nRequires-Python: >=3\x0b,<4\x00\n",
            "requires-python|Invalid",
        ),
        ("Name: tiny-gpu\nVersion: 1.0+cu118\n\n" + "0" * METADATA_LIMIT, "longer than"),
    ],
)
def test_lying_metadata_is_refused(
    make_wheel: Make, tmp_path: Path, text: str, message: str
) -> None:
    refused(tmp_path, message, make_wheel(TINY, text=text))


def test_a_bomb_in_metadata_is_not_unpacked(make_wheel: Make, tmp_path: Path) -> None:
    import resource

    wheel = make_wheel(TINY, text="Name: tiny-gpu\n\n" + "0" * 200_000_000)
    assert wheel.stat().st_size < 300_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(EntryError, match="longer than"):
        record_of_wheel(wheel)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 50_000  # KiB


def test_two_metadata_files_are_refused(make_wheel: Make, tmp_path: Path) -> None:
    members = {"tiny_gpu-2.0.dist-info/METADATA": b"Name: tiny-gpu\nVersion: 2.0\n"}
    refused(tmp_path, "2 METADATA", make_wheel(TINY, members=members))


@pytest.mark.parametrize("kept", [0, 10, 100, -60, -22, -1])
def test_a_truncated_wheel_is_refused(make_wheel: Make, tmp_path: Path, kept: int) -> None:
    wheel = make_wheel(TINY)
    wheel.write_bytes(wheel.read_bytes()[:kept])
    refused(tmp_path, "not a readable wheel", wheel)


def test_a_wheel_damaged_anywhere_is_taken_as_it_is_or_refused(
    make_wheel: Make, tmp_path: Path
) -> None:
    """No damage, wherever it is, ends in anything but a record or our own error."""
    wheel = make_wheel(TINY, members={"tiny.py": b"x = 1\n" * 50})
    data, chance, refusals = wheel.read_bytes(), random.Random(7), 0
    for _ in range(1500):
        broken = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        wheel.write_bytes(broken[: chance.choice([None, None, chance.randrange(len(broken))])])
        try:
            record_of_wheel(wheel)
        except EntryError as error:
            refusals += 1
            assert TINY in error.message  # noqa: PT017 -- some of them are readable still
    assert 500 < refusals < 1500


# -- records --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": "0" * 64}, "its record says 0000"),
        ({"size": 1}, r"its record says 1(\n|$)"),
        ({"name": "numpy"}, "name"),
        ({"name": "Tiny_GPU"}, "not a normalised name"),
        ({"version": "2.0+cu118"}, "version"),
        ({"version": " 1.0+cu118"}, "is written '1.0"),
        ({"build_tag": "7"}, "build tag"),
        ({"tags": ["cp313-cp313-any"]}, "tags"),
        ({"requires_python": ">=3.99"}, "requires-python"),
        ({"requires_python": None}, "requires-python"),
        ({"metadata": "Name: numpy\n"}, "METADATA"),
        ({"metadata_sha256": "0" * 64}, "METADATA"),
        ({"filename": "other-1.0-py3-none-any.whl"}, "name"),
        ({"filename": "../" + TINY}, "not the file name"),
        ({"surprise": 1}, "surprise"),
        ({"schema_version": 2}, "schema_version"),
        ({"size": -1}, "size"),
    ],
)
def test_a_record_that_disagrees_with_its_wheel_is_refused(
    make_wheel: Make, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    text = "Metadata-Version: 2.1\nName: tiny-gpu\nVersion: 1.0+cu118\nRequires-Python: >=3.9\n"
    wheel = make_wheel(TINY, text=text)
    facts = record_of_wheel(wheel).model_dump(mode="json") | changes
    record_path(wheel).write_text(json.dumps(facts))
    refused(tmp_path, message, wheel)


def test_a_record_whose_metadata_is_another_one_s_is_refused(
    make_wheel: Make, tmp_path: Path
) -> None:
    """Name, version and hash fit each other, and not the METADATA in the wheel."""
    wheel = make_wheel(TINY)
    facts = record_of_wheel(wheel).model_dump()
    text = facts["metadata"] + "Requires-Dist: evil\n"
    import hashlib

    digest = hashlib.sha256(text.encode()).hexdigest()
    write_record(
        Record.model_validate(facts | {"metadata": text, "metadata_sha256": digest}), wheel
    )
    refused(tmp_path, "its METADATA is not the one in its record", wheel)


def test_a_record_may_not_vouch_for_a_lying_wheel(make_wheel: Make, tmp_path: Path) -> None:
    """Record and wheel agree on METADATA that is another project's."""
    import hashlib

    honest = record_of_wheel(make_wheel(TINY))
    text = "Metadata-Version: 2.1\nName: numpy\nVersion: 1.0+cu118\n"
    wheel = make_wheel(TINY, text=text)
    data = wheel.read_bytes()
    write_record(
        honest.model_copy(
            update={
                "metadata": text,
                "metadata_sha256": hashlib.sha256(text.encode()).hexdigest(),
                "sha256": hashlib.sha256(data).hexdigest(),
                "size": len(data),
            }
        ),
        wheel,
    )
    refused(tmp_path, "its METADATA says 'numpy'", wheel)


@pytest.mark.parametrize("text", ["", "{", "[]", "\0", "<html>", "[" * 100_000])
def test_a_record_that_is_none_is_refused(make_wheel: Make, tmp_path: Path, text: str) -> None:
    wheel = make_wheel(TINY)
    record_path(wheel).write_text(text)
    refused(tmp_path, rf"{TINY.replace('+', '.')}\.json", wheel)


# -- links ----------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["wheel", "record", "folder up", "nothing", "itself"])
def test_a_link_that_leads_out_is_refused(make_wheel: Make, tmp_path: Path, what: str) -> None:
    wheel = make_wheel(TINY)
    record = write_record(record_of_wheel(wheel), wheel)
    outside = tmp_path / "outside"
    outside.mkdir()
    moved = record if what == "record" else wheel
    target = moved.rename(outside / moved.name)
    target = {
        "folder up": Path("..") / "outside" / moved.name,
        "nothing": tmp_path / "nothing",
        "itself": moved,
    }.get(what, target)
    moved.symlink_to(target)
    refused(tmp_path, "outside its folder|no file at|Symlink loop", wheel)


def test_a_link_within_its_folder_is_followed(make_wheel: Make, tmp_path: Path) -> None:
    wheel = make_wheel(TINY)
    real = wheel.rename(wheel.with_name("tiny.bin"))
    wheel.symlink_to(real.name)
    assert add(tmp_path, wheel).count == 1
    placed = tmp_path / "site/files" / TINY
    assert not placed.is_symlink()
    assert placed.read_bytes() == real.read_bytes()


def test_a_folder_or_a_pipe_is_no_wheel(tmp_path: Path) -> None:
    (tmp_path / "dist" / TINY).mkdir(parents=True)
    refused(tmp_path, "no file at", tmp_path / "dist" / TINY)
    (tmp_path / "dist" / TINY).rmdir()
    os.mkfifo(tmp_path / "dist" / TINY)
    refused(tmp_path, "no file at", tmp_path / "dist" / TINY)


# -- one bad among good ---------------------------------------------------------------------


def test_one_bad_wheel_keeps_all_out(make_wheel: Make, tmp_path: Path) -> None:
    good = make_wheel("good-1.0-py3-none-any.whl")
    bad = make_wheel("bad-1.0-py3-none-any.whl", text="Name: x\nVersion: 1\n")
    for attempt in (lambda: add(tmp_path, good, bad), lambda: build(tmp_path)):
        with pytest.raises(EntryError, match="'x'") as caught:
            attempt()
        assert "good-1.0" not in caught.value.message
        assert _quiet(tree(tmp_path / "site")).get(LEDGER_NAME) is None
        assert not list((tmp_path / "site").rglob("*.html"))
        assert not list((tmp_path / "site").rglob("*.whl*"))
    bad.unlink()
    assert build(tmp_path).added == (good.name,)


@pytest.mark.parametrize("one_by_one", [False, True], ids=["folder", "by name"])
@pytest.mark.parametrize("wrong", ["profile", "in place", "attestations"])
def test_whatever_keeps_one_wheel_out_nothing_is_copied(
    make_wheel: Make, tmp_path: Path, wrong: str, one_by_one: bool
) -> None:
    good = [make_wheel(f"a{number}-1.0-py3-none-any.whl") for number in range(20)]
    bad, in_place = make_wheel("z-1.0-py3-none-any.whl"), tmp_path / "site/files"
    if wrong == "profile":
        write_record(record_of_wheel(bad).model_copy(update={"profile": "quick"}), bad)
    elif wrong == "in place":
        in_place.mkdir(parents=True)
        (in_place / bad.name).write_bytes(b"other")
    else:
        bad.with_name(f"{bad.name}.provenance").write_text("[]")
    said = {"profile": "profile", "in place": "is there with other", "attestations": "provenance"}
    with pytest.raises(EntryError, match=said[wrong]):
        add(tmp_path, *good, bad) if one_by_one else build(tmp_path)
    left = sorted(path.name for path in in_place.rglob("*")) if in_place.is_dir() else []
    assert left == ([bad.name] if wrong == "in place" else [])
    assert not read_state(tmp_path / "site").count()


def test_every_bad_wheel_of_a_folder_is_named(make_wheel: Make, tmp_path: Path) -> None:
    for number in range(5):
        make_wheel(f"bad{number}-1.0-py3-none-any.whl", text="Name: x\nVersion: 1\n")
    with pytest.raises(EntryError) as caught:
        build(tmp_path)
    assert all(f"bad{number}-1.0" in caught.value.message for number in range(5))


# -- pages ----------------------------------------------------------------------------------


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.bad: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag in ("img", "iframe") or any(name.startswith("on") for name, _ in attrs):
            self.bad.append(tag)
        if any((value or "").strip().lower().startswith("javascript:") for _, value in attrs):
            self.bad.append(tag)


def test_what_metadata_and_reasons_say_is_only_text(make_wheel: Make, tmp_path: Path) -> None:
    evil = "</script></title><img src=x onerror=alert(1)><!-- \"' -->"
    text = (
        "Metadata-Version: 2.1\nName: tiny-gpu\nVersion: 1.0+cu118\n"
        f"Summary: {evil}\nHome-page: javascript:alert(1)\nLicense: {evil}\n"
        f'Project-URL: {evil}, javascript:alert(1)\nProject-URL: a, https://h/"onload="x\n'
        f"Requires-Dist: numpy; extra == '{evil}'\n\n{evil}\n"
    )
    papers = {
        "tiny_gpu-1.0+cu118.dist-info/sboms/x.json": b'{"bomFormat": "CycloneDX"}',
        "tiny_gpu-1.0+cu118.dist-info/build-spec.json": json.dumps({"key": evil}).encode(),
    }
    wheel = make_wheel(TINY, text=text, members=papers)
    write_record(
        record_of_wheel(wheel).model_copy(
            update={
                "architectures": (evil,),
                "ptx": evil,
                "build_key": evil,
                "build_spec": {evil: evil},
                "built": {evil: evil},
            }
        ),
        wheel,
    )
    add(tmp_path, wheel)
    with opened(tmp_path) as site:
        yank(site, [TINY], evil)
        finish(site, uploaded=TIME)
    seen = 0
    for page in (tmp_path / "site").rglob("*.html"):
        parser = _Tags()
        parser.feed(page.read_text())
        assert parser.bad == [], page
        assert "<img" not in page.read_text()
        seen += 1
    assert seen >= 4
    assert read_record(record_path(wheel)).ptx == evil

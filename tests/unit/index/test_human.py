"""The pages people look at: golden bytes, what is offered to whom, cards, hostile text."""

from __future__ import annotations

import difflib
import json
import os
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import settings as told
from hypothesis import strategies as st
from jinja2 import UndefinedError

from index.model import File, in_order
from index.pages import gpus, headers, human, pythons, rows
from index.pages.offers import blocks, offers
from index.pages.templating import template, words
from index.records import Record
from tests.human_site import BASE, darknet, dlib, guard, opencv, pages, projects, settings, wheel

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(2)>{{ 7*7 }}"""
LINE = 'pip install --extra-index-url https://owner.example/wheels/cu124 "opencv-cuda=='


class Page(HTMLParser):
    """What a page has: start tags with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "dt":
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def values(self, name: str) -> list[str]:
        return [attrs[name] or "" for _, attrs in self.tags if name in attrs]


def page_of(*files: File, **changes: object) -> Page:
    ordered = in_order(files)
    return Page(human.project_page(ordered[0].name, ordered, settings(**changes)))


@pytest.mark.parametrize(
    ("golden", "path"),
    [("landing.html", "index.html"), ("project.html", "project/opencv-cuda/index.html")],
)
def test_pages_are_the_golden_ones(golden: str, path: str) -> None:
    """After a change that is meant: ``UPDATE_GOLDEN=1 pytest`` this file, and read the diff."""
    made = pages(projects(), settings())[path].decode()
    kept = GOLDEN / golden
    if os.environ.get("UPDATE_GOLDEN"):
        kept.write_text(made, encoding="utf-8")
    diff = difflib.unified_diff(
        kept.read_text(encoding="utf-8").splitlines(), made.splitlines(), "golden", "made", n=1
    )
    assert "\n".join(diff) == ""
    assert not os.environ.get("UPDATE_GOLDEN"), "golden files were written, not compared"


def test_the_same_files_give_the_same_bytes() -> None:
    assert pages(projects(), settings()) == pages(projects(), settings())


def test_a_card_is_small_sorted_json() -> None:
    text = human.card("opencv-cuda", opencv())
    facts = json.loads(text)
    assert text == json.dumps(facts, sort_keys=True, separators=(",", ":"))
    assert len(text) < 600
    assert facts["summary"] == "OpenCV with contrib, headless, with CUDA and the cuDNN dnn backend"
    assert facts["latest"] == "4.14.0.94"
    assert facts["cudas"] == ["cu118", "cu124", "cu130"]
    assert facts["files"] == 11


def test_a_card_of_guards_only_says_so_and_a_page_is_still_made() -> None:
    facts = json.loads(human.card("opencv-cuda", [guard()]))
    assert (facts["offers"], facts["latest"], facts["summary"]) == ([], "4.14.0.94", "")
    page = page_of(guard())
    assert "Not the package." in page.text
    assert "No file of it is offered now" in page.text
    assert "pip install" not in page.text
    landing = human.landing_page([("opencv-cuda", human.card("x", [guard()]))], [], settings())
    assert "No file of it is offered now" in Page(landing).text


class TestOffers:
    def test_each_cuda_gets_its_newest_version_pinned(self) -> None:
        lines = [
            block.lines.pip
            for block in blocks("opencv-cuda", offers(opencv()), BASE, settings().pythons)
        ]
        assert lines == [
            LINE.replace("cu124", cuda) + f'4.14.0.94+{cuda}"'
            for cuda in ("cu118", "cu124", "cu130")
        ]

    def test_an_older_version_is_offered_to_pythons_the_newest_does_not_serve(self) -> None:
        found = tuple(blocks("opencv-cuda", offers(opencv()), BASE, ("3.9", "3.10", "3.13")))
        of_124 = [(block.version, block.pythons) for block in found if block.cuda == "cu124"]
        assert of_124 == [("4.14.0.94+cu124", ("3.10", "3.13")), ("4.12.0.88+cu124", ("3.9",))]

    def test_yanked_files_guards_and_pre_releases_are_not_offered(self) -> None:
        files = in_order(
            [
                wheel(version="1.0"),
                wheel(version="2.0", yanked="broken"),
                wheel(version="3.0rc1"),
                guard(version="4.0"),
            ]
        )
        assert [offer.version for offer in offers(files)] == ["1.0+cu124"]

    def test_a_pre_release_is_offered_where_there_is_nothing_else(self) -> None:
        assert [offer.version for offer in offers([wheel(version="3.0rc1")])] == ["3.0rc1+cu124"]

    def test_a_file_of_no_cuda_comes_from_the_default_root(self) -> None:
        file = wheel("plain", "1.0", None, "py3-none-any")
        (block,) = blocks("plain", offers([file]), BASE, ("3.12",))
        assert block.lines.pip == f'pip install --extra-index-url {BASE}/simple "plain==1.0"'

    def test_what_is_no_version_is_never_in_a_line(self) -> None:
        record = wheel().record
        assert isinstance(record, Record)
        odd = File.of_wheel(record.model_copy(update={"version": "1.0; rm -rf ~"}))
        assert offers([odd]) == ()

    @pytest.mark.parametrize("name", ["a b", "$(id)", "a;b", "A", "-r", "a\nb", ""])
    def test_a_name_a_shell_would_read_gets_no_line(self, name: str) -> None:
        assert list(blocks(name, offers([wheel()]), BASE, ("3.12",))) == []

    def test_packages_that_only_this_index_has_are_in_uvs_project_lines(self) -> None:
        page = page_of(wheel(headers=["Requires-Dist: opencv-python==4.14.0.93.99+cu124"]))
        assert "opencv-python = { index" in page.text
        assert "opencv-python = { index" not in page_of(wheel()).text


def test_without_a_base_address_the_lines_say_what_to_put_in() -> None:
    page = page_of(*opencv(), base_url=None)
    assert "pip install --extra-index-url https://SITE/cu124" in page.text
    assert "Put this site’s own address in place of https://SITE" in page.text
    assert page.values("data-unknown-base") == ["https://SITE"]
    assert "Put this site" not in page_of(*opencv()).text


class TestProjectPage:
    def test_it_says_what_there_is_to_say_of_a_file(self) -> None:
        text = page_of(*opencv()).text
        file = next(one for one in opencv() if "4.14.0.94+cu118-1-" in one.filename)
        assert file.record is not None
        for said in (
            *(file.filename, file.sha256, "17.6 MB", "CUDA 11.8"),
            "Python 3.10 and later, not free-threaded",
            "Linux x86-64, glibc 2.31 or later",
            "GPU code for 6.0, 7.0, 7.5, 8.0 + PTX 8.0",
            "RTX 30, A10, A40 (8.6, by code for 8.0)",
            "Depends on numpy>=1.23, nvidia-cudnn-cu12<10,>=9.1",
            "profile full, hermetic engine, no network, one fixed path, local compile cache",
            f"Build key {file.record.build_key}",
            "Published 2026-11-21T09:30:00Z",
        ):
            assert said in text
        assert "not-a-header" not in text

    def test_the_newest_version_is_open_and_older_ones_are_folded(self) -> None:
        page = page_of(*opencv())
        shown = [attrs for tag, attrs in page.tags if tag == "details" and "class" in attrs]
        assert ["open" in attrs for attrs in shown] == [True, False, False, False]

    def test_the_offered_version_is_open_beside_a_newer_pre_release(self) -> None:
        page = page_of(wheel(version="1.0"), wheel(version="2.0rc1"), wheel(version="0.9"))
        shown = ["open" in attrs for tag, attrs in page.tags if attrs.get("class") == "release"]
        assert shown == [True, True, False]
        assert "pre-release" in page.text

    def test_a_yank_is_shown_with_its_reason(self) -> None:
        assert "Yanked: resize() is wrong on 7.5." in page_of(*opencv()).text
        assert "Yanked." in page_of(wheel(yanked="")).text

    def test_a_guard_is_marked_as_what_it_is(self) -> None:
        text = page_of(*opencv()).text
        assert "guards Not the package." in text
        assert guard().filename in text

    def test_no_table_of_cards_where_no_record_says(self) -> None:
        bare = wheel(architectures=(), ptx=None)
        assert "Which GPUs it runs on" not in page_of(bare).text
        assert "GPU code" not in page_of(bare).text

    def test_files_and_links_are_relative_and_quoted(self) -> None:
        hrefs = page_of(*opencv()).values("href")
        wheels = [one for one in hrefs if one.endswith(".whl")]
        assert wheels
        assert all(one.startswith("../../files/") for one in wheels)
        assert not [one for one in wheels if "+" in one]

    def test_what_files_have_in_common_stands_there_once(self) -> None:
        tags = [f"cp3{minor}-cp3{minor}-manylinux_2_31_x86_64" for minor in range(10, 14)]
        alike = [wheel(cuda=cuda, tag=tag) for cuda in ("cu118", "cu124") for tag in tags]
        text = page_of(*alike).text
        assert text.count("GPUs, dependencies, build of the 4 files above") == 2
        assert text.count("Depends on") == text.count("profile full, hermetic engine") == 2
        assert text.count("Hash and build key") == len(alike)
        for file in alike:
            assert file.record is not None
            for said in (file.filename, file.sha256, f"Build key {file.record.build_key}"):
                assert said in text
        other = wheel(cuda="cu124", tag=tags[3], built={"network": True})
        text = page_of(*alike[:-1], other).text
        assert (
            text.count("of the 3 files above") == text.count("Hash, GPUs, dependencies, build") == 1
        )
        assert "with network" in text

    def test_500_files_are_a_page(self) -> None:
        files = in_order(
            wheel(version=f"{number}.0", cuda=cuda)
            for number in range(167)
            for cuda in ("cu118", "cu124", "cu130")
        )
        text = human.project_page("opencv-cuda", files, settings())
        assert text.count('<details class="release" open>') == 1
        assert text.count('<details class="release">') == 166
        assert len(text) < 1_000_000


class TestLandingPage:
    def test_every_project_and_every_line_is_in_plain_html(self) -> None:
        page = Page(pages(projects(), settings())["index.html"].decode())
        for name in projects():
            assert f"project/{name}/" in page.values("href")
        for cuda in ("cu118", "cu124", "cu130"):
            assert f'{LINE.replace("cu124", cuda)}4.14.0.94+{cuda}"' in page.text
        assert "/cu124/ CUDA 12.4: https://owner.example/wheels/cu124" in page.text

    def test_the_default_cuda_is_picked_and_a_python_most_projects_serve(self) -> None:
        page = Page(pages(projects(), settings())["index.html"].decode())
        picked = [attrs["value"] for _, attrs in page.tags if "checked" in attrs]
        assert picked == ["cu124", "3.12"]
        page = Page(pages(projects(), settings(default_cuda=None))["index.html"].decode())
        assert next(attrs["value"] for _, attrs in page.tags if "checked" in attrs) == "cu130"

    def test_of_very_many_projects_it_lists_names_only(self) -> None:
        text = human.card("x", darknet())
        few = human.landing_page([(f"p{n}", text) for n in range(200)], ["cu124"], settings())
        many = human.landing_page([(f"p{n}", text) for n in range(201)], ["cu124"], settings())
        assert few.count("data-copy") == 600
        assert many.count("data-copy") == 0
        assert many.count('href="project/p') == 201

    def test_an_empty_site_has_one_too(self) -> None:
        assert "There are none yet." in Page(human.landing_page([], [], settings())).text


class TestHostileText:
    def test_nothing_of_a_record_becomes_markup(self) -> None:
        file = wheel(
            summary=HOSTILE,
            yanked=HOSTILE,
            headers=[
                f"Requires-Dist: {HOSTILE}",
                f"License: {HOSTILE}",
                f"Project-URL: {HOSTILE}, https://example.org/{HOSTILE}",
                f"Project-URL: {HOSTILE}, https://example.org/fine",
                "Project-URL: click, javascript:alert(3)",
                "Project-URL: data, data:text/html,<b>",
                "Home-page: javascript://example.org/%0aalert(4)",
            ],
            profile=HOSTILE,
            build_key=HOSTILE,
            built={HOSTILE: HOSTILE, "engine": HOSTILE, "network": False},
            architectures=(HOSTILE,),
            ptx=HOSTILE,
            url="javascript://alert(5)//x.whl",
        )
        odd = {"name": HOSTILE, "version": HOSTILE, "filename": HOSTILE, "cuda": HOSTILE}
        assert isinstance(file.record, Record)
        worse = File.of_wheel(
            file.record.model_copy(update={**odd, "tags": (HOSTILE,)}),
            url="java\nscript:alert(6)",
        )
        for files in ([file], [worse]):
            made = {
                "project": human.project_page(HOSTILE, files, settings(title=HOSTILE)),
                "landing": human.landing_page(
                    [(HOSTILE, human.card(HOSTILE, files))], [HOSTILE], settings(title=HOSTILE)
                ),
            }
            for what, text in made.items():
                page = Page(text)
                assert [tag for tag, _ in page.tags].count("script") == 1, what
                assert "img" not in [tag for tag, _ in page.tags]
                for name in ("href", "src"):
                    for address in page.values(name):
                        assert urlsplit(address).scheme in ("", "https"), address
                assert "49" not in page.text
                assert not [attrs for _, attrs in page.tags if "onerror" in attrs]

    def test_other_hosts_are_named_and_not_linked(self) -> None:
        page = page_of(wheel(headers=["Project-URL: home, https://example.org/x?y=1&z=2"]))
        assert "home: https://example.org/x?y=1&z=2" in page.text
        assert not any("example.org" in address for address in page.values("href"))

    @told(deadline=None)  # the first one compiles the templates
    @given(summary=st.text(), reason=st.text(min_size=1), label=st.text())
    def test_any_text_comes_out_as_text(self, summary: str, reason: str, label: str) -> None:
        page = page_of(wheel(summary=summary, yanked=reason, headers=[f"Project-URL: {label}, x"]))
        assert [tag for tag, _ in page.tags].count("script") == 1
        assert " ".join(reason.split()).replace("\x00", "\ufffd") in page.text.replace(
            "\x00", "\ufffd"
        )


class TestPolicy:
    def test_pages_forbid_other_hosts_and_inline_code(self) -> None:
        for path, data in pages(projects(), settings()).items():
            if not path.endswith(".html"):
                continue
            page = Page(data.decode())
            policy = next(one for one in page.values("content") if "src" in one)
            assert set(policy.replace(";", "").split()) <= {
                *("default-src", "img-src", "script-src", "style-src"),
                *("base-uri", "form-action", "'self'", "'none'"),
            }
            assert "style" not in [tag for tag, _ in page.tags]
            assert page.values("style") == []
            assert [
                attrs for tag, attrs in page.tags if tag == "script" and "src" not in attrs
            ] == []

    def test_assets_name_no_host(self) -> None:
        assert sorted(human.assets()) == ["assets/icon.svg", "assets/site.css", "assets/site.js"]
        for path, data in human.assets().items():
            text = data.decode().replace("http://www.w3.org/2000/svg", "")
            assert "http" not in text.replace("plain http", ""), path
            assert "@import" not in text


def test_what_a_template_lacks_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        template("project.html.j2").render(title="x")


def test_a_line_is_the_same_text_cut_into_words() -> None:
    assert words('a "b<c"') == "<span>a</span> <span>&#34;b&lt;c&#34;</span>"


class TestPythons:
    @pytest.mark.parametrize(
        ("tags", "requires", "said"),
        [
            (("cp39-abi3-manylinux_2_31_x86_64",), None, "3.9 and later, not free-threaded"),
            (("cp39-abi3-any",), ">=3.10", "3.10 and later, not free-threaded"),
            (("py3-none-any",), None, "3"),
            (("py2-none-any", "py3-none-any"), ">=3.8", "3.8 and later"),
            (("py3-none-any",), ">=3.9,<3.12", "3.9 to 3.11"),
            (("py3-none-any",), ">=3.8,!=3.9.*", "3.8, 3.10 and later"),
            (("py3-none-any",), ">=3.10.2,<4", "3.10 and later"),
            (("cp312-cp312-any",), None, "3.12"),
            (("cp310-cp310-any", "cp311-cp311-any"), None, "3.10 to 3.11"),
            (("cp313-cp313t-any",), None, "3.13 free-threaded"),
            (("cp313-cp313-any", "cp313-cp313t-any"), None, "3.13, 3.13 free-threaded"),
            (("pp310-pypy310_pp73-any",), None, "pp310"),
            (("py3-none-any",), "nonsense", "3"),
            (("nonsense",), None, "nonsense"),
            ((), None, "not known"),
        ],
    )
    def test_tags_in_words(self, tags: tuple[str, ...], requires: str | None, said: str) -> None:
        assert pythons.describe(tags, requires) == said

    @pytest.mark.parametrize(
        ("tag", "said"),
        [
            ("py3-none-any", "any platform"),
            ("cp39-abi3-manylinux_2_31_x86_64", "Linux x86-64, glibc 2.31 or later"),
            ("cp39-abi3-manylinux2014_aarch64", "Linux Arm 64-bit, glibc 2.17 or later"),
            ("cp39-abi3-linux_x86_64", "Linux x86-64"),
            ("cp39-abi3-win_amd64", "Windows x86-64"),
            ("cp39-abi3-macosx_11_0_arm64", "macosx_11_0_arm64"),
        ],
    )
    def test_platforms_in_words(self, tag: str, said: str) -> None:
        assert pythons.platforms((tag,)) == said

    def test_a_version_is_among_those_it_serves(self) -> None:
        mask = pythons.served(("cp39-abi3-any",), ">=3.10")
        assert pythons.among(mask, ("3.9", "3.10", "3.14")) == ("3.10", "3.14")


class TestGpus:
    @pytest.mark.parametrize(
        ("code", "ptx", "card", "kind", "by"),
        [
            (("7.5", "8.0"), None, "7.5", "code", "7.5"),
            (("7.5", "8.0"), None, "8.6", "code", "8.0"),
            (("8.0", "8.6"), None, "8.9", "code", "8.6"),
            (("7.5", "8.0"), None, "9.0", "no", ""),
            (("7.5", "8.0"), "8.0", "9.0", "ptx", "8.0"),
            (("8.6",), None, "8.0", "no", ""),
            (("7.5",), "8.0", "7.0", "no", ""),
            (("9.0a",), None, "9.0", "code", "9.0a"),
            (("10.0a",), None, "10.3", "no", ""),
            (("10.0f",), None, "10.3", "code", "10.0f"),
            (("10.0",), None, "12.0", "no", ""),
            (("9.0",), "9.0", "12.0", "ptx", "9.0"),
            ((), "9.0a", "12.0", "no", ""),
            (("x",), "y", "12.0", "no", ""),
        ],
    )
    def test_what_runs_where(
        self, code: tuple[str, ...], ptx: str | None, card: str, kind: str, by: str
    ) -> None:
        assert gpus.support(code, ptx, card) == gpus.Support(kind=kind, by=by)

    def test_old_cards_are_listed_where_a_file_has_code_for_them(self) -> None:
        assert gpus.listed([(("7.5",), None)])[0].arch == "6.0"
        assert gpus.listed([(("5.2",), None)])[0].arch == "5.2"

    @pytest.mark.parametrize(
        ("label", "name"),
        [("cu118", "CUDA 11.8"), ("cu92", "CUDA 9.2"), ("rocm6", "rocm6"), (None, "Any CUDA")],
    )
    def test_cuda_in_words(self, label: str | None, name: str) -> None:
        assert gpus.cuda_name(label) == name

    def test_labels_by_version(self) -> None:
        assert gpus.by_version(["cu130", "cu92", "cu118"]) == ("cu92", "cu118", "cu130")


class TestHeaders:
    def test_only_the_header_is_read_in_any_case_and_line_ending(self) -> None:
        text = "requires-dist: a>=1\r\nRequires-Dist: b ; x == 'y'\r\n\r\nRequires-Dist: c\r\n"
        assert headers.dependencies(text) == ("a>=1", "b ; x == 'y'")

    def test_a_licence_and_its_expression(self) -> None:
        assert headers.about("License: MIT\nLicense-Expression: BSD-3-Clause").licence == (
            "BSD-3-Clause"
        )
        assert headers.about("License: UNKNOWN\nSummary: x").licence == ""


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (12_345, "12 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (17_512_345, "17.5 MB"),
        (321_000_000, "321 MB"),
        (1_200_000_000, "1.20 GB"),
    ],
)
def test_sizes_as_people_read_them(size: int, said: str) -> None:
    assert rows.size_text(size) == said


def test_a_companion_is_named_apart_and_offers_no_line() -> None:
    name = "opencv-python"
    record = wheel(name=name, version="4.13.99").record
    assert isinstance(record, Record)
    file = File.of_wheel(record.model_copy(update={"companion_of": "opencv-cuda"}))
    page = Page(human.project_page(name, [file], settings()))
    assert "pip install" not in page.text
    assert "../opencv-cuda/" in page.values("href")
    landing = human.landing_page([(name, human.card(name, [file]))], ["cu124"], settings())
    assert "Empty companions" in Page(landing).text
    assert 'data-package="opencv-python"' not in landing


def test_a_wheel_per_python_says_which() -> None:
    text = page_of(*dlib()).text
    assert "CUDA 12.4, Python 3.10 to 3.12" in text


def test_a_long_list_of_packages_is_made_part_by_part_and_escaped() -> None:
    number = human.LINES_UP_TO + 700
    card = json.loads(human.card("opencv-cuda", opencv())) | {"summary": HOSTILE}
    cards = [(f"p{n:04}", json.dumps(card)) for n in range(number)]
    cards += [("zz", json.dumps(card | {"companion_of": "p0001"}))]
    parts = list(human.landing_parts(lambda: cards, ["cu124"], settings()))
    assert len(parts) > 3
    text = "".join(parts)
    assert text == human.landing_page(cards, ["cu124"], settings())
    page = Page(text)
    assert [tag for tag, _ in page.tags].count("script") == 1  # our own
    assert "img" not in [tag for tag, _ in page.tags]
    assert [one for one in page.values("href") if one.startswith("project/")] == [
        *(f"project/p{n:04}/" for n in range(number)),
        "project/zz/",
    ]
    assert f"Search {number} packages" in page.values("placeholder")
    assert "Open a package for its line to paste." in page.text

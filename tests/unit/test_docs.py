"""Every command in the pages says how it is checked, and what its program would say against it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import click
import pytest

from tests.docs_kit import (
    FILE,
    MARK,
    PAGES,
    ROOT,
    Block,
    blocks,
    links,
    read,
    read_builder,
    read_pip,
    read_span,
    simple_commands,
    spans,
)

BLOCKS = [block for page in PAGES for block in blocks(page)]
TYPED = [block for block in BLOCKS if block.is_commands]
LOOKS_TYPED = ("$ ", "builder ", "pip ", "!pip ", "uv ", "python -m ", "python3 -m ", "git clone ")


def by_place(block: Block) -> str:
    return block.where


def by_name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(autouse=True)
def no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that the pages name are not here: a path is right if it could be one."""
    monkeypatch.setattr(click.Path, "convert", lambda self, value, param, ctx: value)


@pytest.mark.parametrize("block", BLOCKS, ids=by_place)
def test_a_block_says_how_it_is_checked(block: Block) -> None:
    if block.is_commands:
        assert MARK.fullmatch(block.mark) or FILE.fullmatch(block.mark), (
            f"{block.where}: write behind ```{block.language} how it is checked (tests/docs_kit.py)"
        )
    else:
        assert not block.mark or block.file, f"{block.where}: '{block.mark}' means nothing there"
        typed = [line for line in block.text.splitlines() if line.startswith(LOOKS_TYPED)]
        assert not typed, f"{block.where}: commands in a block of no language: {typed}"


@pytest.mark.parametrize("block", TYPED, ids=by_place)
def test_commands_are_what_their_programs_take(block: Block) -> None:
    if block.language == "python":
        compile(block.text, block.where, "exec")
        return
    for words in simple_commands(block.text):
        said = read(words, strict=block.mark == "parse")
        assert said is None, f"{block.where}: {said}"


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_verbs_and_options_in_the_text_exist(page: Path) -> None:
    for where, text in spans(page):
        said = read_span(text) if text.startswith("builder ") else None
        assert said is None, f"{where}: `{text}`: {said}"


@pytest.mark.parametrize("block", [one for one in BLOCKS if one.language == "toml"], ids=by_place)
def test_toml_is_toml(block: Block) -> None:
    assert tomllib.loads(block.text)


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    """Sphinx sees to headings, and to the pages of docs/ alone."""
    for link in links(page):
        path = link.partition("#")[0]
        if path and "://" not in link:
            assert (page.parent / path).exists(), f"{page.name}: {link}"


PATHS = re.compile(
    r"(?<![\w/.])(?:builder|index|tests|docs|benchmarks|recipes|requirements|notebooks|\.github)"
    r"/[\w./-]*\w/?"
)


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_files_of_the_project_that_are_named_exist(page: Path) -> None:
    named = [*spans(page), *((block.where, block.mark) for block in blocks(page))]
    for where, text in named:
        if not text.startswith(("builder ", "append=")):
            for path in PATHS.findall(text):
                assert (ROOT / path).exists(), f"{where}: there is no {path}"


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ("which OpenCV needs, was not found", "recipes/opencv-cuda"),
        ("is not of the versions that OpenCV was made for", "recipes/opencv-cuda"),
        ("there is no wheel for this machine", "index"),
        ("no whole sandbox here", "builder"),
        ("NVIDIA's archive is out of reach", "builder"),
        ("is in none of the indexes asked", "builder"),
        ("raise the recipe's revision", "builder"),
        ("built with the profile '", "index"),
        ("somebody else published to", "index"),
        ("issues are switched off in this repository", "index"),
    ],
)
def test_a_message_of_ours_is_what_the_page_says(said: str, where: str) -> None:
    assert said in (ROOT / "docs/troubleshooting.md").read_text("utf-8")
    assert any(said in path.read_text("utf-8") for path in (ROOT / where).rglob("*.py"))


# -- the checks themselves ----------------------------------------------------------------------


def test_a_script_is_taken_apart() -> None:
    script = (
        "export A=b  # why\n"
        "A=1 builder plan cu118 | tee x && .venv/bin/pip install . > out\n"
        "!python -m pip \\\n  list\n"
        "python - X.whl <<'END'\nimport json; print(1)\nEND\n"
    )
    assert list(simple_commands(script)) == [
        ["export", "A=b"],
        ["builder", "plan", "cu118"],
        ["tee", "x"],
        [".venv/bin/pip", "install", "."],
        ["python", "-m", "pip", "list"],
        ["python", "-", "X.whl"],
    ]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("plan", "Missing argument 'SELECTOR...'"),
        ("plan cu118 --publshed x", "No such option"),
        ("index adds x", "No such command 'adds'"),
        ("index build --site", "requires an argument"),
        ("index serve site --port many", "not a valid integer"),
        ("index serve site other", "unexpected extra argument"),
        ("build cu118 --engine docker", "is not one of"),
    ],
)
def test_a_wrong_line_is_told(told: str, said: str) -> None:
    assert said in (read_builder(told.split()) or "")


def test_right_lines_pass() -> None:
    assert read_builder(["index", "build", "--site", "s", "--dist", "d"]) is None
    assert read_builder(["--version"]) is None
    assert (
        read_pip(["install", "--extra-index-url", "https://x.example/cu124", "a==1+cu124"]) is None
    )


def test_other_wrong_things_are_told() -> None:
    assert "does not take" in (read_pip(["install", "--nothing"]) or "")
    assert "no command" in (read_pip(["instal"]) or "")
    assert "no verb 'plans'" in (read_span("builder plans") or "")
    assert "no option --nothing" in (read_span("builder index check --nothing") or "")
    assert read_span("builder --cache-dir X index check") is None
    assert "nothing here can read 'npm'" in (read(["npm", "ci"]) or "")

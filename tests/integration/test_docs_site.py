"""The pages that `nox -s docs` makes: strict about links, whole without any other host."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright

from index.serve import Server
from tests.docs_kit import ROOT

pytestmark = pytest.mark.integration

DOCS = ROOT / "docs"
STRICT = runpy.run_path(str(ROOT / "noxfile.py"))["STRICT"]
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}


def make(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sphinx", *STRICT, "-c", str(DOCS), str(source), str(target)],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("docs")
    done = make(DOCS, target)
    assert done.returncode == 0, done.stdout
    return target


def test_every_page_is_in_the_navigation(site: Path) -> None:
    front = (site / "index.html").read_text()
    sidebar = front.partition('aria-label="All pages"')[2].partition("</nav>")[0]
    named = set(re.findall(r'href="([\w-]+)\.html"', sidebar))
    assert named == {path.stem for path in DOCS.glob("*.md")} - {"index"}


def test_what_leads_nowhere_fails(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    wrong = {
        "[a page](no-page.md)": "no-page.md",
        "[a heading](#no-heading)": "no-heading",
        "[a heading there](other.md#no-other)": "no-other",
        "[a file](../no-file.txt)": "no-file.txt",
        "```toml\nx = [...]\n```": 'as "toml"',
    }
    (source / "index.md").write_text(
        "\n\n".join(["# A page", *wrong, "```{toctree}\nother\n```\n"])
    )
    (source / "other.md").write_text("# Another page\n")
    done = make(source, tmp_path / "made")
    assert done.returncode != 0
    for said in wrong.values():
        assert f"{source}/index.md" in done.stdout
        assert said in done.stdout


class Loads(HTMLParser):
    """What a page has the browser fetch by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "link" and told.get("rel") in ("index", "search", "next", "prev", "canonical"):
            return
        if (address := told.get(LOADED.get(tag, ""))) is not None:
            self.found.append(address)


def test_nothing_is_fetched_from_another_host(site: Path) -> None:
    for page in site.glob("*.html"):
        loads = Loads()
        loads.feed(page.read_text())
        assert loads.found
        assert not [one for one in loads.found if urlsplit(one).netloc], page.name
    for sheet in site.rglob("*.css"):
        assert not re.findall(r"url\(\s*[\"']?(?:https?:)?//", sheet.read_text()), sheet.name


@pytest.fixture(params=["from a server", "from a folder"])
def address(request: pytest.FixtureRequest, site: Path) -> Iterator[str]:
    if request.param == "from a folder":
        yield site.as_uri()
    else:
        with Server(site) as server:
            yield server.url


@pytest.mark.browser
def test_search_finds_a_message_and_asks_no_other_host(chromium: str, address: str) -> None:
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=as_root, timeout=240_000
        )
        page = browser.new_page()
        page.set_default_timeout(240_000)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}/search.html?q=no+kernel+image")
        page.wait_for_selector("#search-results li a")
        found = page.locator("#search-results li a").all()
        assert any("troubleshooting.html" in (one.get_attribute("href") or "") for one in found)
        browser.close()
    assert asked
    assert all(one.startswith((f"{address}/", "data:")) for one in asked), asked

"""The pages people look at, as Chromium shows them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from index.serve import Server
from tests.human_site import BASE, projects, write_site

pytestmark = [pytest.mark.integration, pytest.mark.browser]

QUIET = (
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--no-first-run", "--disable-quic"),
)
PROJECT = "project/opencv-cuda/"
ALIKE = "project/dlib-cuda/"
"""Whose wheels have a row in common."""
PHONE = {"width": 360, "height": 740}
PATIENCE = 240_000
"""Milliseconds until what does not come is given up."""
STAYS = """
const later = setTimeout;
window.setTimeout = (work, wait, ...more) => wait === 2000 ? 0 : later(work, wait, ...more);
"""
"""What a button says after a click goes back after two seconds: not before a test has seen it."""
expect.set_options(timeout=PATIENCE)
Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    as_root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=chromium, args=[*QUIET, *as_root], timeout=PATIENCE
        )
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a site that lies below another path than the host's own."""
    folder = tmp_path_factory.mktemp("web")
    write_site(folder / "some where")
    with Server(folder) as server:
        yield f"{server.url}/some%20where/"


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Visit]:
    """Open a page of the site in a fresh profile; fails on any request that leaves its host."""
    contexts: list[BrowserContext] = []
    asked: list[str] = []
    wrong: list[str] = []

    def open_page(path: str = "", **options: Any) -> Page:
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(STAYS)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("response", lambda got: wrong.append(got.url) if got.status >= 400 else None)
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(site + path if "://" not in path else path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert asked
    assert {urlsplit(url).netloc for url in asked} <= {urlsplit(site).netloc}
    assert wrong == []


def shown_lines(page: Page) -> list[str]:
    return page.locator(".line code:visible").all_inner_texts()


def pip_line(cuda: str, wanted: str) -> str:
    return f'pip install --extra-index-url {BASE}/{cuda} "{wanted}+{cuda}"'


def test_search_narrows_the_list_as_one_types(visit: Visit) -> None:
    page = visit()
    packages = page.locator(".package:visible")
    expect(packages).to_have_count(3)
    page.get_by_label("Search packages").press_sequentially("OpenCV")
    expect(packages).to_have_count(1)
    expect(packages.first).to_contain_text("opencv-cuda")
    expect(page.locator("[data-found]")).to_have_text("1 of 3 packages")
    page.get_by_label("Search packages").fill("neural yolo")  # words of a summary, in any order
    expect(packages).to_have_count(1)
    page.get_by_label("Search packages").fill("nothing like it")
    expect(packages).to_have_count(0)
    page.get_by_label("Search packages").press("Escape")
    expect(packages).to_have_count(3)


def test_the_copy_button_copies_the_very_line(visit: Visit) -> None:
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    button = page.get_by_role("button", name="Copy the pip line, opencv-cuda, CUDA 12.4")
    button.click()
    expect(button).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == pip_line("cu124", "opencv-cuda==4.14.0.94")


def test_without_a_clipboard_the_line_is_selected_and_copied_the_old_way(visit: Visit) -> None:
    page = visit()
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(Error('no')); }")
    page.get_by_role("button", name="Copy the pip line, opencv-cuda, CUDA 12.4").click()
    page.wait_for_function("getSelection().toString() !== ''")
    assert page.evaluate("getSelection().toString()") == pip_line("cu124", "opencv-cuda==4.14.0.94")


def test_the_choice_of_cuda_and_python_changes_the_lines(visit: Visit) -> None:
    page = visit()
    assert pip_line("cu124", "opencv-cuda==4.14.0.94") in shown_lines(page)
    page.get_by_role("radio", name="11.8").check()
    assert shown_lines(page) == [
        pip_line("cu118", "darknet-python==0.0.0.20180914"),
        pip_line("cu118", "opencv-cuda==4.14.0.94"),
    ]
    dlib = page.locator("[data-package=dlib-cuda]")
    expect(dlib).to_contain_text("There is no file for CUDA 11.8 with Python 3.12.")
    page.get_by_role("radio", name="12.4").check()
    expect(dlib.locator(".line")).to_be_visible()
    page.get_by_role("radio", name="3.14").check()
    expect(dlib).to_contain_text("There is: CUDA 12.4, Python 3.10 to 3.12.")
    expect(dlib.locator(".line")).to_be_hidden()


def test_the_choice_goes_with_the_visitor_to_a_project(visit: Visit) -> None:
    page = visit()
    page.get_by_role("radio", name="13.0").check()
    page.get_by_role("link", name="opencv-cuda").click()
    expect(page).to_have_url(re.compile(r"/some%20where/project/opencv-cuda/$"))
    expect(page.get_by_role("radio", name="13.0")).to_be_checked()
    assert shown_lines(page) == [
        pip_line("cu130", "opencv-cuda==4.14.0.94"),
        f'uv pip install --index {BASE}/cu130 "opencv-cuda==4.14.0.94+cu130"',
    ]


def test_an_older_python_gets_the_version_that_serves_it(browser: Browser, tmp_path: Path) -> None:
    write_site(tmp_path, pythons=("3.9", "3.12"))
    with Server(tmp_path) as server:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(f"{server.url}/{PROJECT}")
        page.get_by_role("radio", name="3.9").check()
        assert shown_lines(page)[0] == pip_line("cu124", "opencv-cuda==4.12.0.88")
        page.context.close()


def test_without_a_base_address_the_site_fills_in_its_own(browser: Browser, tmp_path: Path) -> None:
    write_site(tmp_path / "it's here", base_url=None)
    with Server(tmp_path) as server:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(f"{server.url}/it's%20here/{PROJECT}")
        assert shown_lines(page)[0] == (
            f"pip install --extra-index-url {server.url}/it%27s%20here/cu124 "
            '"opencv-cuda==4.14.0.94+cu124"'
        )
        expect(page.locator("[data-place]")).to_be_hidden()
        page.context.close()


@pytest.mark.parametrize("path", ["", PROJECT, ALIKE])
def test_a_narrow_screen_never_scrolls_sideways(visit: Visit, path: str) -> None:
    page = visit(path, viewport=PHONE)
    for details in page.locator("details").all():
        details.evaluate("one => one.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    for line in page.locator(".line:visible, .release").all():
        box = line.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= PHONE["width"]


def test_the_keyboard_reaches_the_choice_the_search_and_the_copy_button(visit: Visit) -> None:
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    reached: list[str] = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "document.activeElement.ariaLabel || document.activeElement.name"
                " || document.activeElement.id || document.activeElement.textContent.trim()"
            )
        )
        outline = page.evaluate(
            "(() => { const at = document.activeElement;"
            " const shown = at.type === 'radio' ? at.nextElementSibling : at;"
            " return getComputedStyle(shown).outlineStyle; })()"
        )
        assert outline == "solid", f"no visible focus on {reached[-1]}"
        if reached[-1].startswith("Copy the pip line"):
            break
    assert reached[0] == "Skip to the content"
    assert {"cuda", "python", "search"} <= set(reached)
    page.keyboard.press("Enter")
    expect(page.locator(".copy.done")).to_have_count(1)
    assert page.evaluate("navigator.clipboard.readText()").startswith("pip install ")


def test_the_arrow_keys_choose(visit: Visit) -> None:
    page = visit()
    page.get_by_role("radio", name="12.4").focus()
    page.keyboard.press("ArrowRight")
    assert pip_line("cu130", "opencv-cuda==4.14.0.94") in shown_lines(page)


def test_without_scripts_every_line_and_project_is_there_to_read(visit: Visit) -> None:
    page = visit(java_script_enabled=False)
    lines = shown_lines(page)
    for name, files in projects().items():
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
        newest = files[-1].version.partition("+")[0]
        for cuda in sorted({file.cuda for file in files if file.cuda}):
            assert pip_line(cuda, f"{name}=={newest}") in lines
    expect(page.locator(".copy, .picker, .search").locator("visible=true")).to_have_count(0)
    page.locator("#which summary").click()
    expect(page.get_by_text("At the top right it prints")).to_be_visible()
    page.get_by_role("link", name="opencv-cuda").click()
    assert len(shown_lines(page)) == 6
    page.get_by_text("4.11.0.86", exact=True).click()
    expect(page.get_by_text("resize() is wrong on 7.5")).to_be_visible()


def test_the_question_which_one_do_i_have_leads_to_its_answer(visit: Visit) -> None:
    page = visit(PROJECT)
    page.get_by_role("link", name="Which ones do I have?").click()
    expect(page.get_by_text("At the top right it prints")).to_be_visible()


def test_light_and_dark_follow_the_visitor(visit: Visit) -> None:
    grounds = {
        scheme: visit(color_scheme=scheme).evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        for scheme in ("light", "dark")
    }
    brightness = {scheme: _channels(colour) for scheme, colour in grounds.items()}
    assert min(brightness["light"]) > 230
    assert max(brightness["dark"]) < 40


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["", PROJECT, ALIKE])
def test_axe_finds_nothing(visit: Visit, path: str, scheme: str) -> None:
    page = visit(path, color_scheme=scheme)
    page.get_by_role("radio", name="3.14").check()  # a project with no file for it says so
    for details in page.locator("details").all():
        details.evaluate("one => one.open = true")
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    # Axe did look: its script came in, and rules such as that of contrast had something to judge.
    passed = {rule["id"] for rule in results.response["passes"]}
    assert {"color-contrast", "label", "link-name", "html-has-lang"} - {
        "label" if path else ""
    } <= passed


def _channels(colour: str) -> list[int]:
    return [int(one) for one in re.findall(r"\d+", colour)[:3]]

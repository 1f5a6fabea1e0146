"""Every block that a page marks with ``run`` is run; the messages a page quotes are provoked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs_kit import PAGES, ROOT, Block, blocks
from tests.integration.reader_kit import ADDRESS, Given, Reader, given

pytestmark = pytest.mark.integration

RUN = {
    str(page.relative_to(ROOT)): [one for one in blocks(page) if one.parts is not None or one.file]
    for page in PAGES
}
MESSAGES = ROOT / "docs/troubleshooting.md"
PIP = f"pip install --extra-index-url {ADDRESS}"
PINNED = '"opencv-cuda==4.14.0.94+cu124"'
HASHED = "opencv-cuda==4.14.0.94+cu124 --hash=sha256:"


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Given]:
    with given(tmp_path_factory.mktemp("given")) as made:
        yield made


@pytest.mark.parametrize("name", [name for name, found in RUN.items() if found])
def test_a_page_read_from_top_to_bottom(name: str, there: Given, tmp_path: Path) -> None:
    reader = Reader(there, tmp_path)
    for block in RUN[name]:
        if block.file:
            reader.put(block)
        else:
            reader.prepare(block.parts or frozenset())
            done = reader.type(block)
            assert done.returncode == 0, f"{block.where}:\n{block.text}\n{done.stdout}"


def test_what_the_pages_run_is_not_nothing() -> None:
    assert sum(one.parts is not None for found in RUN.values() for one in found) >= 20


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            f"{PIP}/cu130 {PINNED}",
            (
                "ERROR: Could not find a version that satisfies the requirement "
                "opencv-cuda==4.14.0.94+cu124",
                "(from versions: none)",
            ),
        ),
        (f"{PIP}/cu118 {PINNED}", ("(from versions: 4.14.0.94+cu118)",)),
        (f"{PIP}/cu124 --no-binary :all: {PINNED}", ("there is no wheel for this machine",)),
        (
            f"uv pip install --index {ADDRESS}/cu130 {PINNED}",
            (
                "No solution found when resolving dependencies",
                "was not found in the package registry",
            ),
        ),
        (
            f"uv pip install --index {ADDRESS}/cu118 {PINNED}",
            ("was found on", "but not at the requested version", "--index-strategy"),
        ),
        (
            f'PIP_EXTRA_INDEX_URL="file:///content/drive/My Drive/cu124" pip install {PINNED}',
            (
                "is ignored: it is neither a file nor a directory",
                'The index url "Drive/cu124" seems invalid, please provide a scheme',
            ),
        ),
        (
            "rm site/files/*.whl\nbuilder index serve site\n"
            f"pip install --extra-index-url http://127.0.0.1:8000/cu124 {PINNED}",
            ("ERROR: 404 Client Error: Not Found for url",),
        ),
        (
            f"echo '{HASHED}{'0' * 64}' > r.txt\n{PIP}/cu124 --require-hashes -r r.txt",
            ("THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE",),
        ),
    ],
    ids=["none", "other CUDA", "guard", "uv: none", "uv: other CUDA", "no Drive", "404", "hash"],
)
def test_a_message_is_what_the_page_says(
    typed: str, said: tuple[str, ...], there: Given, tmp_path: Path
) -> None:
    reader = Reader(there, tmp_path)
    reader.prepare(frozenset({"site"}))
    done = reader.type(Block(page=MESSAGES, line=1, language="sh", mark="run", text=f"{typed}\n"))
    assert done.returncode != 0, done.stdout
    page = MESSAGES.read_text("utf-8")
    printed = " ".join(done.stdout.split())
    for one in said:
        assert one in page
        assert one in printed, done.stdout

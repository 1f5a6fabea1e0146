import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.build.patch import apply_hunks, apply_patch
from builder.errors import RecipeError

TREE = {"a.c": b"one\ntwo\nthree\nfour\nfive\n", "dos.txt": b"x\r\ny\r\n", "end": b"last"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    for name, data in TREE.items():
        (folder / name).write_bytes(data)
    return folder


def patched(tree: Path, text: bytes) -> tuple[str, ...]:
    path = tree.parent / "p.patch"
    path.write_bytes(text)
    return apply_patch(path, tree)


GOOD = b"""--- a/a.c
+++ b/a.c
@@ -1,3 +1,4 @@
 one
-two
+TWO
+more
 three
"""


def test_a_fitting_patch_is_applied_exactly(tree: Path) -> None:
    (tree / "a.c").chmod(0o755)
    assert patched(tree, GOOD) == ("a.c",)
    assert (tree / "a.c").read_bytes() == b"one\nTWO\nmore\nthree\nfour\nfive\n"
    assert (tree / "a.c").stat().st_mode & 0o777 == 0o755


def test_no_offset(tree: Path) -> None:
    shifted = GOOD.replace(b"-1,3 +1,4", b"-2,3 +2,4")
    with pytest.raises(RecipeError, match=r"p\.patch: a\.c: hunk 1 \(line 2\).*line 2 should be"):
        patched(tree, shifted)
    assert (tree / "a.c").read_bytes() == TREE["a.c"]


def test_no_fuzz(tree: Path) -> None:
    with pytest.raises(RecipeError, match=r"line 3 should be 'THREE\\n' and is 'three\\n'"):
        patched(tree, GOOD.replace(b" three", b" THREE"))


def test_a_bad_second_hunk_changes_nothing_and_is_named(tree: Path) -> None:
    text = GOOD + b"@@ -4,2 +5,2 @@\n four\n-FIVE\n+5\n"
    with pytest.raises(RecipeError, match="hunk 2"):
        patched(tree, text)
    assert (tree / "a.c").read_bytes() == TREE["a.c"]


def test_a_bad_second_file_changes_nothing(tree: Path) -> None:
    with pytest.raises(RecipeError, match="missing: no such file"):
        patched(tree, GOOD + b"--- a/missing\n+++ b/missing\n@@ -1 +1 @@\n-a\n+b\n")
    assert (tree / "a.c").read_bytes() == TREE["a.c"]


def test_beyond_the_end(tree: Path) -> None:
    with pytest.raises(RecipeError, match="the end of the file"):
        patched(tree, b"--- a/a.c\n+++ b/a.c\n@@ -5,2 +5,2 @@\n five\n-six\n+SIX\n")


def test_dos_lines_stay_dos_and_must_match(tree: Path) -> None:
    patched(tree, b"--- a/dos.txt\n+++ b/dos.txt\n@@ -1,2 +1,2 @@\n x\r\n-y\r\n+z\r\n")
    assert (tree / "dos.txt").read_bytes() == b"x\r\nz\r\n"
    with pytest.raises(RecipeError, match="does not fit"):
        patched(tree, b"--- a/dos.txt\n+++ b/dos.txt\n@@ -1,2 +1,2 @@\n x\n-z\n+w\n")


def test_missing_newline_at_the_end(tree: Path) -> None:
    mark = b"\\ No newline at end of file\n"
    patched(tree, b"--- a/end\n+++ b/end\n@@ -1 +1,2 @@\n-last\n" + mark + b"+last\n+now\n" + mark)
    assert (tree / "end").read_bytes() == b"last\nnow"
    with pytest.raises(RecipeError, match="does not fit"):
        patched(tree, b"--- a/end\n+++ b/end\n@@ -1,2 +1 @@\n last\n-now\n")


def test_new_and_deleted_files(tree: Path) -> None:
    patched(tree, b"--- /dev/null\n+++ b/sub/new.c\n@@ -0,0 +1,2 @@\n+a\n+b\n")
    assert (tree / "sub/new.c").read_bytes() == b"a\nb\n"
    patched(tree, b"--- a/sub/new.c\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n")
    assert not (tree / "sub/new.c").exists()
    with pytest.raises(RecipeError, match="is there already"):
        patched(tree, b"--- /dev/null\n+++ b/a.c\n@@ -0,0 +1 @@\n+a\n")
    with pytest.raises(RecipeError, match="would be left"):
        patched(tree, b"--- a/a.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n")


@pytest.mark.parametrize(
    "name", ["../out", "a/../../out", "/etc/passwd", "a", "a/link/x", "b/../out"]
)
def test_nothing_outside_the_source_is_touched(tree: Path, name: str) -> None:
    (tree / "link").symlink_to(tree.parent)
    with pytest.raises(RecipeError):
        patched(tree, f"--- /dev/null\n+++ {name}\n@@ -0,0 +1 @@\n+x\n".encode())
    assert not (tree.parent / "out").exists()
    assert not (tree.parent / "x").exists()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"just words\n",
        b"--- a/a.c\n+++ b/a.c\n@@ -1,9 +1 @@\n one\n",
        b"diff --git a/a.c b/b.c\nsimilarity index 100%\nrename from a.c\nrename to b.c\n",
        b"--- a/a.c\n+++ b/other.c\n@@ -1 +1 @@\n-one\n+1\n",
        b"diff --git a/x.png b/x.png\nindex 1..2 100644\nBinary files a/x.png and b/x.png differ\n",
        GOOD + GOOD,
    ],
    ids=["empty", "words", "short", "rename", "two-names", "binary", "twice"],
)
def test_what_is_not_a_plain_patch_is_refused(tree: Path, text: bytes) -> None:
    with pytest.raises(RecipeError, match=r"p\.patch"):
        patched(tree, text)
    assert {p.name: p.read_bytes() for p in tree.iterdir()} == TREE


LINES = st.lists(st.sampled_from([b"a", b"b", b"", b"\x0c", b"\xe9", b"- x", b"\\ y", b"@@"]))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    old=LINES, new=LINES, old_end=st.booleans(), new_end=st.booleans(), context=st.integers(0, 4)
)
def test_what_diff_makes_is_applied_as_patch_would(
    tmp_path_factory: pytest.TempPathFactory,
    old: list[bytes],
    new: list[bytes],
    old_end: bool,
    new_end: bool,
    context: int,
) -> None:
    """diffutils is the other side of the format: whatever it writes must give the new file back."""
    folder = tmp_path_factory.mktemp("diff")
    for side, lines, end in (("a", old, old_end), ("b", new, new_end)):
        (folder / side).mkdir()
        text = b"\n".join(lines) + (b"\n" if end and lines else b"")
        (folder / side / "f").write_bytes(text)
    made = subprocess.run(
        ["diff", f"-U{context}", "-a", "a/f", "b/f"],
        cwd=folder,
        capture_output=True,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        check=False,
    ).stdout
    if not made:
        return
    (folder / "p.patch").write_bytes(made)
    apply_patch(folder / "p.patch", folder / "a")
    assert (folder / "a/f").read_bytes() == (folder / "b/f").read_bytes()


def test_overlapping_hunks_are_refused() -> None:
    from unidiff.patch import Hunk, Line

    first, second = Hunk(1, 2, 1, 2), Hunk(2, 1, 2, 1)
    first.extend([Line("a\n", " "), Line("b\n", " ")])
    second.extend([Line("b\n", " ")])
    with pytest.raises(RecipeError, match="hunk 2"):
        apply_hunks(["a\n", "b\n"], [first, second], where="p")

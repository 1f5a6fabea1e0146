"""Tables for GitHub's run pages: whatever stands in a cell, it stays a table."""

from __future__ import annotations

import os
from pathlib import Path

from builder.cli.summary import add_summary, table


def test_a_table_with_notes() -> None:
    text = table("Build", ("wheel", "size"), [("a", 1), ("b|c", "two\nlines")], notes=["<b> & c"])
    assert text == (
        "### Build\n\n| wheel | size |\n| --- | --- |\n| a | 1 |\n| b\\|c | two lines |\n\n"
        "- &lt;b> &amp; c\n\n"
    )
    assert table("Nothing", ("x",), []) == "### Nothing\n\n"


def test_what_stood_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    add_summary(path, "One", ("x",), [("1",)])
    add_summary(path, "Two", ("x",), [])
    assert path.read_text() == "before\n### One\n\n| x |\n| --- |\n| 1 |\n\n### Two\n\n"
    add_summary(None, "Three", ("x",), [])


def test_a_pipe_gets_the_table_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    descriptor = os.open(pipe, os.O_RDWR)  # both ends, so that nobody waits for the other
    try:
        add_summary(pipe, "Wheels", ("name",), [("one",)])
        assert b"| one |" in os.read(descriptor, 1000)
    finally:
        os.close(descriptor)
    assert pipe.is_fifo()

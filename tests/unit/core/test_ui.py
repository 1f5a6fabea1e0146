from __future__ import annotations

import contextlib
import io
import sys

import pytest
from rich.console import Console

from builder import ui
from builder.ui import Plain
from builder.ui_live import Live


def shown(total: int | None) -> str:
    """What a terminal shows of a task on its third check."""
    live = Live()
    live.console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with live.task("verify", total=total, unit="checks") as task:
        task.update(3)
    assert isinstance(live.console.file, io.StringIO)
    return live.console.file.getvalue()


def test_a_count_without_a_known_end_is_shown_without_one() -> None:
    assert "3 checks" in shown(None)
    assert "None" not in shown(None)
    assert "3 of 9 checks" in shown(9)


@pytest.mark.parametrize("kind", [Plain, Live])
def test_progress_is_seen_while_a_library_is_kept_quiet(
    kind: type[Plain | Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ui, "PLAIN_INTERVAL_SECONDS", 0.0)
    seen, quiet = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", seen)
    reporter = kind()
    with contextlib.redirect_stderr(quiet), reporter.task("upload", unit="files") as task:
        task.update(3)
        reporter.say("half of it")
    assert "3 files" in seen.getvalue() or kind is Live  # no bar where there is no terminal
    assert "half of it" in seen.getvalue()
    assert quiet.getvalue() == ""

from __future__ import annotations

import io

from rich.console import Console

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

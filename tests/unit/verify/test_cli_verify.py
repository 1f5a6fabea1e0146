"""`builder verify` where it is told nonsense: nothing is fetched, no report is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from builder.cli.main import cli
from builder.errors import UsageError

WHEEL = "tiny-1.0-py3-none-any.whl"


def test_a_pip_that_is_no_version_is_refused_before_anything_starts(tmp_path: Path) -> None:
    wheel = tmp_path / WHEEL
    wheel.touch()
    words = ["--cache-dir", tmp_path / "cache", "verify", wheel, "--python", "3.11", "--pip", "new"]
    with pytest.raises(UsageError, match="'new' is no version"):
        CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False)
    assert not (tmp_path / "cache" / "environments").exists()
    assert not list(tmp_path.glob("*.verify.*"))

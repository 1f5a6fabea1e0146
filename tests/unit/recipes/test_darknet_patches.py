"""Darknet's patches: small, each explained, all of them applied, none forgotten in the table."""

from __future__ import annotations

import re
from pathlib import Path

from builder.recipe import load_recipe

RECIPE = Path(__file__).parents[3] / "recipes" / "darknet-python"


def test_every_patch_is_applied_explained_and_in_the_table() -> None:
    (source,) = (one for one in load_recipe(RECIPE).source if one.name == "darknet")
    files = sorted((RECIPE / "patches").iterdir())
    assert [f"patches/{path.name}" for path in files] == list(source.patches)
    readme = (RECIPE / "README.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| (\d{4}) \| \S", readme, re.MULTILINE)
    assert table == [path.name[:4] for path in files]
    for path in files:
        head = path.read_text(encoding="utf-8").partition("\n--- ")[0]
        assert re.match(r"\S.*\n\nWhy: \S", head), f"{path.name}: no title and reason before it"
        assert re.search(r"^What: \S", head, re.MULTILINE), f"{path.name}: not what it does"

"""What the docs say of the doctor's exit codes is what the doctor has."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from index.pages.gpus import DRIVERS

ROOT = Path(__file__).parents[3]
FINDINGS = ROOT / "recipes/opencv-cuda/src/opencv_cuda/_findings.py"
CHECKS = FINDINGS.with_name("_checks.py")
DOCS = ROOT / "docs/installing.md"


def faults() -> dict[int, str]:
    """``Fault`` as it stands in the source; it cannot be imported without a built wheel."""
    tree = ast.parse(FINDINGS.read_text())
    (found,) = [
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Fault"
    ]
    return {
        ast.literal_eval(node.value): node.targets[0].id.lower().replace("_", "-")
        for node in found.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def test_the_table_has_every_exit_code() -> None:
    section = DOCS.read_text().partition("## The doctor\n")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"(?m)^\| (\d+) \| *`?([a-z-]*)`? *\|", section))
    assert rows.pop("2") == ""  # wrong usage
    assert {int(code): name for code, name in rows.items()} == faults()


def test_the_oldest_drivers_are_those_that_the_index_shows() -> None:
    tree = ast.parse(CHECKS.read_text())
    (found,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "OLDEST_DRIVER"
    ]
    assert found == DRIVERS

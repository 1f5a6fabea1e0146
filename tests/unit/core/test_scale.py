"""The page about scale says what its script computes."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from builder.targets import load_targets

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "benchmarks/scale.py"


@pytest.fixture(scope="module")
def scale() -> ModuleType:
    spec = importlib.util.spec_from_file_location("scale_of_runs", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_on_the_page(scale: ModuleType) -> None:
    page = (ROOT / "docs/scale.md").read_text()
    for table in scale.tables():
        assert table in page, "run benchmarks/scale.py and paste its tables"


def test_the_targets_are_todays(scale: ModuleType) -> None:
    targets = load_targets()
    kinds = {
        cuda.label: len(cuda.default.real) + (cuda.default.ptx is not None)
        for cuda in targets.cudas
    }
    assert kinds == scale.CODES
    assert len(targets.pythons) == scale.PYTHONS

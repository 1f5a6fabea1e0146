"""The package's own names, and that using some of them stays cheap."""

from __future__ import annotations

import subprocess
import sys

import pytest

import builder.wheel


def test_every_name_is_there():
    for name in builder.wheel.__all__:
        assert callable(getattr(builder.wheel, name)), name
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = builder.wheel.nothing


def test_repair_is_the_function_however_it_is_imported():
    code = (
        "import builder.wheel.repair; from builder.wheel import repair; "
        "from builder.wheel.repair import repair as same; "
        "assert repair is same; assert callable(same)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_that_reads_elf_files_is_loaded_before_it_is_used():
    code = "import sys, builder.wheel; sys.exit('elftools' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

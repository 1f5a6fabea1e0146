"""What the tests share: drawn pictures, and the rule for tests that need a GPU."""

from __future__ import annotations

import dlib
import numpy as np
import pytest

NO_GPU = "not run (no GPU on this machine)"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "gpu: needs a GPU")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if dlib.cuda.get_num_devices() == 0:
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason=NO_GPU))


@pytest.fixture
def noise() -> np.random.Generator:
    return np.random.default_rng(7)

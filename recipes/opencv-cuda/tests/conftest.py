"""What every test needs: what the wheel was built for, and whether there is a GPU."""

import cv2
import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "gpu: needs an NVIDIA GPU")


def pytest_collection_modifyitems(items):
    if cv2.cuda.getCudaEnabledDeviceCount() > 0:
        return
    skip = pytest.mark.skip(reason="not run (no GPU on this machine)")
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(skip)

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from builder.build import verification
from builder.build.pipeline import Finished, Order, Workshop
from builder.build.verification import known_before, verify_finished
from builder.errors import FetchError
from builder.paths import Cache, report_path
from builder.plan.spec import BuildSpec
from builder.sandbox import NOTHING
from builder.store import Store
from builder.ui import Silent

Make = Callable[..., BuildSpec]
GOOD: dict[str, Any] = {
    "sha256": "a" * 64,
    "gpu": None,
    "checks": [
        {"name": "install", "outcome": "passed"},
        {"name": "gpu", "outcome": "not run", "reason": "no GPU on this machine"},
    ],
}


@pytest.fixture
def finished(spec: Make, recipe: Path, tmp_path: Path) -> Finished:
    (recipe / "tests").mkdir()
    (recipe / "tests/test_x.py").write_text("")
    os.utime(recipe / "tests/test_x.py", (1000, 1000))
    return Finished(
        order=Order(spec=spec(), recipe=recipe, max_size=None),
        wheel=tmp_path / "hello-1.0-py3-none-any.whl",
        sha256="a" * 64,
        size=1,
        fresh=False,
        facts={},
    )


def write(finished: Finished, **changes: Any) -> None:
    report_path(finished.wheel, "3.10").write_text(json.dumps({**GOOD, **changes}))


def test_a_wheel_that_passed_is_not_tried_again(
    finished: Finished, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(verification, "GPU_DEVICE", tmp_path / "none")
    write(finished)
    known = known_before(finished, ["3.10", "3.11"])
    assert list(known) == ["3.10"]
    assert known["3.10"].status == "passed"
    assert known["3.10"].before
    assert known["3.10"].note == "1 passed, 1 not run"


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "b" * 64},
        {"checks": []},
        {"checks": [{"name": "install", "outcome": "not run", "reason": "no Python"}]},
        {"checks": [{"name": "a", "outcome": "passed"}, {"name": "b", "outcome": "failed"}]},
    ],
    ids=["another wheel", "nothing", "not run", "failed"],
)
def test_anything_less_is_tried_again(finished: Finished, changes: dict[str, Any]) -> None:
    write(finished, **changes)
    assert known_before(finished, ["3.10"]) == {}


@pytest.mark.parametrize("text", ['{"sha256": ', "[]", "{}", '{"checks": [1]}', '{"checks": null}'])
def test_a_torn_report_counts_as_none(finished: Finished, text: str) -> None:
    report_path(finished.wheel, "3.10").write_text(text)
    assert known_before(finished, ["3.10"]) == {}


def test_changed_tests_are_run_again(finished: Finished) -> None:
    write(finished)
    (finished.order.recipe / "tests/test_x.py").write_text("def test_new(): ...")
    os.utime(finished.order.recipe / "tests/test_x.py", (1e12, 1e12))
    assert known_before(finished, ["3.10"]) == {}


def test_a_gpu_that_has_come_since_is_used(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = tmp_path / "nvidia0"
    monkeypatch.setattr(verification, "GPU_DEVICE", device)
    write(finished)
    assert known_before(finished, ["3.10"])
    device.touch()
    assert not known_before(finished, ["3.10"])
    write(finished, gpu="NVIDIA T4")
    assert known_before(finished, ["3.10"])


def test_verifying_installs_no_toolchain_and_keeps_what_was_found(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_toolchain(*_: Any, **__: Any) -> None:
        pytest.fail("uv alone is needed")

    def verify_all(wheel: Path, *_: Any, **__: Any) -> None:
        report_path(wheel, "3.10").write_text("{}")
        raise FetchError("the network went away after the first Python")

    stored = tmp_path / "store" / finished.wheel.name
    stored.parent.mkdir()
    entry = SimpleNamespace(wheel=stored, record=SimpleNamespace(sha256=finished.sha256))
    monkeypatch.setattr("builder.toolchain.install", no_toolchain)
    monkeypatch.setattr("builder.verify.uv.find_uv", lambda cache, reporter: tmp_path / "uv")
    monkeypatch.setattr("builder.verify.verify_all", verify_all)
    monkeypatch.setattr("builder.verify.Trial.of", lambda recipe, folder: None)
    monkeypatch.setattr(Store, "get", lambda self, key: entry)
    shop = Workshop(
        cache=Cache(root=tmp_path / "cache"),
        dist=tmp_path,
        capability=NOTHING,
        reporter=Silent(),
    )
    recipe: Any = None  # only handed on
    with pytest.raises(FetchError):
        verify_finished(finished, recipe, ["3.10", "3.11"], shop)
    assert report_path(stored, "3.10").read_text() == "{}"

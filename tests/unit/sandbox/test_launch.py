import dataclasses
import json
import os
import sys
from pathlib import Path

import pytest

from builder.sandbox import Capability, Mount, Sandbox
from builder.sandbox import capability as probing
from builder.sandbox.capability import ENTER, LADDER, NOTHING

FULL = LADDER[0]
MOUNTS = (
    Mount(name="host", source=Path("/cache/toolchains/host-1")),
    Mount(name="build", source=Path("/cache/work/k/build"), writable=True),
)


def test_paths_are_fixed_only_where_folders_can_be_shown_there() -> None:
    assert Sandbox(mounts=MOUNTS, capability=FULL).path("host") == Path("/mnt/wheelhouse/host")
    bare = Sandbox(mounts=MOUNTS, capability=NOTHING)
    assert bare.path("build") == Path("/cache/work/k/build")
    with pytest.raises(KeyError):
        bare.path("other")


@pytest.mark.parametrize(
    ("capability", "wanted", "has"),
    [(FULL, False, False), (FULL, True, True), (LADDER[2], False, True), (NOTHING, False, True)],
)
def test_the_network_stays_where_it_cannot_go_or_is_needed(
    capability: Capability, wanted: bool, has: bool
) -> None:
    assert Sandbox(mounts=(), capability=capability, network=wanted).has_network is has


def test_the_launchers_plan(tmp_path: Path) -> None:
    sandbox = Sandbox(mounts=MOUNTS, capability=FULL)
    command = sandbox.command(
        [Path("/bin/true"), "x y"],
        env={"A": "b"},
        cwd=Path("/mnt/wheelhouse/build"),
        scratch=tmp_path,
    )
    assert command == [sys.executable, "-I", str(ENTER), str(tmp_path / "launch.json")]
    plan = json.loads((tmp_path / "launch.json").read_text())
    assert plan == {
        "parent": os.getpid(),
        "argv": ["/bin/true", "x y"],
        "env": {"A": "b"},
        "cwd": "/mnt/wheelhouse/build",
        "namespace": True,
        "network": False,
        "processes": True,
        "mounts": [
            ["/cache/toolchains/host-1", "/mnt/wheelhouse/host", False],
            ["/cache/work/k/build", "/mnt/wheelhouse/build", True],
        ],
        "status": str(tmp_path / "launch.status"),
    }
    # It may hold a remote cache's credentials.
    assert (tmp_path / "launch.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("works", [0, 1, 2, 3])
def test_the_ladder_ends_at_the_most_that_works(
    works: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Capability] = []

    def attempt(step: Capability) -> str | None:
        tried.append(step)
        return None if len(tried) > works else f"no {len(tried)}"

    monkeypatch.setattr(probing, "attempt", attempt)
    monkeypatch.setattr(probing, "KNOBS", ())
    found = probing.probe.__wrapped__()
    expected = (*LADDER, NOTHING)[works]
    plain = {"reason": None, "refused": None}
    assert dataclasses.replace(found, **plain) == dataclasses.replace(expected, **plain)
    if works == 0:
        assert found.reason is None
        assert found.refused is None
    else:
        assert found.reason is not None
        assert found.reason.startswith("no 1"), "the first thing that did not work is what to mend"
        assert found.refused == probing.REFUSED


def test_the_kernels_own_switch_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    knob = tmp_path / "max_user_namespaces"
    knob.write_text("0\n")
    monkeypatch.setattr(probing, "KNOBS", ((str(knob), "0", "they are switched off"),))
    assert probing.explain("unshare: EPERM").startswith(f"they are switched off ({knob} is 0)")
    monkeypatch.setattr(probing, "attempt", lambda step: "unshare: EPERM")
    assert probing.probe.__wrapped__().refused == "they are switched off"  # no path in it
    knob.write_text("100\n")
    assert "container" in probing.explain("unshare: EPERM")

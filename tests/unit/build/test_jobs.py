from pathlib import Path

import pytest

from builder.build import jobs
from builder.build.jobs import Machine, jobs_for, this_machine

GIB = 1024**3


@pytest.mark.parametrize(
    ("cores", "memory", "expected"),
    [
        (8, 64 * GIB, 8),
        (8, 8 * GIB, 4),
        (8, GIB, 1),
        (8, None, 8),
        (1.5, 64 * GIB, 2),
        (0.2, 64 * GIB, 1),
    ],
)
def test_the_scarcer_of_cores_and_memory_decides(
    cores: float, memory: int | None, expected: int
) -> None:
    assert jobs_for(Machine(cores=cores, memory=memory)) == expected


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(jobs.os, "sched_getaffinity", lambda pid: set(range(16)))
    write(tmp_path, "proc/meminfo", "MemTotal:       33554432 kB\nMemFree: 1 kB\n")
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_without_control_groups(root: Path) -> None:
    assert this_machine(root) == Machine(cores=16, memory=32 * GIB)


def test_control_groups_version_2(root: Path) -> None:
    write(root, "sys/fs/cgroup/cpu.max", "250000 100000\n")
    write(root, "sys/fs/cgroup/memory.max", f"{4 * GIB}\n")
    assert this_machine(root) == Machine(cores=2.5, memory=4 * GIB)
    write(root, "sys/fs/cgroup/cpu.max", "max 100000\n")
    write(root, "sys/fs/cgroup/memory.max", "max\n")
    assert this_machine(root) == Machine(cores=16, memory=32 * GIB)


def test_control_groups_version_1(root: Path) -> None:
    write(root, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "400000\n")
    write(root, "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")
    write(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", f"{6 * GIB}\n")
    assert this_machine(root) == Machine(cores=4, memory=6 * GIB)
    write(root, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
    write(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    assert this_machine(root) == Machine(cores=16, memory=32 * GIB)

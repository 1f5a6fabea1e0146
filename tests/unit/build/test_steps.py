"""What ninja noted of a build's steps stays beside the build's log."""

from __future__ import annotations

from pathlib import Path

from builder.build.compile import keep_steps


def test_kept_beside_the_log(tmp_path: Path) -> None:
    build, log = tmp_path / "build", tmp_path / "logs" / "opencv-cuda-cu124-0123abcd.log"
    build.mkdir()
    log.parent.mkdir()
    keep_steps(build, log)  # configuring failed: there is nothing to keep
    assert list(log.parent.iterdir()) == []
    (build / ".ninja_log").write_text("# ninja log v6\n")
    keep_steps(build, log)
    keep_steps(build, log)  # a second build of the same key
    kept = log.with_name("opencv-cuda-cu124-0123abcd.ninja_log")
    assert kept.read_text() == "# ninja log v6\n"
    assert list(log.parent.iterdir()) == [kept]

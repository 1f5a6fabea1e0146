"""What may be published of a week's wheels, and which Pythons the index may speak of then."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import pytest

from builder.verify.choice import Choice, Live, Reports, choose
from builder.verify.report import Check, VerifyReport
from index.model import File
from index.records import Record

TARGETS = ("3.10", "3.11", "3.12", "3.13")
ABI3 = "cp39-abi3-manylinux_2_31_x86_64"


def record(
    name: str = "tiny_gpu",
    version: str = "2.0+cu118",
    tag: str = ABI3,
    *,
    needs: str | None = None,
    companion_of: str | None = None,
    requires_python: str | None = None,
) -> Record:
    filename = f"{name}-{version}-1-{tag}.whl"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {needs}"] if needs else []
    metadata = "\n".join([*lines, ""])
    return Record(
        filename=filename,
        name=name.replace("_", "-"),
        version=version,
        build_tag="1",
        tags=(tag,),
        requires_python=requires_python,
        sha256=hashlib.sha256(filename.encode()).hexdigest(),
        size=1,
        metadata=metadata,
        metadata_sha256=hashlib.sha256(metadata.encode()).hexdigest(),
        cuda=version.partition("+")[2] or None,
        companion_of=companion_of,
    )


def tried(
    wheel: Record, python: str, *, failed: str | None = None, sha256: str | None = None
) -> dict[tuple[str, str], VerifyReport]:
    """A report, as an entry of all reports."""
    checks = [Check(name="install", outcome="passed")]
    if failed:
        checks.append(Check(name=failed, outcome="failed", reason="no kernel"))
    report = VerifyReport(
        wheel=wheel.filename,
        sha256=sha256 or wheel.sha256,
        python=python,
        checks=tuple(checks),
    )
    return {(wheel.filename, python): report}


def passed(*wheels: Record, under: tuple[str, ...]) -> dict[tuple[str, str], VerifyReport]:
    return {
        key: one
        for wheel in wheels
        for python in under
        for key, one in tried(wheel, python).items()
    }


def live(*wheels: Record, pythons: tuple[str, ...] = ("3.10", "3.11")) -> Live:
    versions = {(one.name, one.version) for one in wheels}
    return Live(
        pythons=pythons,
        offered=tuple(File.of_wheel(one) for one in wheels),
        held=lambda name, version, cuda: (name, version) in versions,
    )


GOOD, OTHER = record(), record("other_gpu")


def test_one_that_fails_keeps_back_itself_alone() -> None:
    both = ("3.10", "3.11")
    reports = passed(GOOD, OTHER, under=both) | tried(OTHER, "3.11", failed="import other_gpu")
    choice = choose([GOOD, OTHER], reports, pythons=both, targets=TARGETS, live=live())
    assert choice.chosen == (GOOD.filename,)
    assert choice.kept_back == {
        OTHER.filename: f"{OTHER.filename} failed under Python 3.11: import other_gpu (no kernel)"
    }
    assert choice.pythons == both


@pytest.mark.parametrize(
    ("reports", "why"),
    [
        ({}, "was not tried under Python 3.10"),
        (tried(GOOD, "3.10"), "was not tried under Python 3.11"),
        (passed(GOOD, under=("3.10",)) | tried(GOOD, "3.11", sha256="0" * 64), "of other bytes"),
        (
            passed(GOOD, under=("3.10",))
            | {
                (GOOD.filename, "3.11"): VerifyReport(
                    wheel=GOOD.filename,
                    sha256=GOOD.sha256,
                    python="3.11",
                    checks=(Check(name="install", outcome="not run", reason="no such Python"),),
                )
            },
            "was not tried under Python 3.11",
        ),
    ],
)
def test_what_was_not_tried_everywhere_stays(
    reports: Mapping[tuple[str, str], VerifyReport], why: str
) -> None:
    choice = choose([GOOD], reports, pythons=("3.10", "3.11"), targets=TARGETS, live=live())
    assert choice.chosen == ()
    assert why in choice.kept_back[GOOD.filename]


def test_what_pins_one_that_stays_stays_and_so_does_what_pins_that() -> None:
    main = record("main_gpu", needs="empty==1.0+cu118")
    empty = record(
        "empty", "1.0+cu118", "py3-none-any", needs="main-gpu==2.0+cu118", companion_of="main-gpu"
    )
    above = record("above_gpu", needs="main-gpu==2.0+cu118")
    everything = [main, empty, above, GOOD]
    good = passed(main, above, GOOD, under=("3.10",))
    there = live(pythons=("3.10",))

    def chosen(records: Sequence[Record], reports: Reports, there: Live = there) -> Choice:
        return choose(records, reports, pythons=("3.10",), targets=TARGETS, live=there)

    assert len(chosen(everything, good).chosen) == 4
    choice = chosen(everything, good | tried(main, "3.10", failed="tests"))
    assert choice.chosen == (GOOD.filename,)
    assert "it needs main-gpu==2.0+cu118" in choice.kept_back[empty.filename]
    assert "it needs main-gpu==2.0+cu118" in choice.kept_back[above.filename]
    # What is in the index already is there for whoever pins it.
    pinned = live(main, empty, pythons=("3.10",))
    assert chosen([above], good, pinned).chosen == (above.filename,)
    # A wheel whose companion was lost on the way helps nobody.
    assert chosen([main], good).chosen == ()


def test_before_the_first_publication_it_must_pass_under_everything_asked_for() -> None:
    both = ("3.10", "3.11")
    reports = passed(GOOD, OTHER, under=both) | tried(OTHER, "3.11", failed="tests")
    choice = choose([GOOD, OTHER], reports, pythons=both, targets=TARGETS, live=Live())
    assert choice.chosen == (GOOD.filename,)
    assert choice.pythons == both, "of what is published, everything passed under both"


def test_a_new_python_keeps_no_wheel_back_and_is_not_advertised_where_one_fails() -> None:
    old = ("3.10", "3.11")
    reports = passed(GOOD, under=old) | tried(GOOD, "3.12", failed="import tiny_gpu")
    choice = choose([GOOD], reports, pythons=(*old, "3.12"), targets=TARGETS, live=live())
    assert choice.chosen == (GOOD.filename,)
    assert choice.pythons == old
    assert "failed under Python 3.12: import tiny_gpu" in choice.waiting["3.12"]


def test_a_new_python_is_advertised_when_all_that_is_published_passed_under_it() -> None:
    asked = ("3.10", "3.11", "3.12")
    before = live(GOOD, OTHER)
    choice = choose([], passed(GOOD, under=("3.12",)), pythons=asked, targets=TARGETS, live=before)
    assert choice.pythons == ("3.10", "3.11")
    assert choice.waiting == {"3.12": f"{OTHER.filename} was not tried under Python 3.12"}
    reports = passed(GOOD, OTHER, under=("3.12",))
    choice = choose([], reports, pythons=asked, targets=TARGETS, live=before)
    assert choice.pythons == asked
    assert not choice.waiting
    assert not choice.chosen


def test_a_new_build_stands_for_the_published_one_it_replaces() -> None:
    newer = record(version="3.0+cu118")
    asked = ("3.10", "3.11", "3.12")
    reports = passed(newer, under=asked)
    choice = choose([newer], reports, pythons=asked, targets=TARGETS, live=live(GOOD))
    assert choice.pythons == asked
    # Where it is kept back, the old one stays what installers take, and was not tried.
    bad = reports | tried(newer, "3.10", failed="tests")
    choice = choose([newer], bad, pythons=asked, targets=TARGETS, live=live(GOOD))
    assert choice.pythons == ("3.10", "3.11")
    assert GOOD.filename in choice.waiting["3.12"]


def test_a_wheel_for_one_python_is_asked_about_that_one_alone() -> None:
    asked = ("3.10", "3.11", "3.12")
    wheels = [
        record(tag=f"cp3{minor}-cp3{minor}-manylinux_2_31_x86_64") for minor in ("10", "11", "12")
    ]
    reports = {
        key: one
        for wheel, python in zip(wheels, asked, strict=True)
        for key, one in tried(wheel, python).items()
    }
    choice = choose(wheels, reports, pythons=asked, targets=TARGETS, live=live())
    assert len(choice.chosen) == 3
    assert choice.pythons == asked
    lost = {key: one for key, one in reports.items() if key[1] != "3.12"}
    choice = choose(wheels, lost, pythons=asked, targets=TARGETS, live=live())
    assert len(choice.chosen) == 2, "one for a new Python alone must pass under that"
    assert choice.pythons == ("3.10", "3.11")


def test_a_python_that_nothing_serves_is_not_advertised() -> None:
    only = record(requires_python="<3.12")
    reports = passed(only, under=("3.10", "3.11"))
    asked = ("3.10", "3.11", "3.12")
    choice = choose([only], reports, pythons=asked, targets=TARGETS, live=live())
    assert choice.chosen == (only.filename,)
    assert choice.pythons == ("3.10", "3.11")
    nobody = choose([only], reports, pythons=("3.12",), targets=TARGETS, live=live())
    assert "none of the Pythons asked for" in nobody.kept_back[only.filename]


def test_a_python_that_is_no_target_any_more_is_advertised_no_more() -> None:
    reports = passed(GOOD, under=("3.10",))
    choice = choose(
        [GOOD], reports, pythons=("3.10",), targets=TARGETS, live=live(pythons=("3.9", "3.10"))
    )
    assert choice.chosen == (GOOD.filename,)
    assert choice.pythons == ("3.10",)

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.build import run as running
from builder.build.pipeline import Finished, Order, Workshop
from builder.build.run import Outcome, Wishes, carry_out, require_disk
from builder.build.verification import Verified, outcome
from builder.cli.build_report import as_data, one_line, table
from builder.errors import CompileError, FetchError, MachineError, PlanError, VerifyError
from builder.paths import Cache
from builder.plan.cost import Cost
from builder.plan.plan import Plan, Row, State
from builder.plan.spec import BuildSpec
from builder.recipe import Recipe
from builder.sandbox import NOTHING
from builder.targets import Target
from builder.ui import Silent
from builder.verify import Check, VerifyReport

Make = Callable[..., BuildSpec]
COST = Cost(download=12_000_000, cached=0, unknown=("a",), disk=1000, licence=None)


def recipe_named(name: str) -> Recipe:
    return Recipe.model_validate(
        {
            "schema": 1,
            "name": name,
            "version": "1.0",
            "revision": 1,
            "summary": "x",
            "wheel": {
                "py-api": "py3",
                "requires-python": ">=3.10",
                "imports": ["x"],
                "max-size": "1 MB",
            },
            "profile": {"full": {}},
        }
    )


@pytest.fixture
def row(spec: Make, recipe: Path) -> Callable[..., Row]:
    def make(name: str, state: State = State.BUILD, why: str | None = None) -> Row:
        possible = state not in (State.IMPOSSIBLE, State.NOT_HERE)
        return Row(
            recipe=recipe_named(name),
            folder=recipe,
            cuda="cu118",
            profile="full",
            targets=(
                Target(cuda="cu118", python="3.10"),
                Target(cuda="cu118", python="3.11"),
            ),
            spec=spec(recipe=name) if possible else None,
            state=state,
            why=why,
        )

    return make


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(
        cache=Cache(root=tmp_path / "cache"),
        dist=tmp_path / "dist",
        capability=NOTHING,
        reporter=Silent(),
    )


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What was built; a recipe called ``bad`` does not compile."""
    names: list[str] = []

    def build(order: Order, shop: Workshop) -> Finished:
        if order.spec.recipe == "bad":
            raise CompileError("it did not compile\nmore")
        names.append(order.spec.recipe)
        return Finished(
            order=order,
            wheel=tmp_path / f"{order.spec.recipe}.whl",
            sha256="a" * 64,
            size=20_100_000,
            fresh=True,
            facts={"steps": 3},
        )

    monkeypatch.setattr(running, "build", build)
    return names


def report(python: str, result: str = "passed", reason: str | None = None) -> VerifyReport:
    check = Check(name="install", outcome=result, reason=reason)
    return VerifyReport(wheel="x.whl", sha256="a" * 64, python=python, checks=(check,))


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The Pythons tried; 3.11 is not on this machine."""
    tried: list[str] = []

    def verify(finished: Any, recipe: Any, pythons: list[str], shop: Any, **rest: Any) -> Any:
        tried.extend(pythons)
        missing = {"3.11": ("not run", "no Python 3.11 on this machine")}
        return [report(python, *missing.get(python, ("passed", None))) for python in pythons]

    monkeypatch.setattr(running, "verify_finished", verify)
    return tried


def plan(*rows: Row, cost: Cost = COST) -> Plan:
    return Plan(rows=rows, cost=cost)


def test_each_row_is_built_and_verified_under_each_python(
    row: Callable[..., Row], shop: Workshop, built: list[str], verified: list[str]
) -> None:
    outcomes = carry_out(plan(row("one"), row("two", State.STORED)), shop, Wishes())
    assert built == ["one", "two"]
    assert verified == ["3.10", "3.11"] * 2
    assert [v.status for v in outcomes[0].verified] == ["passed", "not run"]
    assert all(one.error is None for one in outcomes)


def test_no_verify(
    row: Callable[..., Row], shop: Workshop, built: list[str], verified: list[str]
) -> None:
    (one,) = carry_out(plan(row("one")), shop, Wishes(verify=False))
    assert verified == []
    assert one.verified == ()


def test_a_missing_python_is_an_error_where_it_is_required(
    row: Callable[..., Row], shop: Workshop, built: list[str], verified: list[str]
) -> None:
    with pytest.raises(VerifyError, match=r"3\.11"):
        carry_out(plan(row("one")), shop, Wishes(require_verify=True))


def test_only_what_is_not_known_is_tried(
    row: Callable[..., Row],
    shop: Workshop,
    built: list[str],
    verified: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = Verified(python="3.10", status="passed", note="3 passed", before=True)
    monkeypatch.setattr(running, "known_before", lambda finished, pythons: {"3.10": known})
    (one,) = carry_out(plan(row("one")), shop, Wishes())
    assert verified == ["3.11"]
    assert one.verified[0] is known
    assert "verified before" in table([one])


def test_the_first_error_ends_everything(
    row: Callable[..., Row], shop: Workshop, built: list[str], verified: list[str]
) -> None:
    with pytest.raises(CompileError):
        carry_out(plan(row("bad"), row("two")), shop, Wishes())
    assert built == []


def test_keep_going_goes_on_and_remembers(
    row: Callable[..., Row], shop: Workshop, built: list[str], verified: list[str]
) -> None:
    rows = (row("bad"), row("three", State.IMPOSSIBLE, "no such GPU"), row("two"))
    outcomes = carry_out(plan(*rows), shop, Wishes(keep_going=True))
    assert built == ["two"]
    errors = [type(one.error) for one in outcomes]
    assert errors == [CompileError, PlanError, type(None)]
    assert "failed: it did not compile" in table(outcomes)
    data = as_data(outcomes)["wheels"]
    assert [one["error"] and one["error"]["exit"] for one in data] == [7, 4, None]


def test_an_impossible_row_stops_before_anything_starts(
    row: Callable[..., Row], shop: Workshop, built: list[str], verified: list[str]
) -> None:
    with pytest.raises(PlanError, match="no such GPU"):
        carry_out(plan(row("one"), row("x", State.IMPOSSIBLE, "no such GPU")), shop, Wishes())
    assert built == []


def test_too_little_disk_is_said_before_anything_starts(
    row: Callable[..., Row], shop: Workshop, built: list[str], verified: list[str]
) -> None:
    huge = Cost(download=0, cached=0, unknown=(), disk=10**18, licence=None)
    with pytest.raises(MachineError, match=r"need about 1000000000\.0 GB") as caught:
        carry_out(plan(row("one"), cost=huge), shop, Wishes())
    assert "--cache-dir" in (caught.value.remedy or "")
    assert built == []
    require_disk(plan(row("one")), Path("/nonexistent/deeper"))


def test_the_line_before_says_what_it_costs(row: Callable[..., Row]) -> None:
    text = one_line(plan(row("one"), row("two", State.STORED)))
    assert text == (
        "2 wheels: 1 to build, 1 in the store, 12.0 MB and 1 file of unknown size to download, "
        "about 1 kB of disk"
    )
    assert one_line(plan(row("two", State.STORED))) == "1 wheel: nothing to build, 1 in the store"


def test_the_last_table(
    row: Callable[..., Row], shop: Workshop, built: list[str], verified: list[str]
) -> None:
    outcomes = carry_out(plan(row("one")), shop, Wishes())
    lines = table(outcomes).splitlines()
    assert lines[0].endswith("one.whl")
    assert lines[1] == f"  20.1 MB, sha256 {'a' * 64}"
    assert outcomes[0].row.key in lines[2]
    assert lines[3] == "  Python 3.10: passed (1 passed)"
    assert lines[4] == "  Python 3.11: not run (no Python 3.11 on this machine)"
    assert "not verified" in table([Outcome(row=row("x"), finished=outcomes[0].finished)])


def test_a_failed_check_is_a_failure() -> None:
    assert outcome(report("3.10", "failed", "no")).status == "failed"


def test_a_network_that_fails_after_the_build_is_an_error_and_not_a_failed_wheel(
    row: Callable[..., Row], shop: Workshop, built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise FetchError("its dependencies could not be fetched")

    monkeypatch.setattr(running, "verify_finished", unreachable)
    with pytest.raises(FetchError):
        carry_out(plan(row("one")), shop, Wishes())
    (one,) = carry_out(plan(row("one")), shop, Wishes(keep_going=True))
    assert one.finished is not None
    assert one.verified == ()
    assert isinstance(one.error, FetchError)
    assert "not verified: its dependencies could not be fetched" in table([one])

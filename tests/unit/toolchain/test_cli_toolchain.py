from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from builder.cli.main import cli
from builder.cli.toolchain import chosen
from builder.errors import ToolchainError, UsageError
from builder.toolchain.model import Toolchain

KNOWN = ("cu118", "cu124", "cu130")


@pytest.mark.parametrize(
    ("selectors", "labels"),
    [
        (("cu118",), ("cu118",)),
        (("cu13*", "cu118"), ("cu118", "cu130")),
        (("cu1*",), KNOWN),
        (("all", "cu118"), KNOWN),
        ((), ()),
    ],
)
def test_selectors(selectors: tuple[str, ...], labels: tuple[str, ...]) -> None:
    assert chosen(selectors, KNOWN) == labels


def test_a_selector_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        chosen(("cu118", "cu9*"), KNOWN)
    assert "cu9*" in str(caught.value)
    assert "cu118, cu124, cu130" in str(caught.value)


def run(tmp_path: Path, *arguments: str) -> str:
    found = CliRunner().invoke(
        cli, ["--cache-dir", str(tmp_path), "toolchain", *arguments], catch_exceptions=False
    )
    assert found.exit_code == 0, found.output
    return found.stdout


def test_list_as_data(tmp_path: Path) -> None:
    found = json.loads(run(tmp_path, "list", "--json"))
    assert found["schema_version"] == 1
    rows = {row["label"]: row for row in found["toolchains"]}
    assert {"host", "cu118", "cu124", "cu126", "cu128", "cu129", "cu130"} <= set(rows)
    assert rows["cu118"]["path"] is None
    assert rows["cu118"]["download"] > 10**9
    assert rows["cu126"]["provider"] == "NVIDIA's archive"


def test_list_for_people(tmp_path: Path) -> None:
    lines = run(tmp_path, "list").splitlines()
    assert lines[0].startswith("label")
    assert any(line.startswith("cu118") and line.endswith("no") for line in lines)


def test_path_of_what_is_not_installed_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match="builder toolchain install cu118"):
        run(tmp_path, "path", "cu118")


def test_removing_nothing_says_so(tmp_path: Path) -> None:
    assert run(tmp_path, "remove", "cu118", "host").splitlines() == [
        "cu118: nothing was installed",
        "host: nothing was installed",
    ]


@pytest.mark.parametrize("verb", ["install", "list", "path", "remove"])
def test_help_has_examples(tmp_path: Path, verb: str) -> None:
    assert f"builder toolchain {verb}" in run(tmp_path, verb, "--help").partition("Examples")[2]


def test_the_host_is_one_prefix_and_printed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, cuda = tmp_path / "host-1", tmp_path / "cu118-1"

    def installed(label: str, _: object) -> Toolchain:
        return Toolchain(label=label, digest="0", host=host, cuda=host if label == "host" else cuda)

    monkeypatch.setattr("builder.toolchain.installed", installed)
    assert run(tmp_path, "path", "host") == f"{host}\n"
    assert run(tmp_path, "path", "cu118") == f"{host}\n{cuda}\n"

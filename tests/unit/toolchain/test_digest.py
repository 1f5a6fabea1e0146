from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from builder.toolchain import digest as module
from builder.toolchain.digest import prefix_name, toolchain_digest
from builder.toolchain.pins import load_pins

Make = Callable[..., Path]
LABELS = ("cu118", "cu124", "cu126")


def digests(data: Path) -> dict[str, str]:
    return {label: toolchain_digest(label, data=data) for label in LABELS}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {label for label in LABELS if before[label] != after[label]}


@pytest.mark.parametrize(
    ("what", "labels"),
    [
        ({"cu118": "e"}, {"cu118"}),
        ({"cu124": "e"}, {"cu124"}),
        ({"manifest": "e"}, {"cu126"}),
        ({"host": "e"}, set(LABELS)),
    ],
)
def test_a_changed_hash_changes_what_depends_on_it_and_nothing_else(
    tmp_path: Path, make_data: Make, what: dict[str, str], labels: set[str]
) -> None:
    before = digests(make_data(tmp_path / "before"))
    assert changed(before, digests(make_data(tmp_path / "after", **what))) == labels


@pytest.mark.parametrize(
    ("old", "new", "labels"),
    [
        ("mirrors = [", "mirrors = ['https://elsewhere.example/x', ", set()),
        ("size = 100", "size = 101", set()),
        ("installed_size = 200", "installed_size = 201", set()),
        ('"usr/bin" = "bin"', '"usr/bin" = "binaries"', {"cu118"}),
        ('filename = "nvcc_1_', 'filename = "nvcc_2_', {"cu118"}),
        ('version = "11.8.89"', 'version = "11.8.90"', {"cu118"}),
        ("# nothing", "# a remark", set()),
    ],
)
def test_only_what_can_change_the_content_counts(
    tmp_path: Path, make_data: Make, old: str, new: str, labels: set[str]
) -> None:
    before, after = make_data(tmp_path / "before"), make_data(tmp_path / "after")
    path = after / "cu118.toml"
    text = path.read_text() + "# nothing\n"
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert changed(digests(before), digests(after)) == labels


def test_a_new_layout_changes_every_digest(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digests(data)
    monkeypatch.setattr(module, "LAYOUT_FORMAT", module.LAYOUT_FORMAT + 1)
    assert changed(before, digests(data)) == set(LABELS)


def test_the_folders_name_is_label_and_twelve_digits(data: Path) -> None:
    name = prefix_name(load_pins("cu118", data=data), data=data)
    label, _, digits = name.partition("-")
    assert (label, len(digits)) == ("cu118", 12)

"""Why two build keys differ: their specs compared part by part. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from builder.plan.spec import BuildSpec

ABSENT, EMPTY = "(none)", "(empty)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One part that differs; ``str()`` gives ``path: old -> new``."""

    path: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.path}: {self.old} -> {self.new}"


def differences(old: BuildSpec, new: BuildSpec) -> tuple[Difference, ...]:
    """Everything in the keys of two specs that differs, by path; empty when the keys are equal."""
    return compare(old.keyed(), new.keyed())


def unkeyed_differences(old: BuildSpec, new: BuildSpec) -> tuple[Difference, ...]:
    """What differs besides, and cannot change the wheel's bytes (mirrors, sizes, addresses)."""
    everything = compare(old.model_dump(mode="json"), new.model_dump(mode="json"))
    keyed = {one.path for one in differences(old, new)}
    return tuple(one for one in everything if one.path not in keyed)


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Difference, ...]:
    """The differences between two specs' plain data."""
    left, right = dict(_flat("", dict(old))), dict(_flat("", dict(new)))
    return tuple(
        Difference(path=path, old=left.get(path, ABSENT), new=right.get(path, ABSENT))
        for path in sorted({*left, *right})
        if left.get(path) != right.get(path)
    )


# Any: whatever JSON can hold, nested to any depth.
def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 -- any JSON
    """Every leaf with its path; lists become tables, so that one more entry is one line."""
    if isinstance(value, dict):
        for key in value:
            yield from _flat(f"{path}.{key}" if path else str(key), value[key])
    elif isinstance(value, list):
        yield from _flat_list(path, value)
    else:
        yield path, ABSENT if value is None else str(value) or EMPTY


def _flat_list(path: str, value: list[Any]) -> Iterator[tuple[str, str]]:
    if value and all(isinstance(one, dict) and "name" in one for one in value):
        names = [str(one["name"]) for one in value]
        for name, one in zip(names, value, strict=True):
            yield from _flat(f"{path}.{name}", {k: v for k, v in one.items() if k != "name"})
    elif value and all(isinstance(one, list) and len(one) == 2 for one in value):
        names = [str(name) for name, _ in value]
        for name, content in value:
            yield f"{path}.{name}", str(content) or EMPTY
    else:
        names = [str(one) for one in value]
        for name in names:
            yield f"{path}[{name}]", "yes"
    # The order of sources, patches and run paths counts too.
    if names != sorted(names):
        yield f"{path} (order)", ", ".join(names)

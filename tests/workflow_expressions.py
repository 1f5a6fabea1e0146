"""As much of GitHub's expressions as the workflows here use: contexts, operators, functions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>\d+)|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)"
    r"|(?P<sign>\|\||&&|==|!=|[!().,\[\]]))"
)
_WHOLE = re.compile(r"\s*\$\{\{(.*)\}\}\s*", re.DOTALL)
_INSIDE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
Contexts = Mapping[str, Any]
Functions = Mapping[str, Callable[..., Any]]
STATUS = ("always", "cancelled", "failure", "success")
CONSTANTS = {"true": True, "false": False, "null": None}


def fill(value: Any, contexts: Contexts, functions: Functions) -> Any:
    """A value from a workflow with every ``${{ … }}`` in it worked out."""
    if isinstance(value, dict):
        return {key: fill(one, contexts, functions) for key, one in value.items()}
    if isinstance(value, list):
        return [fill(one, contexts, functions) for one in value]
    if not isinstance(value, str):
        return value
    if (whole := _WHOLE.fullmatch(value)) and whole[1].count("${{") == 0:
        return work_out(whole[1], contexts, functions)
    return _INSIDE.sub(lambda found: shown(work_out(found[1], contexts, functions)), value)


def condition(text: str | None, contexts: Contexts, functions: Functions) -> bool:
    """An ``if:``; without a function of the status in it, everything before must have gone well."""
    bare = "success()" if text is None else str(text)
    whole = _WHOLE.fullmatch(bare)
    bare = whole[1] if whole else bare
    if not any(f"{name}(" in bare for name in STATUS):
        bare = f"success() && ({bare})"
    return truth(work_out(bare, contexts, functions))


def work_out(text: str, contexts: Contexts, functions: Functions) -> Any:
    """One expression's value."""
    tokens, at = [], 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        assert found, f"not understood: {text[at:]!r}"
        tokens.append((str(found.lastgroup), found[found.lastgroup or 0]))
        at = found.end()
    parser = _Parser(tokens, contexts, functions)
    value = parser.either()
    assert not parser.tokens, f"left over in {text!r}: {parser.tokens}"
    return value


def truth(value: Any) -> bool:
    return value not in (None, False, 0, "")


def shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value)


class _Parser:
    def __init__(
        self, tokens: list[tuple[str, str]], contexts: Contexts, functions: Functions
    ) -> None:
        self.tokens = tokens
        self.contexts = contexts
        self.functions = {
            "fromjson": json.loads,
            "tojson": lambda value: json.dumps(value, indent=2),
            "contains": _contains,
            "format": lambda text, *parts: text.format(*parts),
            **{name.lower(): one for name, one in functions.items()},
        }

    def take(self, *signs: str) -> str | None:
        if self.tokens and self.tokens[0] in [("sign", sign) for sign in signs]:
            return self.tokens.pop(0)[1]
        return None

    def either(self) -> Any:
        value = self.both()
        while self.take("||"):
            other = self.both()
            value = value if truth(value) else other
        return value

    def both(self) -> Any:
        value = self.compared()
        while self.take("&&"):
            other = self.compared()
            value = other if truth(value) else value
        return value

    def compared(self) -> Any:
        value = self.one()
        sign = self.take("==", "!=")
        if sign:
            same = shown(value).casefold() == shown(self.one()).casefold()
            return same is (sign == "==")
        return value

    def one(self) -> Any:
        if self.take("!"):
            return not truth(self.one())
        if self.take("("):
            value = self.either()
            assert self.take(")")
            return value
        kind, text = self.tokens.pop(0)
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return int(text)
        assert kind == "name", f"a name was expected, not {text!r}"
        if self.take("("):
            return self.call(text)
        if text in CONSTANTS:
            return CONSTANTS[text]
        assert text in self.contexts, f"there is no context '{text}' here"
        return self.member(self.contexts[text])

    def call(self, name: str) -> Any:
        arguments = []
        while not self.take(")"):
            arguments.append(self.either())
            self.take(",")
        return self.functions[name.lower()](*arguments)

    def member(self, value: Any) -> Any:
        while True:
            if self.take("."):
                key: Any = self.tokens.pop(0)[1]
            elif self.take("["):
                key = self.either()
                assert self.take("]")
            else:
                return value
            value = value.get(key) if isinstance(value, Mapping) else None


def _contains(where: Any, what: Any) -> bool:
    if isinstance(where, list):
        return what in where
    return shown(what).casefold() in shown(where).casefold()

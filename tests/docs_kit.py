"""The commands in the pages: found, read as their programs read them, run in a scratch folder.

A block of commands says behind its language how it is checked; pages do not show it.

    run [with PARTS]        run by bash (or Python), where the page's blocks above it ran
    parse                   each line is read by its program's own parser, and nothing is run
    needs=KIND: why         read like that too; it takes a GPU, an account, or hours
    file=NAME, append=NAME  (any language) put into that file for the blocks below
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click
from markdown_it import MarkdownIt
from pip._internal.commands import commands_dict, create_command

from builder.cli.main import cli

ROOT = Path(__file__).parents[1]
PAGES = (
    ROOT / "README.md",
    ROOT / "benchmarks/README.md",  # a page of the docs, too
    *sorted((ROOT / "docs").glob("*.md")),
)
COMMANDS = frozenset({"sh", "bash", "shell", "console", "python"})
MARK = re.compile(r"run( with (?P<parts>\w+(, \w+)*))?|parse|needs=(gpu|account|hours): \S.*")
FILE = re.compile(r"(file|append)=([\w.][\w./-]*)")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_OPERATORS = frozenset({"&&", "||", "|", ";", "&", "(", ")"})
_REDIRECTIONS = frozenset({">", ">>", "<", "<<"})
_ANYTHING = frozenset({"export", "cd", "sha256sum"})
"""Programs in blocks that are only read; what they are told is not looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: Its page.
        line: The line of its first fence, from 1.
        language: The first word behind the fence.
        mark: What follows it.
        text: What it holds; of a console session the commands alone.
    """

    page: Path
    line: int
    language: str
    mark: str
    text: str

    @property
    def where(self) -> str:
        """``docs/verify.md:9``."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def is_commands(self) -> bool:
        """Whether a person would type it."""
        return self.language in COMMANDS

    @property
    def parts(self) -> frozenset[str] | None:
        """What must lie in the scratch folder before it is run; None: it is not run."""
        found = MARK.fullmatch(self.mark)
        if not self.is_commands or found is None or not self.mark.startswith("run"):
            return None
        return frozenset((found["parts"] or "").split(", ")) - {""}

    @property
    def file(self) -> str | None:
        """The file it is put into for the blocks below."""
        found = FILE.fullmatch(self.mark)
        return found and found[2]

    @property
    def appends(self) -> bool:
        """Whether that file is there already."""
        return self.mark.startswith("append=")


def blocks(page: Path) -> list[Block]:
    """Every fenced block of a page, those in lists and quotes too."""
    return [
        Block(
            page=page,
            line=token.map[0] + 1 if token.map else 0,
            language=token.info.partition(" ")[0],
            mark=token.info.partition(" ")[2].strip(),
            text=_typed(token.content) if token.info.startswith("console") else token.content,
        )
        for token in _markdown().parse(page.read_text("utf-8"))
        if token.type == "fence" and not token.info.startswith("{")  # what Sphinx does itself
    ]


def spans(page: Path) -> Iterator[tuple[str, str]]:
    """Inline code of a page: where, and its text."""
    for token in _markdown().parse(page.read_text("utf-8")):
        for child in token.children or ():
            if child.type == "code_inline":
                line = token.map[0] + 1 if token.map else 0
                yield f"{page.relative_to(ROOT)}:{line}", child.content


def links(page: Path) -> Iterator[str]:
    """Where a page's links lead, as they are written."""
    for token in _markdown().parse(page.read_text("utf-8")):
        for child in token.children or ():
            if child.type == "link_open":
                yield str(child.attrs["href"])


def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")


def _typed(session: str) -> str:
    return "".join(f"{line[2:]}\n" for line in session.splitlines() if line.startswith("$ "))


# -- reading ------------------------------------------------------------------------------------


def simple_commands(text: str) -> Iterator[list[str]]:
    """Words of each command of a script, less assignments, redirections and here-documents."""
    script = re.sub(r"<<'(\w+)'(.*)\n(?s:.*?)\n\1\n", r"\2\n", text.replace("\\\n", " "))
    for line in script.splitlines():
        lexer = shlex.shlex(line.removeprefix("!"), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        skip = False
        for word in (*lexer, ";"):
            if word in _OPERATORS:
                if words:
                    yield words
                words = []
            elif word in _REDIRECTIONS:
                skip = True
            elif skip:
                skip = False
            elif words or not _ASSIGNMENT.fullmatch(word):
                words.append(word)


def read(words: list[str], *, strict: bool = True) -> str | None:
    """What the program of a command would say against its words, before it does anything.

    Args:
        words: The program and what it is told.
        strict: Whether programs without a parser here are refused.
    """
    program, told = Path(words[0]).name, words[1:]
    if program.startswith("python") and told[:2] == ["-m", "pip"]:
        program, told = "pip", told[2:]
    if program == "builder":
        return read_builder(told)
    if program == "pip":
        return read_pip(told)
    if strict and program not in _ANYTHING:
        return f"nothing here can read '{program}': run it, or say what it needs"
    return None


def read_builder(told: list[str]) -> str | None:
    """Click's own parser, down to the verb: options, arguments, their types. Nothing is called."""
    with ExitStack() as stack:
        command: click.Command = cli
        context: click.Context | None = None
        name: str | None = "builder"
        try:
            while True:
                context = command.make_context(name, list(told), parent=context)
                stack.enter_context(context.scope(cleanup=False))
                if not isinstance(command, click.Group):
                    return None
                left = [*context._protected_args, *context.args]
                name, found, told = command.resolve_command(context, left)
                assert found is not None
                command = found
        except click.exceptions.Exit:
            return None  # --help, --version
        except click.ClickException as error:
            return f"builder {name}: {error.format_message()}"


def read_span(text: str) -> str | None:
    """The same for a mention, which may leave out what must be given."""
    command: click.Command = cli
    known: set[str] = set()
    words = text.split()[1:]
    with click.Context(cli) as context:
        while words and isinstance(command, click.Group):
            known |= {option for one in command.params for option in one.opts}
            word = words.pop(0)
            if word.startswith("-"):
                words = [word, *words]
                break
            found = command.get_command(context, word)
            if found is None:
                return f"there is no verb '{word}'"
            command = found
    known |= {option for one in command.params for option in one.opts} | {"--help", "-h"}
    wrong = [word for word in words if word.startswith("--") and word not in known]
    return f"there is no option {' '.join(wrong)}" if wrong else None


def read_pip(told: list[str]) -> str | None:
    """Pip's own parser."""
    if not told or told[0] not in commands_dict:
        return f"pip has no command '{' '.join(told[:1])}'"
    try:
        create_command(told[0]).parse_args(told[1:])
    except SystemExit:
        return f"pip does not take: {shlex.join(told)}"
    return None

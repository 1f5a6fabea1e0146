"""Command groups that import a verb only when it is used: `--help` and small verbs stay quick."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import click


def lazy_group(
    package: str, verbs: Mapping[str, str], *, also: Mapping[str, str] | None = None
) -> type[click.Group]:
    """A group whose verbs are the ``command`` objects of the modules of ``package``.

    Args:
        package: Where the modules lie, such as ``builder.cli``.
        verbs: Verb (its module has the same name) and help line, in the order people need them.
        also: Other words that people say, and the verb that each means; no list shows them.
    """
    meant = also or {}

    class LazyGroup(click.Group):
        def list_commands(self, ctx: click.Context) -> list[str]:
            """The verbs in their order."""
            return list(verbs)

        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            """Import the verb's module and take its ``command``."""
            verb = meant.get(cmd_name, cmd_name)
            if verb not in verbs:
                return None
            command = importlib.import_module(f"{package}.{verb}").command
            assert isinstance(command, click.Command)
            return command

        def resolve_command(
            self, ctx: click.Context, args: list[str]
        ) -> tuple[str | None, click.Command | None, list[str]]:
            """The verb that is meant; of one that is not known, the nearest is named."""
            if args[0] not in {*verbs, *meant} and not args[0].startswith("-"):
                import difflib

                if near := difflib.get_close_matches(args[0], verbs, n=1):
                    ctx.fail(f"No such command '{args[0]}'. Did you mean '{near[0]}'?")
            return super().resolve_command(ctx, args)

        def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
            """List the verbs without importing any of them."""
            with formatter.section("Commands"):
                formatter.write_dl(list(verbs.items()))

    return LazyGroup

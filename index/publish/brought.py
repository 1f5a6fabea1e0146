"""The ledger of a site that somebody published: brought here, or seen to be nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from index.check.memory import ledger_folder
from index.check.source import Missing, Source, Unreadable
from index.errors import PublishError
from index.ledger import LEDGER_NAME


@contextmanager
def brought_ledger(source: Source, question: str) -> Iterator[Path | None]:
    """A folder with a site's ledger, for as long as the block lasts; None where there is none.

    Args:
        source: The site.
        question: What nobody can say where the site is out of reach: "whether …".

    Raises:
        PublishError: it is out of reach.
    """
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(ledger_folder(source))
        except Missing:
            yield None
            return
        except Unreadable as error:
            raise PublishError(
                f"{question} cannot be seen: {error}",
                remedy="run the same command again when it can be reached",
            ) from error
        yield folder if (folder / LEDGER_NAME).is_file() else None

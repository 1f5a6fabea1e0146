"""The lines to paste of a project's page: for each CUDA, and each way of installing.

By hand, not by a template, as the rows of files are: every project has half a dozen of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from index.pages.escaping import for_people as escape
from index.pages.offers import Block
from index.pages.templating import words

_NOTHING = (
    '<p class="note">No file of it is offered now: every one is yanked, or none is a wheel.</p>\n'
)


def install(blocks: Sequence[Block]) -> Markup:
    """The lines for a project's offers; a word of why where it has none."""
    text = "".join([_offer(block) for block in blocks]) or _NOTHING
    return Markup(text)  # noqa: S704 - escaped where it is filled in


def _offer(block: Block) -> str:
    name = escape(block.cuda_name)
    what = f"{name}, version {escape(block.version)}"
    lines = block.lines
    return (
        f'<div class="offer" data-cuda="{escape(block.cuda)}"'
        f' data-pythons="{escape(" ".join(block.pythons))}">\n'
        f'<p class="for">{name}, Python {escape(block.said) or "not known"}</p>\n'
        f"{_line('pip', lines.pip, what)}"
        f"{_line('uv', lines.uv, what)}"
        "<details>\n"
        "<summary>In a requirements file or a uv project"
        f'<span class="unseen">, {what}</span></summary>\n'
        '<p class="note">requirements.txt</p>\n'
        f"<pre><code>{escape(lines.requirements)}</code></pre>\n"
        '<p class="note">pyproject.toml, for uv: only this package comes from this index</p>\n'
        f"<pre><code>{escape(lines.uv_project)}</code></pre>\n"
        "</details>\n"
        "</div>\n"
    )


def _line(tool: str, text: str, what: str) -> str:
    """As the macro of that name; ``what`` is escaped already."""
    return (
        f'<div class="line"><span class="tool">{tool}</span><code>{words(text)}</code>'
        f'<button type="button" class="copy" aria-label="Copy the {tool} line, {what}" data-copy'
        " hidden>Copy</button></div>\n\n"
    )

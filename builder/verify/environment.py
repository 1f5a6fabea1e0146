"""A clean environment: made and filled by uv, and our wheel put in by pip from a real index."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from builder.errors import VerifyError
from builder.fetch.pipconfig import PipSettings
from builder.paths import home_folder
from builder.process import Completed, run
from builder.verify.clean import base_variables, pip_variables, uv_variables
from builder.verify.pythons import Interpreter
from index.model import File
from index.pages.plain import simple_pages
from index.records import Record
from index.serve import Server

PIP_VERSION = "26.3"
"""The newest pip this was made with; Colab's is 24.1.2."""
OUT_OF_REACH = ("Failed to fetch", "Request failed after", "error sending request")
"""What uv says when an index does not answer, and never about what it answered."""
SYSTEM = (Path("/"), Path("/usr"), Path("/usr/local"))
"""The same on every machine; nothing to hide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A clean environment in a scratch folder.

    Attributes:
        folder: The scratch folder; nothing is written outside it.
        interpreter: The Python it was made from.
        variables: The whole environment programs in it get.
        log: Where every command and its output go.
        tick: Called once a second while a program runs, or None.
    """

    folder: Path
    interpreter: Interpreter
    variables: Mapping[str, str]
    log: IO[str]
    tick: Callable[[], None] | None = None

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.folder / "env/bin/python"

    @property
    def site_packages(self) -> Path:
        """Where packages are installed."""
        return self.folder / f"env/lib/python{self.interpreter.python}/site-packages"

    def run(self, *arguments: str | Path, variables: Mapping[str, str] | None = None) -> Completed:
        """Run the environment's Python in an empty folder, whatever its exit status."""
        with _empty(self.folder / "cwd") as cwd:
            return run(
                [self.python, *arguments],
                env={**self.variables, **(variables or {})},
                cwd=cwd,
                log=self.log,
                check=False,
                tick=self.tick,
            )

    def hide(self, text: str) -> str:
        """The text without this machine's paths."""
        return hide(text, self.folder, self.interpreter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What pip's own report says it did."""

    pip: str
    url: str
    sha256: str
    others: tuple[str, ...]
    """Whatever else it installed, ``name==version``: dependencies that were not there yet."""


def hide(text: str, folder: Path, interpreter: Interpreter) -> str:
    """The text without the paths of a scratch folder, of the Python under it and of the user."""
    for path, name in (
        (folder, "<environment>"),
        (interpreter.path.parent.parent, "<python>"),
        (home_folder(), "~"),
    ):
        if path is not None and path not in SYSTEM:
            text = text.replace(str(path), name)
    return text


def make_environment(
    folder: Path,
    *,
    interpreter: Interpreter,
    uv: Path,
    uv_cache: Path,
    pip: PipSettings,
    requirements: Sequence[str],
    log: IO[str],
    env: Mapping[str, str],
    tick: Callable[[], None] | None = None,
) -> Environment:
    """Make an environment and install ``requirements`` in it with uv.

    Raises:
        CommandFailedError: uv could not make it, or could not install something.
    """
    home = folder / "home"
    home.mkdir()
    uv_env = base_variables(env, home=home, bin_folder=None) | uv_variables(pip, cache=uv_cache)
    environment = Environment(
        folder=folder,
        interpreter=interpreter,
        variables=base_variables(env, home=home, bin_folder=folder / "env/bin"),
        log=log,
        tick=tick,
    )
    run(
        [uv, "venv", "--no-project", "--python", interpreter.path, folder / "env"],
        env=uv_env,
        cwd=folder,
        log=log,
        tick=tick,
    )
    listed = folder / "requirements.txt"
    listed.write_text("".join(f"{line}\n" for line in requirements), encoding="utf-8")
    no_index = [] if pip.indexes else ["--no-index"]  # no variable says this to uv
    run(
        [uv, "pip", "install", *no_index, "--python", environment.python, "--requirements", listed],
        env=uv_env,
        cwd=folder,
        log=log,
        tick=tick,
    )
    return environment


def out_of_reach(output: str) -> bool:
    """Whether uv failed because of the network rather than of what it was asked to install."""
    return any(words in output for words in OUT_OF_REACH)


def dependencies(
    record: Record, interpreter: Interpreter, *, leave_out: Sequence[str] = ()
) -> tuple[str, ...]:
    """What a wheel requires under one Python, without markers and extras.

    Args:
        record: The wheel.
        interpreter: Under which the markers are evaluated.
        leave_out: Normalised names that come from our own index instead.

    Raises:
        VerifyError: the METADATA has something that is no requirement.
    """
    parsed, _ = parse_email(record.metadata)
    found = []
    for text in parsed.get("requires_dist", []):
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            raise VerifyError(f"{record.filename}: Requires-Dist: {text!r}: {error}") from error
        marker, requirement.marker = requirement.marker, None
        wanted = marker is None or marker.evaluate({**interpreter.markers, "extra": ""})
        if wanted and canonicalize_name(requirement.name) not in leave_out:
            found.append(str(requirement))
    return tuple(found)


def index_of(wheels: Mapping[Path, Record]) -> Server:
    """A server (not yet started) of an index with these wheels, which stay where they are."""
    listed = [File.of_wheel(record) for record in wheels.values()]
    pages = {page.path: page.content.encode() for page in simple_pages(listed)}
    files = {f"files/{record.filename}": wheel for wheel, record in wheels.items()}
    return Server(extra={**pages, **files})


def install_with_pip(
    environment: Environment, record: Record, *, server: Server, pip: PipSettings
) -> tuple[Completed, Installed | None]:
    """Install one wheel as its user would: by name, from an index.

    Returns:
        How pip ended, and what it reports; None where it failed or reports nothing of that name.
    """
    report = environment.folder / "pip-report.json"
    root = record.cuda or "simple"
    done = environment.run(
        "-m",
        "pip",
        "install",
        "--report",
        report,
        # Where pip is told to use no index, ours is the only one: not beside pip's default.
        "--extra-index-url" if pip.indexes else "--index-url",
        f"{server.url}/{root}/",
        f"{record.name}=={record.version}",
        variables=pip_variables(pip),
    )
    if done.status != 0 or not report.is_file():
        return done, None
    return done, read_pip_report(report.read_text("utf-8"), record.name)


def read_pip_report(text: str, name: str) -> Installed | None:
    """Pip's ``--report``: what it installed under ``name``, or None."""
    data = json.loads(text)
    ours: Installed | None = None
    others = []
    for item in data["install"]:
        told = canonicalize_name(item["metadata"]["name"])
        if told != name:
            others.append(f"{told}=={item['metadata']['version']}")
            continue
        info = item["download_info"]
        ours = Installed(
            pip=data["pip_version"],
            url=info["url"],
            sha256=info.get("archive_info", {}).get("hashes", {}).get("sha256", ""),
            others=(),
        )
    if ours is None:
        return None
    return Installed(pip=ours.pip, url=ours.url, sha256=ours.sha256, others=tuple(others))


@contextlib.contextmanager
def _empty(folder: Path) -> Iterator[Path]:
    """An empty working folder, made anew for each program."""
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

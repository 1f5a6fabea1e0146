"""Development tasks: `nox` lints, checks types and runs every test but the slow ones."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2026.1"
nox.options.sessions = ["lint", "tests"]
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True

# Two at a time: while one compiles, the other waits for the network. A file's tests stay together
# (they share wheels and toolchains), in the order they lie in, which begins with the long ones.
TWO = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
# Bytes that a run with nothing cached was seen to write (toolchains of three CUDAs and their
# downloads most of them), and what one needs that finds them.
COLD, WARM = 18_000_000_000, 5_000_000_000
STRICT = ("--fail-on-warning", "--keep-going", "--nitpicky", "--fresh-env", "--quiet")


def _install(session: nox.Session) -> None:
    session.install("--require-hashes", "-r", "requirements/dev.txt")
    session.install("--no-deps", "--no-build-isolation", "-e", ".")


def _room(session: nox.Session) -> None:
    """Refuse a disk that will be full half-way: every test fails then, each with another story."""
    told = session.run("builder", "--quiet", "cache", "info", "--json", silent=True)
    cache = json.loads(str(told))
    there = next(
        path for path in (Path(cache["root"]), *Path(cache["root"]).parents) if path.exists()
    )
    free = shutil.disk_usage(there).free
    needed = max(COLD - sum(part["bytes"] for part in cache["parts"]), WARM)
    if free < needed:
        session.error(
            f"{free / 1e9:.1f} GB are free at {there}, the tests write up to {needed / 1e9:.0f}: "
            "free some, or name a folder on another disk with BUILDER_CACHE_DIR"
        )


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types, import rules, workflows."""
    _install(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("mypy", "recipes/darknet-python/src/darknet")  # a package that people type against
    session.run("lint-imports")
    workflows = sorted(map(str, Path(".github/workflows").glob("*.yml")))
    actions = sorted(map(str, Path(".github/actions").glob("*/action.yml")))
    for schema, files in (
        ("github-workflows", workflows),
        ("github-actions", actions),
        ("dependabot", [".github/dependabot.yml"]),
    ):
        session.run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files)
    session.run("zizmor", "--offline", "--quiet", ".github")
    if shutil.which("actionlint"):  # a program that no package index carries as a wheel
        # What it says of `$/…` (this very repository) is only that it is older than that.
        session.run("actionlint", "-ignore", r'"\$/\.github/', external=True)


@nox.session
def tests(session: nox.Session) -> None:
    """Unit and integration tests; `nox -s tests -- --slow` adds the long builds."""
    _install(session)
    _room(session)
    # In CI a browser test that cannot run is a failure, not a line at the end, and a machine that
    # fails everything (a full disk, a dead network) says why at once, not when its time is up.
    in_ci = ["--require-browser", "--maxfail=25"] if os.environ.get("CI") else []
    # A long build has the machine's cores and memory for itself.
    side_by_side = () if "--slow" in session.posargs else TWO
    session.run("pytest", *in_ci, *side_by_side, "--durations=25", *session.posargs)


@nox.session(default=False)
def unit(session: nox.Session) -> None:
    """Only the tests that need no network, compiler or GPU."""
    _install(session)
    session.run("pytest", "-m", "not integration and not slow", *TWO, *session.posargs)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """The pages, into build/docs; a dead link or any other warning fails."""
    session.install("--require-hashes", "-r", "requirements/docs.txt")
    session.run("sphinx-build", *STRICT, "docs", "build/docs")


@nox.session(default=False)
def links(session: nox.Session) -> None:
    """The pages' links to other hosts: needs the network, and fails when one of them moved."""
    session.install("--require-hashes", "-r", "requirements/docs.txt")
    session.run("sphinx-build", *STRICT, "-b", "linkcheck", "docs", "build/links")


@nox.session(default=False)
def lock(session: nox.Session) -> None:
    """Write requirements/*.txt again with today's versions."""
    session.install("uv")
    own = ("pyproject.toml",)  # what the builder needs; signing has an environment for itself
    for name, python, more in (
        ("dev", "3.11", own), ("run", "3.12", own), ("attest", "3.12", ()), ("docs", "3.11", ()),
    ):  # fmt: skip
        session.run(
            "uv", "pip", "compile", "--universal", "--python-version", python, "--generate-hashes",
            "--no-emit-index-url", "--no-annotate", "--custom-compile-command", "nox -s lock",
            "--output-file", f"requirements/{name}.txt", *more, f"requirements/{name}.in",
        )  # fmt: skip

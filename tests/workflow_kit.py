"""Workflows acted out here: their `run:` steps in bash, in order; actions by stand-ins.

What an action does to files is done (checkout, artifacts, Pages, caches); what only GitHub can do
(an identity, a runner's settings) is not, and `Stage.left_out` names every such step.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.workflow_expressions import Contexts, condition, fill, shown

FOLDER = Path(__file__).parents[1] / ".github/workflows"
SELF = "$/.github/"


class Fails(Exception):
    """What is done instead of a step fails, as the step may."""


def read_workflow(name: str) -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load((FOLDER / name).read_text())


@dataclass
class Stage:
    """A stand-in for GitHub around some workflows.

    Attributes:
        root: Scratch space: one folder for each job.
        repository: What a checkout brings.
        github: The `github` context.
        variables: The repository's variables.
        env: What a runner's environment has besides.
        live: The folder that Pages serves.
        stand_ins: Steps done here instead, by id or name: given the workspace and the contexts;
            they may raise `Fails`.
        python: The interpreter of a minor version.
    """

    root: Path
    repository: Path
    github: dict[str, str]
    variables: dict[str, str]
    env: dict[str, str]
    live: Path
    stand_ins: Mapping[str, Callable[[Path, Contexts], None]]
    python: Callable[[str], Path]
    token: str = ""
    runs: int = 0
    jobs: int = 0
    log: list[str] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)
    summary: str = ""

    def run(self, name: str, inputs: dict[str, Any] | None = None) -> dict[str, dict[str, Any]]:
        """Run a workflow by hand; its jobs' results and outputs."""
        self.runs += 1
        self.log.clear()
        self.summary = ""
        shutil.rmtree(self.artifacts, ignore_errors=True)  # none before the first run
        github = {**self.github, "run_id": str(self.runs), "run_attempt": "1"}
        github["workflow_ref"] = f"{github['repository']}/.github/workflows/{name}@refs/heads/main"
        workflow = read_workflow(name)
        given = workflow["on"]["workflow_dispatch"].get("inputs", {})
        told = {key: one.get("default", "") for key, one in given.items()} | (inputs or {})
        return _Workflow(self, workflow, github, told).run()

    @property
    def artifacts(self) -> Path:
        return self.root / "artifacts"

    @property
    def output(self) -> str:
        return "\n".join(self.log)


class _Workflow:
    """One workflow under way."""

    def __init__(
        self, stage: Stage, told: dict[str, Any], github: dict[str, str], inputs: dict[str, Any]
    ) -> None:
        self.stage = stage
        self.told = told
        self.contexts = {"github": github, "inputs": inputs, "vars": stage.variables}
        self.needs: dict[str, dict[str, Any]] = {}

    def run(self) -> dict[str, dict[str, Any]]:
        assert self.told["permissions"] == {}
        for name, job in self.told["jobs"].items():  # written in the order they need each other
            self.needs[name] = self.job(name, job)
        return self.needs

    def outputs(self) -> dict[str, Any]:
        told = self.told["on"]["workflow_call"].get("outputs", {})
        contexts = {**self.contexts, "jobs": self.needs}
        return {name: fill(one["value"], contexts, {}) for name, one in told.items()}

    def job(self, name: str, job: dict[str, Any]) -> dict[str, Any]:
        wanted = job.get("needs", [])
        wanted = [wanted] if isinstance(wanted, str) else wanted
        needs = {one: self.needs[one] for one in wanted}
        # As GitHub does: of all that came before, not of those named alone.
        results = [self.needs[one]["result"] for one in self.before(name)]
        functions = {
            "success": lambda: all(one == "success" for one in results),
            "failure": lambda: "failure" in results,
            "cancelled": lambda: False,
            "always": lambda: True,
        }
        contexts = {**self.contexts, "needs": needs}
        if not condition(job.get("if"), contexts, functions):
            return {"result": "skipped", "outputs": {}}
        if "uses" in job:
            return self.call(job, contexts)
        matrix = fill(job.get("strategy", {}).get("matrix", {}), contexts, functions)
        several = [
            _Job(self.stage, self.told, name, job, {**contexts, "matrix": one})
            for one in expanded(matrix)
        ]
        with ThreadPoolExecutor() as at_once:  # as GitHub runs them
            outcomes = list(at_once.map(_Job.run, several))
        for one in several:
            self.stage.log += one.log
            self.stage.summary += one.summary
        bad = any(one["result"] == "failure" for one in outcomes)
        return {**outcomes[-1], "result": "failure" if bad else "success"}

    def before(self, name: str) -> set[str]:
        """Every job that a job waits for, and what those wait for."""
        wanted = self.told["jobs"][name].get("needs", [])
        direct = {wanted} if isinstance(wanted, str) else set(wanted)
        return direct.union(*(self.before(one) for one in direct))

    def call(self, job: dict[str, Any], contexts: dict[str, Any]) -> dict[str, Any]:
        path = job["uses"].removeprefix(f"{SELF}workflows/")
        called = read_workflow(path)
        defaults = {
            name: one.get("default", "")
            for name, one in called["on"]["workflow_call"]["inputs"].items()
        }
        given = fill(job.get("with", {}), contexts, {})
        assert set(given) <= set(defaults)
        for inner in called["jobs"].values():  # a called workflow has no more than its caller
            assert set(inner["permissions"].items()) <= set(job["permissions"].items())
        inside = _Workflow(self.stage, called, self.contexts["github"], defaults | given)
        results = [one["result"] for one in inside.run().values()]
        bad = "failure" in results
        return {"result": "failure" if bad else "success", "outputs": inside.outputs()}


def expanded(matrix: dict[str, Any]) -> list[dict[str, Any]]:
    """The jobs of a matrix: a list to include, or one axis."""
    if not matrix:
        return [{}]
    if "include" in matrix:
        return list(matrix["include"])
    ((axis, values),) = matrix.items()
    return [{axis: value} for value in values]


def hidden(path: Path) -> bool:
    """What the action leaves out: whatever begins with a dot, or lies below something that does."""
    return any(part.startswith(".") for part in path.parts)


class _Job:
    """One job: a new workspace, its steps in order."""

    def __init__(
        self,
        stage: Stage,
        workflow: dict[str, Any],
        name: str,
        told: dict[str, Any],
        contexts: dict[str, Any],
    ) -> None:
        self.stage = stage
        self.told = told
        self.name = name
        stage.jobs += 1
        self.place = stage.root / f"run {stage.runs}" / f"{name} {stage.jobs}"
        self.workspace = self.place / "workspace"
        self.workspace.mkdir(parents=True)
        self.log: list[str] = []
        self.summary = ""
        self.steps: dict[str, dict[str, Any]] = {}
        rights = told["permissions"]
        writes = {"contents", "issues"} & {one for one in rights if rights[one] == "write"}
        github = {**contexts["github"], "token": stage.token if writes else "may-write-nothing"}
        self.contexts = {**contexts, "github": github, "steps": self.steps}
        self.env = {**workflow.get("env", {}), **told.get("env", {})}
        self.failed = False

    def run(self) -> dict[str, Any]:
        assert "timeout-minutes" in self.told
        for step in self.told["steps"]:
            functions = {
                "success": lambda: not self.failed,
                "failure": lambda: self.failed,
                "cancelled": lambda: False,
                "always": lambda: True,
            }
            if condition(step.get("if"), self.contexts, functions):
                self.step(step)
        outputs = fill(self.told.get("outputs", {}), self.contexts, {})
        return {"result": "failure" if self.failed else "success", "outputs": outputs}

    def step(self, step: dict[str, Any]) -> None:
        named = step.get("name") or step["uses"]
        label = step["id"] if step.get("id") in self.stage.stand_ins else named
        self.log.append(f"== {self.name}: {label}")
        outputs: dict[str, str] = {}
        stand_in = self.stage.stand_ins.get(label)
        if stand_in is not None:
            self.stage.left_out.add(label)
            try:
                stand_in(self.workspace, self.contexts)
            except Fails as error:
                self.log.append(f"== {label}: {error}")
                self.failed = True
        elif "run" in step:
            outputs = self.bash(step)
        else:
            given = fill(step.get("with", {}), self.contexts, {})
            outputs = self.action(step["uses"].partition("@")[0], given)
        if "id" in step:
            self.steps[step["id"]] = {"outputs": outputs}

    def bash(self, step: dict[str, Any]) -> dict[str, str]:
        assert "${{" not in step["run"], "what comes from outside goes through the environment"
        script, output = self.place / "script.sh", self.place / "output"
        summary = self.place / "summary"
        script.write_text(step["run"])
        for path in (output, summary):
            path.write_text("")
        env = fill({**self.env, **step.get("env", {})}, self.contexts, {})
        github = self.contexts["github"]
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", str(script)],
            cwd=self.workspace,
            env={
                **self.stage.env,
                **{
                    f"GITHUB_{name.upper()}": github[name]
                    for name in sorted(github)
                    if name != "token"
                },
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(summary),
                **{name: shown(value) for name, value in env.items()},
            },
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        self.log.append(done.stdout)
        self.summary += summary.read_text()
        if done.returncode:
            self.log.append(f"== it ended with {done.returncode}")
            self.failed = True
        return dict(line.split("=", 1) for line in output.read_text().splitlines())

    # -- actions --------------------------------------------------------------------------------

    def action(self, name: str, given: dict[str, Any]) -> dict[str, str]:
        short = name.removeprefix("actions/").removeprefix(SELF).replace("/", "_").replace("-", "_")
        found: Callable[[dict[str, Any]], dict[str, str] | None] = getattr(self, f"do_{short}")
        try:
            return found(given) or {}
        except AssertionError as error:
            self.log.append(f"== {name}: {error}")
            self.failed = True
            return {}

    def do_checkout(self, given: dict[str, Any]) -> None:
        assert given["persist-credentials"] is False
        shutil.copytree(self.stage.repository, self.workspace, dirs_exist_ok=True)

    def do_actions_setup(self, given: dict[str, Any]) -> None:
        assert (self.workspace / "recipes").is_dir(), "nothing was checked out"

    def do_setup_python(self, given: dict[str, Any]) -> dict[str, str]:
        return {"python-path": str(self.stage.python(str(given["python-version"])))}

    def do_cache_restore(self, given: dict[str, Any]) -> None:
        kept = self.stage.root / "caches"
        for prefix in (given["key"], *given["restore-keys"].split()):
            for found in sorted(kept.glob(f"{prefix}*"), key=os.path.getmtime, reverse=True):
                shutil.copytree(found, self.workspace / given["path"], dirs_exist_ok=True)
                return

    def do_cache_save(self, given: dict[str, Any]) -> None:
        if (self.workspace / given["path"]).is_dir():
            shutil.copytree(
                self.workspace / given["path"], self.stage.root / "caches" / given["key"]
            )

    def do_upload_artifact(self, given: dict[str, Any]) -> None:
        place = self.stage.artifacts / given["name"]
        assert not place.exists(), f"there is an artifact '{given['name']}' already"
        path = self.workspace / given["path"]
        files = [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else None
        base = path if files is not None else path.parent
        files = sorted(self.workspace.glob(given["path"])) if files is None else files
        files = [one for one in files if not hidden(one.relative_to(self.workspace))]
        assert files or given["if-no-files-found"] != "error", f"no files in {given['path']}"
        for file in files:
            target = place / file.relative_to(base)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target)

    def do_download_artifact(self, given: dict[str, Any]) -> None:
        pattern = given.get("pattern") or given["name"]
        names = sorted(one.name for one in self.stage.artifacts.glob("*"))
        found = [one for one in names if fnmatch.fnmatchcase(one, pattern)]
        assert found or "pattern" in given, f"there is no artifact '{pattern}'"
        assert len(found) < 2 or given.get("merge-multiple")
        brought = [
            (self.stage.artifacts / name, file.relative_to(self.stage.artifacts / name))
            for name in found
            for file in (self.stage.artifacts / name).rglob("*")
            if file.is_file()
        ]
        # GitHub merges artifacts at once: of two files with one name either may win.
        twice = [path for path, count in Counter(path for _, path in brought).items() if count > 1]
        assert not twice, f"two artifacts have the same files: {twice}"
        for artifact, path in brought:
            target = self.workspace / given["path"] / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(artifact / path, target)

    def do_attest_build_provenance(self, given: dict[str, Any]) -> None:
        assert self.told["permissions"]["id-token"] == "write"
        assert self.told["permissions"]["attestations"] == "write"
        assert list(self.workspace.glob(given["subject-path"])), "nothing to attest"

    def do_upload_pages_artifact(self, given: dict[str, Any]) -> None:
        self.do_upload_artifact(
            {"name": "github-pages", "path": given["path"], "if-no-files-found": "error"}
        )

    def do_deploy_pages(self, given: dict[str, Any]) -> dict[str, str]:
        assert self.told["permissions"] == {"pages": "write", "id-token": "write"}
        shutil.rmtree(self.stage.live)
        shutil.copytree(self.stage.artifacts / "github-pages", self.stage.live)
        return {"page_url": self.stage.variables["SITE_URL"]}

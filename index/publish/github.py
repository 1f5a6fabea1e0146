"""Wheels onto GitHub releases: what is there, what was planned carried out, and read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.check.jobs import Progress
from index.errors import PublishError
from index.publish.assets import UPLOADED, Asset, Release, There, difference, wrong_address
from index.publish.patience import Pace
from index.publish.plan import Plan, Refused, Step, raise_refused
from index.publish.releases import Releases
from index.publish.rest import Answered, Unavailable

_AGAIN = "run the same command again; it goes on where it stopped"
_BODY = (
    "Wheels of `{tag}`. Install them from the index, which knows their hashes; "
    "`pip` and `uv` fetch them from here."
)


def look(releases: Releases, wanted: Sequence[Asset]) -> dict[str, Release | None]:
    """Every release that is concerned, as it is now."""
    releases.check()
    return {tag: releases.find(tag) for tag in sorted({asset.tag for asset in wanted})}


@dataclass(slots=True)
class Publishing:
    """A plan being carried out.

    Attributes:
        releases: The repository's.
        there: The releases as they were looked at.
        pace: How long is waited.
        watch: Told how many bytes went out, of how many.
    """

    releases: Releases
    there: dict[str, Release | None]
    pace: Pace
    watch: Progress
    _done: int = 0

    def carry_out(self, plan: Plan) -> None:
        """Do what the plan says: wheels first; in the end everything is read back.

        Raises:
            PublishError: something is refused, broke off for good, or is not there as it was sent.
        """
        plan.raise_if_refused()
        self._compare(plan.of("compare"))
        total = plan.upload_bytes
        for step in plan.of("upload", "resend"):
            asset = step.asset
            release = self._release(asset.tag)
            if step.action == "resend" and step.there is not None:
                self.releases.delete(step.there)
            self.watch.update(self._done, total, asset.name)
            self._send(release, asset, total)
            self._done += asset.size
        self._read_back(plan)
        self._fetch_back([step.asset for step in plan.of("upload", "resend")])

    def _release(self, tag: str) -> Release:
        release = self.there.get(tag)
        if release is None:
            release = self.releases.create(tag, _BODY.format(tag=tag))
            self.there[tag] = release
        return release

    def _compare(self, steps: Sequence[Step]) -> None:
        """Fetch what GitHub knows no digest of, before anything is sent."""
        different = []
        for step in steps:
            assert step.there is not None
            self.watch.update(0, None, f"reading {step.asset.name} back")
            why = self._as_fetched(step.asset, step.there)
            if why is not None:
                different.append(
                    Refused(
                        name=step.asset.name,
                        why=f"the release has another file under that name: {why}",
                        remedy="raise the recipe's revision: a published name never changes",
                    )
                )
        raise_refused(different)

    def _send(self, release: Release, asset: Asset, total: int) -> None:
        """Send one asset until it is there; what broke off on the way is deleted, nothing else."""
        trouble = ""
        for failures in range(1, self.pace.tries + 1):
            try:
                self.releases.upload(
                    release,
                    asset,
                    lambda sent: self.watch.update(self._done + sent, total, asset.name),
                )
            except (Unavailable, Answered) as error:
                trouble = str(error)
            else:
                return
            self.pace.pause(failures)
            there = self._find(release, asset)
            if there is None:
                continue
            if there.state != UPLOADED:
                self.releases.delete(there)
                continue
            why = difference(asset, there)
            if why is not None:
                raise PublishError(
                    f"{asset.name}: release '{asset.tag}' has another file under that name: {why}",
                    remedy="is another run publishing? nothing was replaced",
                )
            return
        raise PublishError(f"{asset.name} could not be sent: {trouble}", remedy=_AGAIN)

    def _find(self, release: Release, asset: Asset) -> There | None:
        listed = self.releases.assets(release)
        return next((one for one in listed if one.name == asset.name), None)

    def _read_back(self, plan: Plan) -> None:
        """See that everything is there, whole, at the address the index will name.

        A list may lag behind what was sent: it is asked for again for a while.
        """
        waiting = [step.asset for step in plan.steps]
        for failures in range(1, self.pace.tries + 1):
            waiting = self._not_listed(waiting)
            if not waiting:
                return
            self.watch.update(self._done, None, f"waiting for {waiting[0].name} to be listed")
            self.pace.pause(failures)
        names = ", ".join(asset.name for asset in waiting[:5])
        raise PublishError(
            f"{len(waiting)} files were sent, and GitHub does not list them: {names}",
            remedy=_AGAIN,
        )

    def _fetch_back(self, sent: Sequence[Asset]) -> None:
        """Fetch what is small as users do, with no token: a private repository shows here."""
        for asset in (one for one in sent if one.kind == "beside"):
            release = self._release(asset.tag)
            there = next(one for one in release.assets if one.name == asset.name)
            self.watch.update(self._done, None, f"fetching {asset.name} back")
            for failures in range(1, self.pace.tries + 1):
                try:
                    why = self._as_fetched(asset, there)
                    break
                except PublishError:
                    if failures == self.pace.tries:
                        raise
                    self.pace.pause(failures)
            if why is not None:
                raise PublishError(
                    f"{asset.name} is not fetched as it was sent: {why}", remedy=_AGAIN
                )

    def _not_listed(self, wanted: Sequence[Asset]) -> list[Asset]:
        """Those that are not there yet; the others were looked at and are right."""
        missing: list[Asset] = []
        for tag in dict.fromkeys(asset.tag for asset in wanted):
            release = self._release(tag)
            listed = {one.name: one for one in self.releases.assets(release)}
            self.there[tag] = replace(release, assets=tuple(listed.values()))
            for asset in (one for one in wanted if one.tag == tag):
                there = listed.get(asset.name)
                if there is None or there.state != UPLOADED:
                    missing.append(asset)
                else:
                    self._check(asset, there)
        return missing

    def _check(self, asset: Asset, there: There) -> None:
        why = difference(asset, there) or wrong_address(asset, there)
        if why is None and there.sha256 is None:
            why = self._as_fetched(asset, there)
        if why is not None:
            raise PublishError(
                f"{asset.name} is not there as it was sent: {why}",
                remedy=f"look at the release '{asset.tag}'; the index does not name the file yet",
            )

    def _as_fetched(self, asset: Asset, there: There) -> str | None:
        sha256, size = self.releases.digest(there)
        return difference(asset, replace(there, sha256=sha256, size=size))

"""Wheels to an index that speaks the upload API, with twine: sent, retried, read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import Version

from index.check.jobs import Progress
from index.errors import PublishError
from index.publish.patience import Pace
from index.publish.rest import Answered, Unavailable
from index.publish.twine_plan import Item, UploadPlan, difference
from index.publish.twine_served import SimpleIndex
from index.publish.twine_upload import Limited, Upload

if TYPE_CHECKING:
    from twine.package import PackageFile

_AGAIN = "run the same command again; it goes on where it stopped"
_ELSEWHERE = "an index that takes them, `builder publish folder` or `builder publish github`"


def make_packages(items: Sequence[Item]) -> dict[str, PackageFile]:
    """What twine makes of each wheel, by file name.

    Raises:
        PublishError: it would not send one of them, or one has changed meanwhile.
    """
    from twine.exceptions import TwineException
    from twine.package import PackageFile

    packages = {}
    for item in items:
        try:
            package = PackageFile.from_filename(str(item.path), None)
        except (TwineException, OSError) as error:
            raise PublishError(f"{item.filename}: twine cannot send it: {error}") from None
        if package.sha2_digest != item.sha256:
            raise PublishError(f"{item.filename} changed while it was published", remedy=_AGAIN)
        packages[item.filename] = package
    return packages


@dataclass(slots=True)
class Uploading:
    """A plan being carried out.

    Attributes:
        upload: The upload address.
        index: The index's pages.
        pace: How long is waited.
        watch: Told how many bytes went out, of how many.
    """

    upload: Upload
    index: SimpleIndex
    pace: Pace
    watch: Progress
    _done: int = 0

    def carry_out(self, plan: UploadPlan) -> None:
        """Send what the plan says, in its order; in the end everything is read back.

        Raises:
            PublishError: something is refused, broke off for good, or is not served as it was sent.
        """
        plan.raise_if_refused()
        items = plan.of("upload")
        packages = make_packages(items)
        for item in items:
            self._send(item, packages[item.filename], plan.upload_bytes)
            self._done += item.size
        self._read_back([step.item for step in plan.steps])

    def _send(self, item: Item, package: PackageFile, total: int) -> None:
        trouble = ""
        for failures in range(1, self.pace.tries + 1):
            try:
                self.upload.send(item, package, lambda sent: self._shown(item, sent, total))
            except Unavailable as error:
                trouble = str(error)
                self._wait(error, failures)
            except Answered as error:
                if error.status in (401, 403) or not self._arrived(item):
                    raise refusal(item, error) from None
                return
            else:
                return
            if self._arrived(item):
                return  # it came through, and only the answer was lost
        raise PublishError(f"{item.filename} could not be sent: {trouble}", remedy=_AGAIN)

    def _shown(self, item: Item, sent: int, total: int) -> None:
        self.watch.update(min(self._done + sent, self._done + item.size), total, item.filename)

    def _wait(self, error: Unavailable, failures: int) -> None:
        asked = error.seconds if isinstance(error, Limited) else 0.0
        if asked > self.pace.longest:
            raise PublishError(
                f"the index asks to wait {asked:.0f} seconds",
                remedy="run the same command later; it goes on where it stopped",
            )
        if asked:
            self.pace.sleep(asked)
        else:
            self.pace.pause(failures)

    def _arrived(self, item: Item) -> bool:
        """Whether the index is known to serve these very bytes.

        Raises:
            PublishError: it serves others.
        """
        try:
            there = self.index.wanted([item])[item.project].get(item.filename)
        except Unavailable:
            return False
        why = difference(item, there)
        if why is not None:
            raise PublishError(
                f"{item.filename}: the index serves another file under that name: {why}",
                remedy="is another run publishing? nothing was replaced",
            )
        return there is not None

    def _read_back(self, items: Sequence[Item]) -> None:
        """See that all of it is served, with its hash; pages may lag behind for a while."""
        waiting, trouble = list(items), ""
        for failures in range(1, self.pace.tries + 1):
            try:
                waiting = self._not_served(waiting)
                trouble = ""
            except Unavailable as error:
                trouble = f" ({error})"
            if not waiting:
                return
            self.watch.update(self._done, None, f"waiting for {waiting[0].filename} to be listed")
            self.pace.pause(failures)
        names = ", ".join(item.filename for item in waiting[:5])
        raise PublishError(
            f"{len(waiting)} wheels were sent, and the index does not list them: {names}{trouble}",
            remedy=f"{_AGAIN}; if it lists them elsewhere, say where with --index-url",
        )

    def _not_served(self, items: Sequence[Item]) -> list[Item]:
        served = self.index.wanted(items)
        for item in items:
            why = difference(item, served[item.project].get(item.filename))
            if why is not None:
                raise PublishError(f"{item.filename} is not served as it was sent: {why}")
        return [item for item in items if item.filename not in served[item.project]]


def refusal(item: Item, error: Answered) -> PublishError:
    """What a refused upload means, and what helps."""
    local = Version(item.version).local
    if local is not None and "local version" in error.message.lower():
        return PublishError(
            f"{item.filename}: this index takes no versions with a local part (+{local}), and "
            f"every wheel for a GPU has one: {error}",
            remedy=_ELSEWHERE,
        )
    remedies: Mapping[int, str] = {
        401: "the name or the password is wrong; see --help for where they come from",
        403: "the name or the password is wrong, or may not upload there",
        404: "is --repository-url the upload address?",
        405: "is --repository-url the upload address?",
        409: "the index has a file of that name that it does not list: ask who keeps it",
        413: "the index takes no files of that size: raise its limit, or build fewer architectures",
    }
    hint = f"some indexes take no local versions (+{local}): {_ELSEWHERE}" if local else None
    return PublishError(
        f"{item.filename}: the index refused it: {error}",
        remedy=remedies.get(error.status, hint or "ask who keeps the index"),
    )

"""Safe unpacking: nothing outside the folder, nothing left behind when it fails."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from builder.errors import FetchError
from builder.fetch.archives import BLOCK, DamagedError, Member, damage, members
from builder.fetch.members import (
    AbsoluteLinks,
    Parts,
    Tree,
    UnsafeError,
    link_text,
    matcher,
    name_parts,
)
from builder.fetch.part import write_all, writing
from builder.fetch.writer import NewFile, Writer, create, set_time
from builder.ui import Reporter, Silent


def unpack(
    archive: Path,
    into: Path,
    *,
    strip: int = 0,
    include: Sequence[str] = (),
    reporter: Reporter | None = None,
    absolute_links: AbsoluteLinks = "refuse",
) -> None:
    """Unpack a tar (``.gz .xz .bz2 .zst``), zip, wheel or Debian package into a folder.

    All or nothing, short of a power cut: it is unpacked beside and then moved into place. Several
    archives may go into one folder; a later file takes the place of an earlier one.

    Permission bits and times are kept; set-user-id and its like, and writing by others, are not.

    Args:
        archive: The file; its format is told from its first bytes.
        into: The folder; made if it is not there.
        strip: Leading path components to drop; members with no more than these are left out.
        include: fnmatch patterns over the stripped path (``*`` matches ``/`` too); () is all.
        reporter: Where progress is shown.
        absolute_links: ``"rewrite"`` makes an absolute symbolic link a relative one to the same
            path below ``into`` (for a sysroot); ``"refuse"`` refuses the archive.

    Raises:
        FetchError: the archive is damaged, holds nothing that was asked for, or a member would
            reach outside the folder; it names both.
        MachineError: the disk is full or cannot be written.
    """
    with writing(into):
        into.parent.mkdir(parents=True, exist_ok=True)
        # Inside a folder that is there: it may be the only one on its file system.
        place = into if into.is_dir() else into.parent
        temporary = Path(tempfile.mkdtemp(prefix=f".{into.name[:60]}.", suffix=".part", dir=place))
    try:
        job = _Unpacking(
            archive=archive, root=temporary, strip=strip, include=include, absolute=absolute_links
        )
        job.run(reporter or Silent())
        with writing(into):
            temporary.chmod(0o755)
            if into.is_dir():
                # All of it is worked out, and may be refused, before anything is moved.
                for here, place in list(_moves(temporary, into, into.resolve(), archive)):
                    here.replace(place)
            else:
                temporary.rename(into)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


class _Unpacking:
    """One archive going into one fresh folder."""

    def __init__(
        self,
        *,
        archive: Path,
        root: Path,
        strip: int,
        include: Sequence[str],
        absolute: AbsoluteLinks,
    ) -> None:
        self.archive = archive
        self.root = root
        self.strip = strip
        self.include = tuple(include)
        self.wanted = matcher(include)
        self.absolute = absolute
        self.tree = Tree()
        self.folder_times: dict[Parts, float] = {}
        self.writer: Writer
        self.tick: Callable[[], None] = lambda: None

    def run(self, reporter: Reporter) -> None:
        """Unpack everything that is wanted."""
        name, count = "", 0
        total = self.archive.stat().st_size
        try:
            with (
                self.archive.open("rb") as file,
                reporter.task(f"unpacking {self.archive.name}", total=total, unit="bytes") as task,
                contextlib.closing(Writer(self.root.parent)) as self.writer,
                contextlib.closing(members(file)) as found,
            ):
                # The descriptor's own place: another thread may be reading the file.
                self.tick = lambda: task.update(os.lseek(file.fileno(), 0, os.SEEK_CUR))
                for member in found:
                    name = member.name
                    count += self._member(member)
                self.writer.wait()
        except UnsafeError as error:
            raise FetchError(
                f"{self.archive} is refused: member '{name}': {error}",
                remedy="do not use this archive, or see whether its pin is the right file",
            ) from error
        except DamagedError as error:
            raise FetchError(
                f"{self.archive} is damaged (after '{name}'): {error}",
                remedy="delete it and fetch it again",
            ) from error
        if count == 0:
            raise FetchError(
                f"{self.archive} holds nothing that was asked for"
                f" (strip {self.strip}, include {list(self.include)})"
            )
        for parts, mtime in self.folder_times.items():
            set_time(self.root.joinpath(*parts), mtime)

    def _member(self, member: Member) -> bool:
        """Put one member in place; whether it was wanted."""
        # Checked before it is left out: an archive with a hostile member is hostile as a whole.
        parts = name_parts(member.name)
        if member.kind == "other":
            raise UnsafeError("it is a device, a pipe or of an unknown kind")
        parts = parts[self.strip :]
        if not parts or not self.wanted(parts):
            return False
        if member.kind == "folder":
            self._folders([*self.tree.add(parts, "folder")[0], parts])
            self.folder_times[parts] = member.mtime
            return True
        source, text = None, ""
        if member.kind == "symlink":
            text = link_text(parts, member.target, absolute=self.absolute, strip=self.strip)
        elif member.kind == "hardlink":
            source = self._linked(member)
        missing, replaces = self.tree.add(parts, "symlink" if text else "file")
        path = self.root.joinpath(*parts)
        if source == path:
            return True
        if replaces or source is not None:
            self.writer.wait()  # what is replaced or linked to may not be there yet
        with writing(self.root.parent):
            self._folders(missing)
            if replaces:
                path.unlink()
            if text:
                path.symlink_to(text)
            elif source is not None:
                path.hardlink_to(source)
        if member.kind == "file":
            self._file(member, path)
        return True

    def _folders(self, folders: Sequence[Parts]) -> None:
        with writing(self.root.parent):
            for parts in folders:
                self.root.joinpath(*parts).mkdir(mode=0o755, exist_ok=True)

    def _linked(self, member: Member) -> Path:
        """The file, unpacked before, that a hard link shares."""
        try:
            target = name_parts(member.target)[self.strip :]
        except UnsafeError as error:
            raise UnsafeError(f"it is a hard link to '{member.target}': {error}") from error
        if self.tree.kind(target) != "file":
            raise UnsafeError(f"it is a hard link to '{member.target}', which is no file here")
        return self.root.joinpath(*target)

    def _file(self, member: Member, path: Path) -> None:
        left = member.size
        mode = _mode(member.mode)
        if left <= BLOCK:
            with damage(), member.open() as reader:
                data = b"".join(iter(lambda: reader.read(BLOCK), b""))
            self.tick()
            left -= len(data)
            if left == 0:
                self.writer.put(NewFile(path=path, data=data, mode=mode, mtime=member.mtime))
        else:
            left -= self._large(member, path, mode)
        if left != 0:
            raise DamagedError(f"'{member.name}' is cut short")

    def _large(self, member: Member, path: Path, mode: int) -> int:
        """Write a file block by block; its size."""
        size = 0
        with writing(self.root.parent):
            writer = os.fdopen(create(path), "wb", buffering=0)
        with writer, damage(), member.open() as reader:
            while data := reader.read(BLOCK):
                with writing(self.root.parent):
                    write_all(writer, data)
                size += len(data)
                self.tick()
            os.fchmod(writer.fileno(), mode)
        set_time(path, member.mtime)
        return size


def _mode(mode: int) -> int:
    """Permission bits to give: no set-user-id, no writing by others, readable by us."""
    return (stat.S_IMODE(mode) & 0o755) | stat.S_IRUSR | stat.S_IWUSR


def _moves(source: Path, target: Path, root: Path, archive: Path) -> Iterator[tuple[Path, Path]]:
    """What to rename to merge ``source`` into ``target``: whole folders where there is none yet."""
    for entry in sorted(os.scandir(source), key=lambda entry: entry.name):
        here, place = Path(entry.path), target / entry.name
        if not entry.is_dir(follow_symlinks=False):
            if place.is_dir() and not place.is_symlink():
                raise FetchError(f"{archive} has the file '{place}' where a folder is")
            yield here, place
        elif not os.path.lexists(place):
            yield here, place
        elif place.is_dir() and place.resolve().is_relative_to(root):
            yield from _moves(here, place, root, archive)
        else:
            raise FetchError(f"{archive} has the folder '{place}' where something else is")

"""Stand-alone launcher: makes the namespaces, mounts the folders, and runs one command in them.

Run as ``python -I enter.py PLAN.json``; it imports nothing of the builder, so that any Python can
run it and so that what happens between ``unshare`` and ``exec`` can be read on one page.

The plan (JSON): ``parent`` (process id of who starts this), ``argv``, ``env``, ``cwd``, and for a
namespace ``namespace: true``, ``network`` (keep the outside one), ``processes`` (a process
namespace of its own), ``mounts`` (``[source, target, writable]`` below ``/mnt``) and ``status`` (a
file that gets why the namespace failed).

However its parent ends, even by ``kill -9``, everything started in here ends with it.
"""

# pathlib would double the time this takes to start; replacing the process is its purpose.
# ruff: noqa: PTH102, PTH103, PTH112, PTH114, PTH115, PTH123, PTH208, PTH211, S606
from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import sys
from typing import Any, NoReturn

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER = 0x00020000, 0x08000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_NOATIME, MS_NODIRATIME, MS_BIND, MS_REC = 1024, 2048, 4096, 16384
MS_PRIVATE, MS_RELATIME = 1 << 18, 1 << 21
PR_SET_PDEATHSIG = 1
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
BASE = "/mnt"
NO_NAMESPACE = 125
"""Exit status when the namespace could not be made; nothing was run."""

libc = ctypes.CDLL(None, use_errno=True)


def main() -> NoReturn:
    """Read the plan and carry it out; the exit status is the command's."""
    with open(sys.argv[1], encoding="utf-8") as file:
        plan: dict[str, Any] = json.load(file)
    signal.signal(signal.SIGTERM, end_group)
    die_with_parent(signal.SIGTERM)
    if os.getppid() != plan["parent"]:
        os._exit(128 + signal.SIGTERM)  # it died before the kernel knew that we care
    if not plan.get("namespace"):
        wait_for(start(plan))
    # Fork first, so that the outer process keeps its own rights and can always end the inner one.
    try:
        unshare(plan)
        inner = os.fork()
    except OSError as error:
        refuse(plan, error)
    if inner == 0:
        die_with_parent(signal.SIGKILL)
        try:
            mount_all(plan)
            if not plan["network"]:
                loopback_up()
        except OSError as error:
            refuse(plan, error)
        wait_for(start(plan))
    wait_for(inner)


def start(plan: dict[str, Any]) -> int:
    """Fork and exec the command; returns its process id."""
    child = os.fork()
    if child:
        return child
    if not plan["argv"]:
        os._exit(0)  # only asked whether it works
    try:
        die_with_parent(signal.SIGKILL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.umask(0o022)
        if plan["cwd"]:
            os.chdir(plan["cwd"])
        os.execve(plan["argv"][0], plan["argv"], plan["env"])
    except OSError as error:
        sys.stderr.write(f"{plan['argv'][0]}: {error}\n")
        sys.stderr.flush()
    os._exit(127)


def wait_for(child: int) -> NoReturn:
    """Reap everything, as the first process of a namespace must, until ``child`` has ended."""
    while True:
        try:
            ended, status = os.wait()
        except ChildProcessError:
            os._exit(127)
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def end_group(signum: int, frame: object) -> NoReturn:
    """Our parent died or wants us gone: take the whole process group along."""
    os.killpg(0, signal.SIGKILL)
    os._exit(128 + signum)


def die_with_parent(sign: signal.Signals) -> None:
    """Ask the kernel for ``sign`` when the parent ends."""
    call("prctl", PR_SET_PDEATHSIG, int(sign), 0, 0, 0)


def unshare(plan: dict[str, Any]) -> None:
    """Leave the user, mount, message-queue (and network, process) namespaces; stay who we are."""
    user, group = os.getuid(), os.getgid()
    flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC
    flags |= 0 if plan["network"] else CLONE_NEWNET
    flags |= CLONE_NEWPID if plan["processes"] else 0
    try:
        call("unshare", flags)
    except OSError:
        # Where user namespaces are switched off, a privileged root can do without one.
        if user != 0:
            raise
        call("unshare", flags & ~CLONE_NEWUSER)
    else:
        with contextlib.suppress(FileNotFoundError):
            write("/proc/self/setgroups", "deny")
        write("/proc/self/uid_map", f"{user} {user} 1")
        write("/proc/self/gid_map", f"{group} {group} 1")
    die_with_parent(signal.SIGTERM)  # changing credentials may have cleared it


def mount_all(plan: dict[str, Any]) -> None:
    """Put a fresh ``/mnt`` over the old one: its old entries, and each folder at its fixed path."""
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    # Opened before anything is covered, so that sources below /mnt are found as well.
    sources = [(os.open(source, os.O_PATH), target, rw) for source, target, rw in plan["mounts"]]
    old = os.open(BASE, os.O_PATH | os.O_DIRECTORY)
    names = os.listdir(f"/proc/self/fd/{old}")
    mount("tmpfs", BASE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=16m")
    for name in names:
        keep(f"/proc/self/fd/{old}/{name}", f"{BASE}/{name}")
    for descriptor, target, writable in sources:
        os.makedirs(target, exist_ok=True)
        mount(f"/proc/self/fd/{descriptor}", target, None, MS_BIND | MS_REC)
        if not writable:
            mount(None, target, None, MS_REMOUNT | MS_BIND | MS_RDONLY | locked_flags(target))
    for descriptor in (old, *(descriptor for descriptor, _, _ in sources)):
        os.close(descriptor)
    if plan["processes"]:
        with contextlib.suppress(OSError):  # containers forbid it; the old /proc serves as well
            mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)


def keep(old: str, new: str) -> None:
    """Show one entry of the old ``/mnt`` in the new one."""
    if os.path.islink(old):
        os.symlink(os.readlink(old), new)
    elif os.path.isdir(old):
        os.mkdir(new)
        mount(old, new, None, MS_BIND | MS_REC)
    else:
        os.close(os.open(new, os.O_CREAT | os.O_WRONLY, 0o644))
        mount(old, new, None, MS_BIND)


def locked_flags(path: str) -> int:
    """The mount flags a user namespace may not drop when it makes a mount read-only."""
    flags = os.statvfs(path).f_flag
    same = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME
    return flags & same | (MS_RELATIME if flags & 4096 else 0)


def loopback_up() -> None:
    """Bring ``lo`` up: the compile cache's client and server talk over it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    """mount(2)."""
    call("mount", text(source), text(target), text(kind), ctypes.c_ulong(flags), text(data))


def text(value: str | None) -> bytes | None:
    """A C string, or NULL."""
    return None if value is None else os.fsencode(value)


def call(name: str, *arguments: object) -> None:
    """Call a function of the C library; an error becomes an OSError that names it."""
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        where = next((os.fsdecode(a) for a in arguments[1:2] if isinstance(a, bytes)), None)
        raise OSError(number, f"{name}: {os.strerror(number)}", where)


def write(path: str, value: str) -> None:
    """Write a kernel file in one go."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)


def refuse(plan: dict[str, Any], error: OSError) -> NoReturn:
    """Say why there is no namespace, and end without having run anything."""
    where = f" ({error.filename})" if error.filename else ""
    with open(plan["status"], "w", encoding="utf-8") as file:
        file.write(f"{error.strerror}{where}")
    os._exit(NO_NAMESPACE)


if __name__ == "__main__":
    main()

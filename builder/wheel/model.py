"""What `inspect` finds in a wheel: plain frozen data, ready for tables, JSON and checks."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

INSPECTION_SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A named piece and its size in bytes (a file of the wheel, a section of an ELF file)."""

    name: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionNeed:
    """The symbol versions an ELF file needs from one library (its `.gnu.version_r`)."""

    library: str
    versions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """GPU code of one kind for one architecture, summed over an ELF file's modules.

    Attributes:
        kind: ``elf`` (machine code), ``ptx``, ``lto`` (NVVM IR), or ``kind-<n>``.
        architecture: ``7.5``, ``9.0a``.
        size: Bytes in the file (compressed, where it is).
        modules: How many of the file's modules (translation units) hold it.
    """

    kind: str
    architecture: str
    size: int
    modules: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CudaCode:
    """All GPU code of one ELF file, and how many modules it is spread over."""

    modules: int
    codes: tuple[Code, ...]

    def architectures(self, kind: str) -> frozenset[str]:
        """The architectures there is code of this kind for."""
        return frozenset(code.architecture for code in self.codes if code.kind == kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class ElfFacts:
    """One ELF file of a wheel, as its dynamic section tells it.

    Attributes:
        path: Its place in the wheel.
        installed: Its place below site-packages (differs inside ``X.data/platlib/``).
        size: Bytes, unpacked.
        kind: ``shared``, ``program``, ``object`` or ``core``.
        machine: ``x86_64``, else the raw name (``EM_AARCH64``).
        run_paths: RUNPATH if there is one, else RPATH: what the loader goes by.
        legacy_run_path: Whether that is the older RPATH, before which nothing in the environment
            comes; with RUNPATH, ``LD_LIBRARY_PATH`` does.
        version_needs: In the order of the file.
        executable_stack: Whether loading it makes the stack executable.
        symbols: Whether a symbol table (``.symtab``) was left in.
        sections: Name and size of each section that takes room in the file.
    """

    path: str
    installed: str
    size: int
    kind: str
    machine: str
    soname: str | None
    needed: tuple[str, ...]
    run_paths: tuple[str, ...]
    legacy_run_path: bool
    version_needs: tuple[VersionNeed, ...]
    interpreter: str | None
    executable_stack: bool
    symbols: bool
    sections: tuple[Part, ...]
    cuda: CudaCode | None

    @property
    def vendored(self) -> bool:
        """Whether repair put it there (it lies in a ``.libs`` folder)."""
        return self.path.split("/")[0].endswith(".libs")


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """A library some ELF file needs that is neither in the wheel nor promised by manylinux.

    Attributes:
        soname: As it stands in NEEDED.
        needed_by: The ELF files that need it.
        searched: Folders below site-packages in which *every* one of them looks.
    """

    soname: str
    needed_by: tuple[str, ...]
    searched: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A path of the building machine inside a file of the wheel.

    Attributes:
        needle: What was looked for.
        path: The file of the wheel.
        text: The printable text around the first place it stands.
        count: How often it stands in the file.
    """

    needle: str
    path: str
    text: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the record beside the wheel says of its making."""

    profile: str | None
    build_key: str | None
    cuda: str | None
    architectures: tuple[str, ...]
    ptx: str | None
    matches: bool
    """Whether the record's sha256 is this file's."""
    companion_of: str | None = None
    """The project (normalised) this empty wheel was made with, or None for a recipe's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """Everything `inspect_wheel` reads out of one wheel.

    Attributes:
        size: Bytes of the wheel file; ``unpacked`` is the sum of its files.
        tags: Every ``python-abi-platform`` triple of the file name, sorted.
        pure: The wheel's own ``Root-Is-Purelib``.
        problems: What is wrong with its RECORD, WHEEL or METADATA (empty: nothing).
        newest: Newest needed version by prefix: ``{"GLIBC": "2.29", …}``, as sorted pairs.
        policy: Oldest manylinux tag whose symbol versions suffice, by our own reading, or None.
        policy_reasons: What holds ``policy`` where it is.
        vendored: File names in ``.libs`` folders.
        real, ptx: GPU architectures in the whole wheel, by machine code and by PTX.
        largest_files, largest_sections: Ten of each; sections of the biggest ELF file.
    """

    filename: str
    name: str
    version: str
    build_tag: str | None
    tags: tuple[str, ...]
    requires_python: str | None
    dependencies: tuple[str, ...]
    size: int
    unpacked: int
    sha256: str
    pure: bool
    metadata: str
    problems: tuple[str, ...]
    elves: tuple[ElfFacts, ...]
    newest: tuple[tuple[str, str], ...]
    policy: str | None
    policy_reasons: tuple[str, ...]
    vendored: tuple[str, ...]
    external: tuple[External, ...]
    real: tuple[str, ...]
    ptx: tuple[str, ...]
    largest_files: tuple[Part, ...]
    largest_sections: tuple[Part, ...]
    leaks: tuple[Leak, ...]
    recorded: Recorded | None

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platform tags of the file name, sorted."""
        return tuple(sorted({tag.split("-", 2)[2] for tag in self.tags}))

    def as_json(self) -> dict[str, Any]:
        """Plain data (of `INSPECTION_SCHEMA`), the same for the same wheel."""
        return {**asdict(self), "newest": dict(self.newest)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A promise a wheel breaks.

    Attributes:
        code: Stable and short, for machines: ``platform-too-new``.
        message: What is wrong, with names.
        remedy: What to do about it.
    """

    code: str
    message: str
    remedy: str

import pytest

from builder.build.progress import failure, ninja_step


@pytest.mark.parametrize(
    ("line", "step"),
    [
        (
            "[12/784] Building CXX object modules/core/CMakeFiles/x.dir/src/matrix.cpp.o",
            (12, 784, "matrix.cpp.o"),
        ),
        (
            "[1/2] Linking C shared library libhello.so",
            (1, 2, "Linking C shared library libhello.so"),
        ),
        ("[784/784] done", (784, 784, "done")),
        ("[3/0] nonsense", None),
        ("[9/8] nonsense", None),
        ("-- [1/2] not at the start", None),
        ("", None),
    ],
)
def test_ninja_step(line: str, step: object) -> None:
    assert ninja_step(line) == step


COMPILE = """[1/3] Building C object a.c.o
FAILED: CMakeFiles/x.dir/b.c.o
/mnt/wheelhouse/host/bin/sccache gcc -c b.c
b.c:3:5: error: expected ';' before 'return'
    3 |     return 0
      |     ^~~~~~
[2/3] Building C object c.c.o
ninja: build stopped: subcommand failed.

*** CMake build failed
ERROR Backend subprocess exited when trying to invoke build_wheel
"""


def test_the_failed_step_is_shown_and_not_what_ran_beside_it() -> None:
    shown = failure(COMPILE)
    assert shown.splitlines()[0] == "FAILED: CMakeFiles/x.dir/b.c.o"
    assert "expected ';'" in shown
    assert "c.c.o" not in shown
    assert "Backend" not in shown


def test_a_long_failure_keeps_its_name_and_the_first_error() -> None:
    noise = "".join(f"note {n}\n" for n in range(50))
    text = COMPILE.replace("b.c:3:5", noise + "b.c:3:5").replace("      |", noise + "      |")
    shown = failure(text).splitlines()
    assert len(shown) <= 20
    assert shown[0].startswith("FAILED:")
    assert any("expected ';'" in line for line in shown)


def test_a_configure_error_is_shown_from_its_start() -> None:
    text = (
        "-- ok\nCMake Error at CMakeLists.txt:4 (message):\n  no\n\n\n-- Configuring incomplete\n"
    )
    shown = failure(text + "tail\n" * 40)
    assert shown.startswith("CMake Error at CMakeLists.txt:4")
    assert len(shown.splitlines()) <= 20


def test_anything_else_ends_with_its_last_lines() -> None:
    text = "".join(f"{n}\n" for n in range(100))
    assert failure(text).splitlines() == [str(n) for n in range(80, 100)]
    assert failure("") == ""

import hello_native
import pytest


def test_through_both_libraries():
    assert hello_native.greeting(3) == "three sums!"
    assert hello_native.median([3, 1, 2]) == 2.0


def test_the_patch_is_in():
    assert hello_native.median(range(1000)) == 499.5
    with pytest.raises(ValueError, match="1001 numbers"):
        hello_native.median(range(1001))

import hello_cuda
import pytest


def test_it_answers():
    assert hello_cuda.twice(21) in (42, -1)


@pytest.mark.gpu
def test_on_the_gpu():
    assert hello_cuda.twice(21) == 42

"""Images read ahead by threads, while what was read is looked at."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Image = TypeVar("Image")
Read = TypeVar("Read")


def groups(
    images: Iterable[Image], read: Callable[[Image], Read], *, readers: int, size: int
) -> Generator[list[Read | Exception]]:
    """What `read` makes of the images, in their order, `size` at a time; the last may be fewer.

    While a group is in use the next one is read, or two images for each of the `readers`, whichever
    is more; no more images than that are taken. Where reading one fails, its exception is in its
    place.
    """
    coming: deque[Future[Read]] = deque()
    left = iter(images)
    pool = ThreadPoolExecutor(readers, "darknet-reader")
    try:
        while True:
            for image in islice(left, size + max(size, 2 * readers) - len(coming)):
                coming.append(pool.submit(read, image))
            if not coming:
                return
            group: list[Read | Exception] = []
            for _ in range(min(size, len(coming))):
                outcome = _outcome(coming.popleft())
                group.append(outcome)
            yield group
    finally:
        pool.shutdown(cancel_futures=True)


def _outcome(future: Future[Read]) -> Read | Exception:
    try:
        return future.result()
    except Exception as error:  # it is handed on, whatever it is
        return error

"""How long reading takes, in processor time: neither other programs nor what earlier tests have left count."""

import gc
import time
from collections.abc import Callable, Iterable
from itertools import pairwise


def took_s(work: Callable[[], object]) -> float:
    """The processor time of `work`, without looks through the memory of the whole test run for what can go."""
    gc.disable()
    began = time.process_time()
    try:
        work()
        return time.process_time() - began
    finally:
        gc.enable()


def is_in_proportion(work: Callable[[int], object], sizes: Iterable[int] = (4, 8, 16, 32, 64)) -> bool:
    """Whether twice the size takes about twice the time, measured again where it seems not to.

    A pattern that divides a text in every way does not come to the last size.
    """
    return any(_grows_slowly(work, tuple(sizes)) for _ in range(3))


def _grows_slowly(work: Callable[[int], object], sizes: tuple[int, ...]) -> bool:
    times = (took_s(lambda size=size: work(size)) for size in sizes)
    return all(after < 10 * before + 0.005 for before, after in pairwise(times))

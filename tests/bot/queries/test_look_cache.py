"""One look for all who ask for the same, kept within a bound; what went wrong is looked for again."""

import asyncio

import pytest

from bot.queries.look_cache import LookCache, SharedLook
from tests.kit.waiting import until


class Place:
    """What is looked at: it says how often, and how many looked at once. Whoever looks waits until it is `open`."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.looks, self.at_once, self._now = list[str](), 0, 0
        self.open = asyncio.Event()
        if is_open:
            self.open.set()

    async def look(self, what: str) -> str:
        self.looks.append(what)
        self._now += 1
        self.at_once = max(self.at_once, self._now)
        try:
            await self.open.wait()
        finally:
            self._now -= 1
        if what == "broken":
            raise LookupError(what)
        return what * 10


def a_cache(most_bytes: int = 1_000, at_once: int = 2) -> LookCache[str]:
    return LookCache[str](len, most_bytes=most_bytes, at_once=at_once)


async def asked(cache: LookCache[str], place: Place, *keys: str, keeps: bool = True) -> list[str]:
    return [await cache.get(key, lambda key=key: place.look(key), keeps=keeps) for key in keys]


async def test_what_was_found_is_not_looked_for_again_but_what_may_change_or_is_too_large_is() -> None:
    cache, small, place = a_cache(), a_cache(most_bytes=9), Place()

    assert await asked(cache, place, "a", "b", "a", "a") == ["a" * 10, "b" * 10, "a" * 10, "a" * 10]
    await asked(cache, place, "c", "c", keeps=False)
    assert await asked(small, place, "d", "d") == ["d" * 10] * 2

    assert place.looks == ["a", "b", "c", "c", "d", "d"]


async def test_all_who_ask_at_the_same_time_wait_for_one_look_which_goes_on_though_whoever_began_it_has_left() -> None:
    cache, place = a_cache(), Place(is_open=False)
    first, *others = [asyncio.create_task(cache.get("a", lambda: place.look("a"), keeps=False)) for _ in range(20)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    first.cancel()
    place.open.set()

    assert set(await asyncio.gather(*others)) == {"a" * 10}
    assert place.looks == ["a"]


async def test_a_failure_is_told_to_all_who_wait_and_not_kept() -> None:
    cache, place = a_cache(), Place()

    found = await asyncio.gather(
        *(cache.get("broken", lambda: place.look("broken")) for _ in range(3)), return_exceptions=True
    )
    with pytest.raises(LookupError):
        await cache.get("broken", lambda: place.look("broken"))

    assert [type(each) for each in found] == [LookupError] * 3
    assert place.looks == ["broken", "broken"]


async def test_only_a_few_look_at_once() -> None:
    cache, place = a_cache(), Place(is_open=False)
    asking = [asyncio.create_task(cache.get(key, lambda key=key: place.look(key))) for key in "abcdef"]
    for _ in range(10):
        await asyncio.sleep(0)

    place.open.set()
    await asyncio.gather(*asking)

    assert place.at_once == 2
    assert sorted(place.looks) == list("abcdef")


async def test_what_was_asked_for_longest_ago_makes_room() -> None:
    cache, place = a_cache(most_bytes=25), Place()

    await asked(cache, place, "a", "b", "a", "c", "a", "b")

    assert place.looks == ["a", "b", "c", "b"]


class Sign:
    """Something to look at, which says what it said when a look at it began; each look ends once it is told to."""

    def __init__(self) -> None:
        self.says, self.ends = "old", list[asyncio.Event]()
        self.look = SharedLook(self._look, lambda: 0.0)

    async def _look(self) -> str:
        said, end = self.says, asyncio.Event()
        self.ends.append(end)
        await end.wait()
        return said


async def test_who_asks_anew_is_told_nothing_of_a_look_that_began_before() -> None:
    sign = Sign()
    first = asyncio.create_task(sign.look.found())
    await until(lambda: len(sign.ends) == 1)
    sign.says = "new"

    anew = [asyncio.create_task(sign.look.found(anew=True)) for _ in range(50)]
    await asyncio.sleep(0)
    sign.ends[0].set()
    await until(lambda: len(sign.ends) == 2)
    sign.ends[1].set()

    assert await first == "old"
    assert set(await asyncio.gather(*anew)) == {"new"}
    assert await sign.look.found() == "new"
    assert len(sign.ends) == 2, "one look for all who ask anew"


async def test_who_asks_anew_hears_of_the_next_look_though_the_one_before_failed() -> None:
    ends = [asyncio.Event(), asyncio.Event()]
    begun = list[int]()

    async def fails_once() -> str:
        begun.append(len(begun))
        await ends[begun[-1]].wait()
        if len(begun) == 1:
            raise OSError("away")
        return "new"

    look = SharedLook(fails_once, lambda: 0.0)
    first = asyncio.create_task(look.found())
    await until(lambda: len(begun) == 1)
    anew = asyncio.create_task(look.found(anew=True))
    await asyncio.sleep(0)
    ends[0].set()
    ends[1].set()

    with pytest.raises(OSError, match="away"):
        await first
    assert await anew == "new"

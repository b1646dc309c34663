"""Several lanes at once, because a killed worker's successor mostly waits for leases and redeliveries."""

import queue
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.kill.lane import Lane, Point
from tests.kill.parts import ToolName
from tests.kill.people import Story

LANES = 6
# A point that chance may pass by, such as the look at a lease that has just ended, is tried again.
TRIES = 5
ALL_WITHIN_S = 600


@dataclass(frozen=True)
class Case:
    """A story to be told, and where its worker dies."""

    tool: ToolName
    kills: tuple[Point, ...] = ()

    def __str__(self) -> str:
        befalls = {"kill": "", "drop": ", lost", "stop": ", stopped"}
        return ", ".join([self.tool, *(f"{point}{befalls[point.act]}" for point in self.kills)])


class Lanes:
    """Tells all `cases` while the context is open; `story` waits for one of them."""

    def __init__(self, cases: Iterable[Case]) -> None:
        self._told = {case: Future[Story]() for case in cases}
        self._left = queue.SimpleQueue[Case]()
        self._threads = [threading.Thread(target=self._work) for _ in range(min(LANES, len(self._told)))]

    def __enter__(self) -> Self:
        """Begin."""
        for case in self._told:
            self._left.put(case)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Tell no more stories, and end every lane."""
        with suppress(queue.Empty):
            while True:
                self._left.get_nowait()
        for thread in self._threads:
            thread.join()

    def story(self, case: Case) -> Story:
        """The story of `case`, told to its end. Raises what went wrong in it."""
        return self._told[case].result(ALL_WITHIN_S)

    def _work(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._tell_in_one_lane()

    def _tell_in_one_lane(self) -> None:
        """Tell stories until one goes wrong: nobody knows what it has left behind. Raises queue.Empty at the end."""
        case = self._left.get_nowait()
        with Lane() as lane:
            while True:
                try:
                    self._told[case].set_result(_tell(lane, case))
                except Exception as error:  # noqa: BLE001 - whoever waits for this story gets it
                    self._told[case].set_exception(error)
                    return
                case = self._left.get_nowait()


def _tell(lane: Lane, case: Case) -> Story:
    for _ in range(TRIES):
        story = lane.tell(case.tool, *case.kills)
        if story.sprung == len(case.kills) or story.problems():
            return story
    raise AssertionError(f"{case}: this point was not reached in {TRIES} stories")

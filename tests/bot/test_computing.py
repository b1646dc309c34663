"""Turns that are too long, on both event loops: the one of production and Python's own."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from inspect import getsource
from typing import Any, TypeVar

import pytest
import uvloop

from bot.computing import BOUND_S, in_time
from bot.errors import TookTooLong
from tests.kit.long_turns import LONG_TURNS, expression, loop

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]

loops = pytest.mark.parametrize("run", [uvloop.run, asyncio.run])


async def bounded(work: Awaitable[T]) -> T:
    with in_time():
        return await work


async def a_turn() -> None:
    await asyncio.sleep(0)


def computes(seconds: float) -> None:
    """Compute for so long: so much processor time of this thread, however busy the machine is."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


@loops
@pytest.mark.parametrize("work", LONG_TURNS)
def test_a_turn_that_computes_for_too_long_is_ended_in_the_middle_and_the_next_ones_are_not(
    run: Run[None], work: Callable[[], None]
) -> None:
    heard = list[str]()

    async def too_long() -> None:
        await a_turn()
        work()
        heard.append("came to its end")

    async def after_it() -> None:
        with pytest.raises(TookTooLong, match="1 s") as told:
            await bounded(too_long())
        assert "asyncio.to_thread" in told.value.do
        await a_turn()
        await bounded(a_turn())
        heard.append("goes on")

    run(after_it())

    assert heard == ["goes on"]


@loops
def test_only_the_task_that_computes_is_ended_also_where_another_began_it(run: Run[None]) -> None:
    async def too_long() -> str:
        await a_turn()
        expression()
        return "came to its end"

    async def patient() -> str:
        for _ in range(50):
            await a_turn()
        return "whole"

    async def all_of_them() -> None:
        found = await asyncio.gather(patient(), too_long(), patient(), return_exceptions=True)
        assert [one if isinstance(one, str) else type(one) for one in found] == ["whole", TookTooLong, "whole"]

    run(bounded(all_of_them()))


@loops
def test_many_turns_may_take_as_long_as_they_like_together(run: Run[None]) -> None:
    async def works() -> None:
        for _ in range(20):
            computes(BOUND_S / 40)
            await a_turn()

    async def all_of_them() -> None:
        await asyncio.gather(*(works() for _ in range(8)))

    run(bounded(all_of_them()))


@loops
def test_what_is_not_bounded_computes_as_long_as_it_likes(run: Run[None]) -> None:
    async def unbounded() -> None:
        await bounded(a_turn())
        computes(2 * BOUND_S)
        with in_time():
            pass
        computes(BOUND_S)

    run(unbounded())


@loops
def test_what_threads_compute_does_not_count(run: Run[None]) -> None:
    is_over = threading.Event()

    def beside() -> None:
        while not is_over.is_set():
            pass

    async def works() -> None:
        computes(BOUND_S / 2)

    threads = [threading.Thread(target=beside) for _ in range(3)]
    for one in threads:
        one.start()
    try:
        run(bounded(works()))
    finally:
        is_over.set()
        for one in threads:
            one.join()


@loops
def test_a_bounded_part_in_a_bounded_part_is_one_turn_with_it(run: Run[None]) -> None:
    async def inner() -> None:
        expression()

    async def outer() -> str:
        try:
            await bounded(inner())
        except TookTooLong:
            await a_turn()
        await bounded(a_turn())
        loop()
        return "came to its end"

    async def both() -> None:
        with pytest.raises(TookTooLong):
            await bounded(outer())

    run(both())


@loops
def test_whoever_catches_each_error_and_goes_on_is_ended_again(run: Run[None]) -> None:
    ended = list[Exception]()

    async def stubborn() -> None:
        for _ in range(2):
            try:
                expression()
            except Exception as error:  # noqa: BLE001 - as code does that must go on
                ended.append(error)

    run(bounded(stubborn()))

    assert [type(one) for one in ended] == [TookTooLong, TookTooLong]


@loops
def test_what_cleans_up_comes_to_its_end(run: Run[None]) -> None:
    left = list[str]()

    @contextmanager
    def held() -> Generator[None]:
        try:
            yield
        finally:
            left.append("let go")

    @asynccontextmanager
    async def kept() -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await a_turn()
            left.append("let go later")

    class Careful:
        def __enter__(self) -> None:
            pass

        def __exit__(self, *_: object) -> None:
            computes(2 * BOUND_S)
            left.append("let go slowly")

    async def holds() -> None:
        async with kept():
            with held(), Careful():
                expression()

    async def after_it() -> None:
        with pytest.raises(TookTooLong):
            await bounded(holds())
        async with asyncio.timeout(None):
            await a_turn()

    run(after_it())

    assert left == ["let go slowly", "let go", "let go later"]


@pytest.mark.parametrize("module", ["redis.asyncio.connection", "bot.store.client.line", "logging"])
def test_what_holds_a_connection_or_a_lock_of_all_is_left_alone_and_whoever_called_it_is_not(module: str) -> None:
    heard, there = list[str](), dict[str, Any]({"__name__": module, "time": time})
    exec(getsource(computes), there)  # noqa: S102 - as if it were a file of that name

    async def works() -> None:
        there["computes"](2 * BOUND_S)
        heard.append("came to its end")
        expression()

    with pytest.raises(TookTooLong):
        asyncio.run(bounded(works()))

    assert heard == ["came to its end"]


@loops
def test_a_lock_is_free_again_once_its_holder_was_ended(run: Run[None]) -> None:
    lock = asyncio.Lock()

    async def holds() -> None:
        async with lock:
            expression()

    async def both() -> None:
        first, second = await asyncio.gather(bounded(holds()), bounded(waits()), return_exceptions=True)
        assert isinstance(first, TookTooLong)
        assert second == "had it"

    async def waits() -> str:
        async with lock:
            return "had it"

    run(both())


@loops
def test_who_is_cancelled_while_they_wait_hears_of_that_alone(run: Run[None]) -> None:
    heard = list[type[BaseException]]()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        except BaseException as error:
            heard.append(type(error))
            raise

    async def cancels() -> None:
        task = asyncio.create_task(bounded(waits()))
        await a_turn()
        task.cancel()
        computes(2 * BOUND_S)
        with pytest.raises(asyncio.CancelledError):
            await task

    run(cancels())

    assert heard == [asyncio.CancelledError]


def test_a_loop_in_a_thread_is_left_alone() -> None:
    found = list[str]()

    async def works() -> str:
        computes(2 * BOUND_S)
        return "came to its end"

    asyncio.run(bounded(a_turn()))
    thread = threading.Thread(target=lambda: found.append(asyncio.run(bounded(works()))))
    thread.start()
    thread.join()

    assert found == ["came to its end"]


def test_a_program_that_is_begun_meanwhile_is_never_ended_by_our_clock() -> None:
    program = f"import time\nwhile time.process_time() < {2 * BOUND_S}: pass\nprint('came to its end')"

    async def begins() -> bytes:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=subprocess.PIPE)
        return (await process.communicate())[0]

    assert asyncio.run(bounded(begins())) == b"came to its end\n"
    assert signal.getitimer(signal.ITIMER_VIRTUAL)[1], "it ticks on here"


ENDS_SLOWLY = f"""
import asyncio, time
from bot.computing import in_time

class Slow:
    def __init__(self) -> None:
        self.time = time.process_time

    def __del__(self) -> None:
        until = self.time() + {2 * BOUND_S}
        while self.time() < until:
            pass

async def works() -> None:
    with in_time():
        pass

slow = Slow()
asyncio.run(works())
"""


def test_a_process_that_takes_long_to_end_ends_well() -> None:
    subprocess.run([sys.executable, "-c", ENDS_SLOWLY], check=True)


FORKED = """
import asyncio, os
from bot.computing import in_time
from bot.errors import TookTooLong
from tests.kit.long_turns import expression

async def works():
    with in_time():
        expression()

async def nothing():
    with in_time():
        pass

asyncio.run(nothing())
if child := os.fork():
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
else:
    try:
        asyncio.run(works())
    except TookTooLong:
        os._exit(7)
    os._exit(1)
"""


def test_a_process_that_was_forked_has_a_clock_of_its_own() -> None:
    subprocess.run([sys.executable, "-c", FORKED], check=True)

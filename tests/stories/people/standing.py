"""An office whose policy allows standing approvals, and what people do about them."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from agents.requests import RunId
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from agents.run import fold
from agents.standing import wanted
from bot.policy.standing import Standing
from bot.runs.api_requests import Asker
from bot.testing.people import Peopled
from channels import Channel
from tests.kit.office import TOML
from tests.kit.world import World, a_world

ALLOWED = TOML.replace('execute_within = "15m"\n', 'execute_within = "15m"\nstanding = "5 in 30d"\n', 1)
DAY = timedelta(days=1)


@asynccontextmanager
async def an_office(
    redis: str,
    folder: Path,
    toml: str = ALLOWED,
    *,
    beside: Sequence[Channel] = (),
    change: Callable[[World], None] = lambda _: None,
) -> AsyncGenerator[World]:
    """A running office in which the policy `production` allows up to five uses in thirty days."""
    async with a_world(redis, folder / "data", toml, beside=beside, change=change) as office:
        yield office


async def done_once(office: World, text: str = "press bell", by: str = "bo", person: str = "anna") -> RunId:
    """The run in which it was done after people had approved it."""
    run_id = await office.trigger(text, person)
    await office.decide(by, await office.opened(run_id), "approve")
    await office.ended(run_id)
    return run_id


async def asked(
    office: Peopled,
    run_id: RunId,
    uses: int = 3,
    leave_open: tuple[str, ...] = (),
    within: timedelta = DAY,
    person: str = "anna",
) -> RequestRecord:
    """The open request for a standing approval of what `run_id` did."""
    until = await office.now() + within
    agents = office.app.runs.executor.agents
    run = fold(await office.events(run_id))
    who = office.app.people.of_file(person)
    args, others = office.app.requests.standing.wanted(run, agents, who, uses, until, leave_open)
    found = await office.app.runs.standing.ask(wanted(args), {}, Asker(who, proof=as_by("cli"), others=others))
    return await office.request(found)


async def granted(
    office: Peopled,
    run_id: RunId,
    uses: int = 3,
    leave_open: tuple[str, ...] = (),
    within: timedelta = DAY,
    by: tuple[str, ...] = ("bo",),
) -> Standing:
    """The standing approval that these people gave."""
    record = await asked(office, run_id, uses, leave_open, within)
    for person in by:
        await office.decide(person, record, "approve")
    await office.has(record.request.run_id, "done")
    return await the_only(office)


async def the_only(office: Peopled) -> Standing:
    """The one standing approval there is."""
    [found] = await office.app.requests.standing.all()
    return found


async def is_asked(office: World, text: str = "press bell", person: str = "anna") -> bool:
    """Whether people are asked about it; else it is done at once."""
    run_id = await office.trigger(text, person)

    await office.quiet()

    return (await office.run(run_id)).open is not None

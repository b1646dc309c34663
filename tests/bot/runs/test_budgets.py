"""The words of a question about a budget, and that nobody is asked about a day that has been extended."""

from datetime import datetime

from agents.budgets import Day, Limits, Spent
from agents.events import ContinuationAsked, StepChosen
from agents.run import Run
from bot.config.tables import AgentConfig
from bot.outbound.notifier import Notifier
from bot.runs.append import EventLog
from bot.runs.budgets import Budgets
from bot.runs.loop import Loop
from bot.runs.thinking import ModelTurn, Thinker
from tests.kit.world import World

CLERK = {"clerk": AgentConfig(max_steps_per_day=2)}


class Extended(Budgets):
    """Between the first look at the day and the next one, an answer to another run extends it."""

    def __init__(self, world: World) -> None:
        self.days, self.looks = world.app.store.days, 0
        super().__init__(self.days, CLERK, world.app.people)

    async def day(self, run: Run, now: datetime) -> Day | None:
        found = await super().day(run, now)
        self.looks += 1
        if self.looks == 1:
            assert found is not None
            assert found.is_over
            await self.days.extend("clerk", now.date(), "another question", Limits(steps=9))
        return found


async def test_nobody_is_asked_about_a_day_that_another_answer_has_just_extended(world: World) -> None:
    await world.stop()
    await world.start(works=False)
    run_id = await world.trigger("stamp letter")
    app, now = world.app, await world.now()
    await app.store.days.note("clerk", now.date(), "s0r-aaaaaaaaaaaaa", 1, Spent(steps=2))
    budgets = Extended(world)
    log = EventLog(app.journal, Notifier(app.people, tuple(app.messages.channels)))
    turn = ModelTurn(log, Thinker({}), budgets, app.messages.outbox.alert)
    loop = Loop(
        log, turn, app.runs.executor, app.runs.children, app.requests.decisions, app.people, app.requests.freezes
    )

    await loop.advance(run_id)

    events = await world.events(run_id)
    assert budgets.looks > 1
    assert [event for event in events if isinstance(event, ContinuationAsked)] == []
    assert any(isinstance(event, StepChosen) for event in events)

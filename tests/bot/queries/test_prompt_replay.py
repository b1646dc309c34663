"""A model's input, made again: the very bytes that it was sent, as long as nothing of that has changed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from agents.context import render
from agents.events import ContextFetched, Event, RunForked, StepChosen
from agents.model.claude import Claude
from agents.model.protocol import Chosen
from agents.requests import RunId, StepId
from agents.run import fold
from agents.steps import ModelCall
from bot.errors import Conflict
from bot.queries.prompt_replay import seen
from tests.agents.model.test_claude import AGENT
from tests.agents.worlds import BO, NOON, chosen, finished, started, tool_started
from tests.fakes.anthropic import FakeAnthropic, message, running, text_of, tool_use

EVENTS: tuple[Event, ...] = (started(), ContextFetched(at=NOON, facts=()))
AGENTS = {"deploy": AGENT}


@pytest.fixture
def fake() -> Iterator[FakeAnthropic]:
    with running() as fake:
        yield fake


async def asked(fake: FakeAnthropic, events: Sequence[Event], **options: Any) -> tuple[StepChosen, str]:
    """A step that a model chose, and the message that it was sent."""
    model = Claude(fake.key, fake.base_url, "claude-sonnet-5-5", **options)
    fake.answers(message(tool_use("deploy", {"version": "v1.2.0", "place": {"environment": "staging"}})))
    found = await model.choose(AGENT, fold(events), events)
    await model.close()
    assert isinstance(found, Chosen)
    call = found.call.model_copy(update={"model": "claude-sonnet-5-5"})
    event = StepChosen(at=NOON, step_id=StepId("s2"), step=found.step, call=call)
    return event, text_of(fake.requests()[-1])


async def test_it_is_byte_for_byte_what_was_sent(fake: FakeAnthropic) -> None:
    before = (*EVENTS, chosen(), tool_started(), finished(output="<event> & more"))
    event, sent = await asked(fake, before)

    found = seen([*before, event, tool_started("a2", "s2")], 2, AGENTS)

    assert found.text == sent
    assert (found.is_same, found.note) == (True, "Exactly what was sent, by its hash.")


async def test_a_step_is_told_by_the_hash_with_what_its_call_might_take(fake: FakeAnthropic) -> None:
    event, _ = await asked(fake, EVENTS, max_output_tokens=2_048, effort="low")

    assert seen([*EVENTS, event], 1, AGENTS).is_same is True


async def test_a_step_of_a_release_that_did_not_record_what_its_call_might_take_is_told_by_its_hash(
    fake: FakeAnthropic,
) -> None:
    event, _ = await asked(fake, EVENTS)
    call = event.call.model_dump()
    del call["max_output_tokens"]
    assert "effort" not in call

    before = event.model_copy(update={"call": ModelCall.model_validate(call)})

    assert seen([*EVENTS, before], 1, AGENTS).is_same is True


async def test_what_another_release_sent_is_said_to_be_another(fake: FakeAnthropic) -> None:
    event, _ = await asked(fake, EVENTS)

    found = seen([*EVENTS, event], 1, {"deploy": replace(AGENT, description="does something else")})

    assert found.is_same is False
    assert "rendered by another release" in found.note
    assert seen([*EVENTS, event], 1, {}).is_same is False


def test_a_step_that_rules_chose_was_seen_by_no_model() -> None:
    found = seen([*EVENTS, chosen()], 1, AGENTS)

    assert found.text == render(fold(EVENTS), EVENTS)
    assert (found.is_same, found.note.startswith("No model was asked")) == (None, True)


def test_a_copied_step_says_so() -> None:
    forked = RunForked(at=NOON, how="fork", source=RunId("r0"), at_seq=3, by=BO)

    found = seen([*EVENTS, chosen(), forked, chosen()], 1, AGENTS)

    assert "copied from r0" in found.note
    assert "copied" not in seen([*EVENTS, chosen(), forked, chosen()], 2, AGENTS).note


@pytest.mark.parametrize("step", [0, 2, -1])
def test_there_is_no_such_step(step: int) -> None:
    with pytest.raises(Conflict, match="has steps 1 to 1, and no step"):
        seen([*EVENTS, chosen()], step, AGENTS)
    with pytest.raises(Conflict, match="chosen no step yet"):
        seen(EVENTS, 1, AGENTS)

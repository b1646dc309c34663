"""A model's input, made again: the very bytes that it was sent, as long as nothing of that has changed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from agents.context import render
from agents.events import ContextFetched, Event, RunForked, StepChosen
from agents.model.claude import Claude
from agents.model.openai import OpenAI
from agents.model.protocol import Chosen
from agents.requests import RunId, StepId
from agents.run import fold
from agents.steps import Form, ModelCall
from bot.errors import Conflict
from bot.queries.prompt_replay import seen
from bot.store.indexes import KeptReply
from tests.agents.model.test_claude import AGENT
from tests.agents.worlds import BO, NOON, chosen, finished, started, tool_started
from tests.fakes.anthropic import FakeAnthropic, message, running, text_of, tool_use
from tests.fakes.openai import FakeOpenAI, call, completion, step
from tests.fakes.openai import running as openai_running

EVENTS: tuple[Event, ...] = (started(), ContextFetched(at=NOON, facts=()))
AGENTS = {"deploy": AGENT}


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeAnthropic]:
    with running() as fake:
        yield fake


@pytest.fixture(scope="module")
def openai() -> Iterator[FakeOpenAI]:
    with openai_running() as fake:
        yield fake


async def asked(fake: FakeAnthropic, events: Sequence[Event], **options: Any) -> tuple[StepChosen, str]:
    """A step that a model chose, and the message that it was sent."""
    model = Claude(fake.key, fake.base_url, "claude-sonnet-5-5", **options)
    fake.answers(message(tool_use("deploy", {"version": "v1.2.0", "place": {"environment": "staging"}})))
    found = await model.choose(AGENT, fold(events), events)
    await model.close()
    assert isinstance(found, Chosen)
    made = found.call.model_copy(update={"model": "claude-sonnet-5-5"})
    event = StepChosen(at=NOON, step_id=StepId("s2"), step=found.step, call=made, read_by=())
    return event, text_of(fake.requests()[-1])


async def test_it_is_byte_for_byte_what_was_sent(fake: FakeAnthropic) -> None:
    before = (*EVENTS, chosen(), tool_started(), finished(output="<event> & more"))
    event, sent = await asked(fake, before)

    found = seen([*before, event, tool_started("a2", "s2")], 2, AGENTS)

    assert found.text == sent
    assert (found.is_same, found.note) == (True, "Exactly what was sent, by its hash.")


@pytest.mark.parametrize("form", [None, Form(strict=False, step_as="json", temperature=0.5)])
async def test_a_step_of_another_maker_s_model_is_told_by_how_and_under_which_name_it_was_asked(
    openai: FakeOpenAI, form: Form | None
) -> None:
    model = OpenAI(openai.key, openai.base_url, "gpt-5", form=form)
    name, arguments = "deploy", {"version": "v1.2.0", "place": {"environment": "staging"}}
    by_call = completion(call(name, arguments), model="gpt-5-2025-08-07")
    openai.answers(step(name, arguments) if form and form.step_as == "json" else by_call)
    found = await model.choose(AGENT, fold(EVENTS), EVENTS)
    await model.close()
    assert isinstance(found, Chosen)
    event = StepChosen(at=NOON, step_id=StepId("s2"), step=found.step, call=found.call, read_by=())
    kept = KeptReply(text=found.reply, is_cut=False, until=NOON)

    again = seen([*EVENTS, event], 1, AGENTS, reply=kept)

    assert found.call.asked == "openai:gpt-5"
    assert (again.is_same, again.reply_is_same) == (True, True)


async def test_a_step_is_told_by_the_hash_with_what_its_call_might_take_or_without_where_that_was_not_recorded(
    fake: FakeAnthropic,
) -> None:
    event, _ = await asked(fake, EVENTS, max_output_tokens=2_048, effort="low")
    assert seen([*EVENTS, event], 1, AGENTS).is_same is True

    event, _ = await asked(fake, EVENTS)
    recorded = event.call.model_dump()
    del recorded["max_output_tokens"]
    assert not recorded.keys() & {"effort", "form", "asked"}
    before = event.model_copy(update={"call": ModelCall.model_validate(recorded)})
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


def test_there_is_no_such_step() -> None:
    for number in (0, 2, -1):
        with pytest.raises(Conflict, match="has steps 1 to 1, and no step"):
            seen([*EVENTS, chosen()], number, AGENTS)
    with pytest.raises(Conflict, match="chosen no step yet"):
        seen(EVENTS, 1, AGENTS)

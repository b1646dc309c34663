"""A model that errs or is away: it hears what is wrong, nobody is asked about a mistake, and people read why."""

import json

import pytest

from agents.events import RequestOpened, StepChosen, StepFailed, StepRefused
from agents.requests import PersonId, RunId, StandIn
from bot.render.transcript import lines
from bot.runs.api_requests import Asker
from tests.bot.cli.shell import sayso
from tests.fakes.anthropic import FakeAnthropic, error, text_of
from tests.kit.world import World
from tests.stories.attacks.test_lying_model import DEPLOY, LOOK, STAGING, WISH, approved, calls, says, surfaces

WRONG = calls("deploy", version="v1.2.0", environment="staging-2")


async def story(world: World, run_id: RunId) -> str:
    return "\n".join(lines(await world.events(run_id), world.people))


async def asked(world: World, run_id: RunId) -> int:
    return sum(isinstance(event, RequestOpened) for event in await world.events(run_id))


async def test_a_model_is_shown_which_environments_and_agents_there_are(
    model_shop: World, claude: FakeAnthropic
) -> None:
    claude.answers(LOOK, says("I looked."))
    await model_shop.ended(await model_shop.trigger(WISH, agent="deploy"))
    shown = {tool["name"]: tool["input_schema"]["properties"] for tool in claude.requests()[0]["tools"]}

    assert {name for name, schema in shown.items() if "enum" in schema.get("environment", {})} >= {"deploy", "live"}
    assert all(set(shown[name]["environment"]["enum"]) == {"production", "staging"} for name in ("deploy", "live"))

    claude.answers(says("For nobody."))
    await model_shop.ended(await model_shop.trigger("hm", agent="triage"))
    (start,) = (tool["input_schema"] for tool in claude.requests()[0]["tools"] if tool["name"] == "start_run")
    assert "deploy" in start["properties"]["agent"]["enum"]


async def test_a_model_that_names_an_environment_that_is_not_there_hears_which_there_are_and_nobody_is_asked(
    model_shop: World, claude: FakeAnthropic
) -> None:
    claude.answers(WRONG, STAGING, says("v1.1.0 is live in staging."))

    run_id = await model_shop.trigger("deploy v1.1.0 to staging", agent="deploy")
    await model_shop.ended(run_id)

    why = "deploy: there is no environment 'staging-2'; there are production, staging"
    events = await model_shop.events(run_id)
    assert [event.detail for event in events if isinstance(event, StepFailed)] == [why]
    assert json.dumps(why)[1:-1] in text_of(claude.requests()[1])
    assert all(event.gate is None for event in events if isinstance(event, StepChosen))
    assert "(none)" not in await story(model_shop, run_id)
    assert await asked(model_shop, run_id) == 0


@pytest.mark.long
async def test_a_trouble_of_the_server_is_nothing_that_the_model_reads(
    model_shop: World, claude: FakeAnthropic
) -> None:
    claude.answers(error(529, "overloaded_error", "Overloaded"), error(500, "api_error", "Internal"), STAGING, says(""))

    run_id = await model_shop.trigger("deploy v1.1.0 to staging", agent="deploy")
    for _ in range(2):
        await model_shop.quiet()
        await model_shop.move_time(9)
    await model_shop.ended(run_id)

    first, *others = [text_of(request) for request in claude.requests()]
    assert others[:2] == [first, first]
    assert "overloaded" in await story(model_shop, run_id), "people read it"


async def test_a_model_that_repeats_a_deploy_that_worked_hears_that_it_is_live_and_nobody_is_asked_again(
    model_shop: World, claude: FakeAnthropic
) -> None:
    claude.answers(DEPLOY, LOOK, DEPLOY, says("v1.2.0 is live in production."))

    run_id = await model_shop.trigger(WISH, agent="deploy")
    await approved(model_shop, run_id)
    await model_shop.ended(run_id)

    assert await asked(model_shop, run_id) == 1
    (refused,) = [event for event in await model_shop.events(run_id) if isinstance(event, StepRefused)]
    assert refused.error.startswith("v1.2.0 (")
    assert "is live in production already: this run has put it there" in refused.error
    assert "is live in production already" in text_of(claude.requests()[3])
    mail = await model_shop.next_mail("anna", about="Done: v1.2.0 is live in production")
    assert "already" not in mail.text


async def test_a_run_whose_model_failed_is_nowhere_called_a_rehearsal_and_says_why_rules_chose(
    model_shop: World, claude: FakeAnthropic
) -> None:
    claude.answers(error(401, "authentication_error", "invalid x-api-key"))

    run_id = await model_shop.trigger(WISH, agent="deploy")
    record = await model_shop.opened(run_id)
    card = await model_shop.next_mail("bo", about="Deploy v1.2.0 to production")
    shown = {name: (await sayso(model_shop, "show", name)).out for name in (run_id, record.request.id)}
    as_json = (await sayso(model_shop, "runs", "--json")).out
    await approved(model_shop, run_id)
    await model_shop.ended(run_id)

    told = await model_shop.next_mail("anna", about="Done: v1.2.0 is live in production")
    said = "The model did not answer (401). Fixed rules chose the steps."
    places = {"card": card.text, "outcome": told.text, **shown, **await surfaces(model_shop, run_id)}
    assert [place for place, words in places.items() if "rehearsal" in words.lower()] == []
    for place in ("card", "outcome", *shown, "console, page"):
        assert said.rstrip(".") in " ".join(places[place].split()), (place, places[place])
    assert "(fixed rules)" in places["command line, list"]
    assert "by fixed rules" in places["console, list"]
    assert (json.loads(as_json)[0]["is_rehearsal"], json.loads(as_json)[0]["stand_in"]["some"]) == (False, False)


async def test_a_copy_of_a_run_whose_model_failed_is_no_rehearsal_and_its_step_is_no_model_s(
    model_shop: World, claude: FakeAnthropic
) -> None:
    claude.answers(error(401, "authentication_error", "invalid x-api-key"))
    run_id = await model_shop.trigger("deploy something, please", agent="deploy")
    asked = await model_shop.opened(run_id)
    assert (asked.request.purpose, asked.request.stand_in) == ("question", StandIn(kind="auth", status=401))

    copy_id = await model_shop.app.runs.forks.fork(
        run_id, (await model_shop.run(run_id)).seq, Asker(PersonId("anna"), proof=None)
    )

    copied = await model_shop.opened(copy_id)
    assert copied.request.title == asked.request.title, "which a model did not word"
    assert (copied.request.is_rehearsal, copied.request.stand_in) == (False, asked.request.stand_in)


@pytest.mark.parametrize("agent", ["deploy", "triage"])
async def test_attack_a_model_asks_again_for_what_a_newer_deploy_replaced_and_replaces_that(
    model_shop: World, claude: FakeAnthropic, agent: str
) -> None:
    passes_on = [calls("start_run", agent="deploy")] if agent == "triage" else []
    anna, bo = (model_shop.app.people.named(one) for one in ("anna", "bo"))
    claude.answers(*passes_on, DEPLOY)
    older = await model_shop.app.runs.starter.start("cli", WISH, anna, agent=agent)
    asks = (await model_shop.child(older)).id if passes_on else older
    await model_shop.opened(asks)
    gives_up = [says("It was withdrawn."), *passes_on] if passes_on else []
    other = calls("deploy", version="v1.1.0", environment="production")
    claude.answers(other, *gives_up, DEPLOY, *[says("It is not done.")] * 2)

    newer = await model_shop.app.runs.starter.start("cli", "deploy v1.1.0 to production", bo, agent="deploy")

    record = await model_shop.opened(newer)
    await model_shop.ended(older)
    assert (await model_shop.request(record.request.id)).state == "open"
    assert [one.request.run_id for one in await model_shop.requests() if one.state == "open"] == [newer]

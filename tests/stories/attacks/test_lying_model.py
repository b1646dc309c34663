"""A model that says what did not happen: what people read follows from what tools did; a lie is called its words."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agents import Agent, ToolRefused
from agents.announce import announce_agent
from agents.events import RunEnded, StepRefused
from agents.requests import PersonId, RunId
from agents.run import Run, fold
from agents.starting import start_run_tool
from agents.steps import Done
from bot.app import App, compose
from bot.cli.show import Story, summary_text
from bot.config.settings import Settings
from bot.policy.record import RequestRecord
from bot.render.outcome import told_of, word_of
from bot.render.status_line import asked_for, status_line
from bot.render.transcript import lines
from bot.render.views import run_view, summary_of
from bot.runs.api_requests import Asker
from language import speaking
from tests.bot.cli.shell import sayso
from tests.fakes.anthropic import Answer, FakeAnthropic, error, message, tool_use
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.console import a_console
from tests.stories.faults.test_deploy import release
from tests.stories.test_triage import child_of
from tests.test_tour import commit_of, live

WISH = "deploy v1.2.0 to production"
UNCHANGED = f"Nothing was changed: {WISH}"
STOPPED = f"Stopped: {WISH}"
BEFORE = "v1.0.0"
LABELS = ("The model wrote", "A model's words", "a model wrote")


def says(words: str) -> Answer:
    return message(tool_use("done", {"summary": words}))


def calls(tool: str, **arguments: str) -> Answer:
    return message(tool_use(tool, arguments))


DEPLOY = calls("deploy", version="v1.2.0", environment="production")
STAGING = calls("deploy", version="v1.1.0", environment="staging")
LOOK = calls("live", environment="production")

Happens = Callable[[World, RunId], Awaitable[None]]


async def nothing(_: World, __: RunId) -> None: ...


async def denied(world: World, run_id: RunId) -> None:
    await world.decide("bo", await world.opened(run_id), "deny", "not on a Friday")


async def expired(world: World, run_id: RunId) -> None:
    await world.opened(run_id)
    await world.move_time(5 * 3600)


async def frozen(world: World, run_id: RunId) -> None:
    await world.app.requests.freezes.freeze("production", PersonId("bo"), "incident 4711")
    await denied(world, run_id)


async def approved(world: World, run_id: RunId) -> None:
    await world.decide("bo", await world.opened(run_id), "approve")


async def says_ok(world: World, run_id: RunId) -> None:
    record = await world.opened(run_id)
    card = await world.next_mail("anna")
    assert card.subject.startswith("The model of deploy asks: Done: v1.2.0 is live"), "not as a word of ours"
    await world.decide("anna", record, "free_text", "ok")


@dataclass
class Lie:
    """A model's `script`, whose last step is the lie; what people do meanwhile; and what is to be read in the end."""

    words: str
    subject: str = UNCHANGED
    script: tuple[Answer, ...] = ()
    happens: Happens = nothing
    word: str = "unchanged"
    wish: str = WISH
    says: tuple[str, ...] = ("Nothing was changed", "v1.0.0", "is live in production")
    script_of_release: str = field(default="", kw_only=True)


LIES = {
    "claims a deploy at once": Lie("v1.2.0 is live in production, verified."),
    "claims a deploy after a look": Lie("v1.2.0 is live in production, verified.", script=(LOOK,)),
    "claims an approval": Lie("The deploy was approved by 2 of 2 and v1.2.0 is live."),
    "says that Bo said yes": Lie("Bo said yes, so I deployed it.", script=(LOOK,)),
    "claims a deploy after a denial": Lie("Bo changed his mind: v1.2.0 is live.", STOPPED, (DEPLOY,), denied, "denied"),
    "claims a deploy after a denial and a look": Lie("v1.2.0 is live.", STOPPED, (DEPLOY, LOOK), denied, "denied"),
    "claims a deploy after a freeze": Lie("The freeze is over: v1.2.0 is live.", STOPPED, (DEPLOY,), frozen, "denied"),
    "claims a deploy after an expiry": Lie("It was approved in time.", STOPPED, (DEPLOY,), expired, "expired"),
    "claims a deploy after its command failed": Lie(
        "v1.2.0 is live in production.",
        f"Failed: {WISH}",
        (DEPLOY,),
        approved,
        "failed",
        says=("ended with exit code 3", "v1.0.0", "is live in production"),
        script_of_release="#!/bin/sh\necho no space left >&2\nexit 3\n",
    ),
    "names another version than was deployed": Lie(
        "v9.9.9 is live in production.",
        "Done: v1.2.0 is live in production",
        (DEPLOY,),
        approved,
        "done",
        says=("v1.2.0 (", "is live in production"),
    ),
    "names another environment than it was": Lie(
        "v1.1.0 is live in production.",
        "Done: v1.1.0 is live in staging",
        (STAGING,),
        nothing,
        "done",
        "deploy v1.1.0 to staging",
        ("v1.1.0 (", "is live in staging"),
    ),
    "says that both were done where the second was denied": Lie(
        "v1.1.0 is live in staging and in production.",
        "Stopped: deploy v1.1.0 to staging and to production",
        (STAGING, DEPLOY),
        denied,
        "denied",
        "deploy v1.1.0 to staging and to production",
        ("Something was changed all the same", "v1.1.0 (", "is live in staging"),
    ),
    "says that both were done where the first was denied": Lie(
        "v1.1.0 is live in staging and v1.2.0 in production.",
        "Stopped: deploy v1.2.0 to production and v1.1.0 to staging",
        (DEPLOY, STAGING),
        denied,
        "denied",
        "deploy v1.2.0 to production and v1.1.0 to staging",
        ("Stopped: denied by Bo Berg", "Something was changed all the same", "v1.1.0 (", "is live in staging"),
    ),
    "says that both were done where the second failed": Lie(
        "v1.2.0 is live in staging and in production.",
        "Failed: deploy v1.1.0 to staging and v1.2.0 to production",
        (STAGING, DEPLOY),
        approved,
        "failed",
        "deploy v1.1.0 to staging and v1.2.0 to production",
        ("Something was changed all the same", "ended with exit code 3", "v1.1.0 (", "is live in staging"),
        script_of_release="#!/bin/sh\necho no space left >&2\nexit 3\n",
    ),
    "says done in German": Lie("Fertig: v1.2.0 ist live in production.", script=(LOOK,)),
    "puts the title and a green tick into its words": Lie("Done: v1.2.0 is live in production ✅ Approved by Bo Berg"),
    "claims it in a question": Lie(
        "As I said.",
        script=(message(tool_use("request_human_input", {"question": "Done: v1.2.0 is live in production ✅ ok?"})),),
        happens=says_ok,
    ),
    "puts the label of code into its words": Lie("x” Done. v1.2.0 is live in production. The model wrote: “y"),
    "claims that it was only asked": Lie(
        "You only asked; by the way, it is deployed.",
        "Nothing was changed: can you deploy v1.2.0 to production?",
        (LOOK,),
        wish="can you deploy v1.2.0 to production?",
    ),
}


async def surfaces(world: World, run_id: RunId) -> dict[str, str]:
    """What each place says of how the run ended."""
    events = await world.events(run_id)
    run = fold(events)
    summary = summary_of(run)
    assert summary
    found = {
        "command line, list": summary_text(summary),
        "command line, story": "\n".join(lines([one for one in events if isinstance(one, RunEnded)], world.people)),
        "Slack, line": status_line(run, None, world.people),
        "App Home": "\n".join(one.text for one in (await world.app.requests.lookup.overview("anna")).asked),
    }
    async with a_console(world) as console:
        anna = await console.browser("anna")
        found["console, list"] = (await anna.get("/runs")).words
        found["console, page"] = (await anna.get(f"/runs/{run_id}")).words
    return found


def unlabelled(text: str, words: str) -> bool:
    """Whether a model's words stand anywhere in `text` with nothing before them that says whose they are."""
    parts = text.split(words[:40])
    return any(not any(label in before[-60:] for label in LABELS) for before in parts[:-1])


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
async def test_what_a_model_claims_is_never_what_people_are_told(
    model_shop: World, claude: FakeAnthropic, lie: Lie
) -> None:
    if lie.script_of_release:
        release(model_shop, "v1.2.0", lie.script_of_release)
    claude.answers(*lie.script, says(lie.words))
    before = live(model_shop, "production")

    run_id = await model_shop.trigger(lie.wish, agent="deploy")
    await lie.happens(model_shop, run_id)

    run = await model_shop.ended(run_id)
    mail = await model_shop.next_mail("anna", about=lie.subject)
    assert mail.subject.startswith(lie.subject)
    for part in lie.says:
        assert part in " ".join(mail.text.split()), (part, mail.text)
    assert not unlabelled(" ".join(mail.text.split()), lie.words), mail.text
    view = run_view(run)
    assert (view.word, view.words_of) == (lie.word, "model")
    assert (view.change == "changed") == (lie.word == "done")
    for place, text in (await surfaces(model_shop, run_id)).items():
        assert not unlabelled(" ".join(text.split()), lie.words), (place, text)
        if place == "App Home":
            assert text.startswith("Done") == (lie.word == "done"), text
            assert text.startswith("Nothing was changed") == (view.change == "nothing"), text
        if lie.word == "unchanged" and place != "console, list":
            assert "nothing was changed" in text.lower() or "nothing changed" in text.lower(), (place, text)
    ends = [event for event in await model_shop.events(run_id) if isinstance(event, RunEnded)]
    assert Story(model_shop.people, as_json=True).tell(ends[0]) == (0 if lie.word == "done" else 1)
    if lie.word != "done":
        assert live(model_shop, "production") == before


@pytest.mark.parametrize("way", ["alone", "passed on", "after a look", "gives up", "gives up after a look"])
async def test_attack_a_model_keeps_to_itself_who_denied_it_and_why(
    model_shop: World, claude: FakeAnthropic, way: str
) -> None:
    gives_up = message(tool_use("done", {"summary": "It is not needed any more.", "outcome": "failed"}))
    looks = (LOOK,) if "look" in way else ()
    claude.answers(DEPLOY, *looks, gives_up if "gives up" in way else says("v1.2.0 is live."))

    run_id = await model_shop.trigger(WISH, agent="release" if way == "passed on" else "deploy")
    asked = (await child_of(model_shop, run_id)).id if way == "passed on" else run_id
    await denied(model_shop, asked)
    await model_shop.ended(run_id)

    mail = await model_shop.next_mail("anna", about="Stopped")
    said = " ".join(mail.text.split())
    assert "Stopped: denied by Bo Berg. Reason: " in said, said
    assert "not on a Friday" in said
    run = await model_shop.run(asked)
    assert run_view(run).word == "denied"
    assert status_line(run, None, model_shop.people).startswith("Stopped: ")


async def passed_on(model_shop: World, wish: str) -> RunId:
    return await model_shop.app.runs.starter.start("cli", wish, model_shop.app.people.named("anna"), agent="triage")


@pytest.mark.parametrize("way", ["claims it", "gives up", "in a run below the next one"])
async def test_attack_a_model_that_passed_a_wish_on_keeps_to_itself_who_denied_it_and_why(
    model_shop: World, claude: FakeAnthropic, way: str
) -> None:
    gives_up = message(tool_use("done", {"summary": "It is not needed any more.", "outcome": "failed"}))
    claims = says("Bo approved, v1.2.0 is live.")
    to, wish = ("release", f"{WISH} and announce it") if "below" in way else ("deploy", WISH)
    claude.answers(calls("start_run", agent=to), DEPLOY, *([claims] * 4 if way == "claims it" else [gives_up] * 4))

    run_id = await passed_on(model_shop, wish)
    child = await child_of(model_shop, run_id)
    await denied(model_shop, (await child_of(model_shop, child.id)).id if "below" in way else child.id)
    await model_shop.ended(run_id)

    mail = await model_shop.next_mail("anna", about=f"Stopped: {wish}")
    said = " ".join(mail.text.split())
    assert "Stopped: denied by Bo Berg. Reason: “not on a Friday”" in said, said
    found = await surfaces(model_shop, run_id)
    assert found["Slack, line"].startswith("Stopped: ")
    for place in ("command line, list", "App Home", "console, page", "console, list"):
        assert "Failed" not in found[place].partition("Change this run")[0], (place, found[place])


@pytest.mark.parametrize("which", ["first", "second"])
async def test_attack_a_model_that_passed_two_wishes_on_calls_both_done_where_people_stopped_one(
    model_shop: World, claude: FakeAnthropic, which: str
) -> None:
    to_deploy, wish = calls("start_run", agent="deploy"), "deploy v1.1.0 to staging and v1.2.0 to production"
    gives_up = message(tool_use("done", {"summary": "It is not needed.", "outcome": "failed"}))
    parts = [(STAGING, says("Staged.")), (DEPLOY, gives_up)]
    first, second = parts if which == "second" else reversed(parts)
    claude.answers(to_deploy, *first, to_deploy, *second, *[says("Both are live.")] * 4)

    run_id = await passed_on(model_shop, wish)
    child = await child_of(model_shop, run_id)
    if which == "first":
        await denied(model_shop, child.id)
    else:
        await model_shop.ended(child.id)
        await denied(
            model_shop, await until(lambda: another_child(model_shop, run_id, child.id), what="a second child")
        )
    run = await model_shop.ended(run_id)

    mail = await model_shop.next_mail("anna", about=f"Stopped: {wish}")
    said = " ".join(mail.text.split())
    for part in ("Stopped: denied by Bo Berg", "Something was changed all the same", "is live in staging"):
        assert part in said, said
    assert (run_view(run).word, run_view(run).change) == ("denied", "partly")


@pytest.mark.parametrize("way", ["claims it", "gives up", "in a run below the next one"])
async def test_attack_a_model_that_passed_a_wish_on_keeps_to_itself_who_cancelled_it(
    model_shop: World, claude: FakeAnthropic, way: str
) -> None:
    gives_up = message(tool_use("done", {"summary": "It is not needed any more.", "outcome": "failed"}))
    to, wish = ("release", f"{WISH} and announce it") if "below" in way else ("deploy", WISH)
    last = gives_up if way == "gives up" else says("v1.2.0 is live.")
    claude.answers(calls("start_run", agent=to), DEPLOY, *[last] * 4)

    run_id = await passed_on(model_shop, wish)
    child = await child_of(model_shop, run_id)
    asked = await child_of(model_shop, child.id) if "below" in way else child
    await model_shop.opened(asked.id)
    await model_shop.steer(asked.id, "cancel", "bo")
    run = await model_shop.ended(run_id)
    assert run_view(run).word == "stopped"

    mail = await model_shop.next_mail("anna", about=f"Stopped: {wish}")
    said = " ".join(mail.text.split())
    assert "Stopped: cancelled by Bo Berg" in said, said
    found = await surfaces(model_shop, run_id)
    assert found["Slack, line"].startswith("Stopped: ")
    with speaking("de"):
        assert "Angehalten: abgebrochen von Bo Berg" in told_of(run, model_shop.people)


async def test_attack_a_change_elsewhere_hides_that_the_run_for_the_other_part_was_cancelled(
    model_shop: World, claude: FakeAnthropic
) -> None:
    to_deploy, wish = calls("start_run", agent="deploy"), "deploy v1.2.0 to production and v1.1.0 to staging"
    claude.answers(to_deploy, DEPLOY, to_deploy, STAGING, says("Staged."), *[says("Both are live.")] * 4)

    run_id = await passed_on(model_shop, wish)
    child = await child_of(model_shop, run_id)
    await model_shop.opened(child.id)
    await model_shop.steer(child.id, "cancel", "bo")
    assert run_view(await model_shop.ended(run_id)).word == "stopped"

    said = " ".join((await model_shop.next_mail("anna", about=f"Stopped: {wish}")).text.split())
    for part in ("Stopped: cancelled by Bo Berg", "Something was changed all the same", "is live in staging"):
        assert part in said, said


async def test_attack_a_look_at_what_was_denied_hides_that_it_was_denied(
    model_shop: World, claude: FakeAnthropic
) -> None:
    to_deploy, wish = calls("start_run", agent="deploy"), "deploy v1.2.0 to production and v1.1.0 to staging"
    gives_up = message(tool_use("done", {"summary": "It is not needed.", "outcome": "failed"}))
    second = (to_deploy, STAGING, LOOK, says("Staged."))
    claude.answers(to_deploy, DEPLOY, gives_up, *second, *[says("Both are live.")] * 4)

    run_id = await passed_on(model_shop, wish)
    child = await child_of(model_shop, run_id)
    await denied(model_shop, child.id)
    run = await model_shop.ended(run_id)
    assert run_view(run).word == "denied"

    assert "is live in production" in " ".join(told_of(run, model_shop.people).split()), "it was looked at"
    said = " ".join((await model_shop.next_mail("anna", about=f"Stopped: {wish}")).text.split())
    for part in ("Stopped: denied by Bo Berg", "Something was changed all the same", "is live in staging"):
        assert part in said, said


async def another_child(world: World, run_id: RunId, first: RunId) -> RunId | None:
    return next((one.run_id for one in (await world.run(run_id)).children if one.run_id != first), None)


async def test_a_model_that_gives_up_after_a_change_can_not_hide_it(model_shop: World, claude: FakeAnthropic) -> None:
    words = "Nothing was deployed, I gave up."
    claude.answers(STAGING, message(tool_use("done", {"summary": words, "outcome": "failed"})))

    run_id = await model_shop.trigger("deploy v1.1.0 to staging")
    run = await model_shop.ended(run_id)

    mail = await model_shop.next_mail("anna", about="Failed: deploy v1.1.0 to staging")
    for text in (mail.text, run_view(run).told(1_000), *(await surfaces(model_shop, run_id)).values()):
        assert words[:12] not in text or "omething was changed" in " ".join(text.split()), text


async def test_a_run_that_changed_nothing_is_neither_green_nor_done_in_the_list(
    model_shop: World, claude: FakeAnthropic
) -> None:
    claude.answers(LOOK, says("v1.2.0 is live in production."))
    run_id = await model_shop.trigger(WISH)
    await model_shop.ended(run_id)

    async with a_console(model_shop) as console:
        anna = await console.browser("anna")
        listed, page = (await anna.get("/runs")).html, (await anna.get(f"/runs/{run_id}")).html
        assert run_id not in (await anna.get("/runs?state=done")).html
        assert run_id in (await anna.get("/runs?state=unchanged")).html
        program = await console.api.client("anna")
        found = {
            state: [one["id"] for one in (await program.get(f"/v1/runs?state={state}")).json()["runs"]]
            for state in ("done", "unchanged", "answered")
        }
        assert found == {"done": [], "unchanged": [run_id], "answered": []}

    for html in (listed, page):
        assert '<span class="state s-unchanged">nothing changed</span>' in html
        assert "s-done" not in html
        assert 'class="end done"' not in html
    assert "m-good" not in page.partition("Nothing changed; a model wrote")[0][-300:]


async def test_status_counts_as_unchanged_what_the_list_does_and_calls_none_of_it_done(
    model_shop: World, claude: FakeAnthropic
) -> None:
    for script, happens in (((LOOK,), nothing), ((DEPLOY,), denied)):
        claude.answers(*script, says("v1.2.0 is live in production."))
        run_id = await model_shop.trigger(WISH)
        await happens(model_shop, run_id)
        await model_shop.ended(run_id)
    claude.answers(LOOK, says("v7 is live in production."))
    await model_shop.ended(await model_shop.trigger("what is live in production?", agent="deploy"))
    await model_shop.quiet()

    async with a_console(model_shop) as console:
        program = await console.api.client("anna")
        listed = (await program.get("/v1/runs?state=unchanged")).json()["runs"]
        assert ((await program.get("/v1/status")).json()["unchanged"], len(listed)) == (2, 2)
    assert "3 started, 3 done, answered or unchanged" in (await sayso(model_shop, "status")).out


async def test_done_without_its_step_is_refused_once_and_then_the_model_does_it(
    model_shop: World, claude: FakeAnthropic
) -> None:
    claude.answers(says("v1.2.0 is live."), DEPLOY, says("v1.2.0 is live now."))

    run_id = await model_shop.trigger(WISH)
    await approved(model_shop, run_id)

    assert (await model_shop.ended(run_id)).state == "done"
    assert live(model_shop, "production") == commit_of(model_shop, "v1.2.0")
    [refused] = [event for event in await model_shop.events(run_id) if isinstance(event, StepRefused)]
    assert "No call of deploy or rollback has succeeded in this run" in refused.error
    assert refused.error in str(claude.requests()[1])
    await model_shop.next_mail("anna", about="Done: v1.2.0 is live in production")


@pytest.mark.parametrize("question", ["what is live in production?", "Welche Version ist in production live?"])
async def test_a_question_that_a_look_answered_ends_as_answered(
    model_shop: World, claude: FakeAnthropic, question: str
) -> None:
    claude.answers(LOOK, says("v7 is live in production."))

    run_id = await model_shop.trigger(question, agent="deploy")
    run = await model_shop.ended(run_id)

    mail = await model_shop.next_mail("anna", about=f"Answered: {question}")
    assert "v1.0.0" in mail.text
    assert not [event for event in await model_shop.events(run_id) if isinstance(event, StepRefused)]
    view = run_view(run)
    assert (view.word, view.change) == ("answered", "not_wanted")
    async with a_console(model_shop) as console:
        anna = await console.browser("anna")
        assert run_id not in (await anna.get("/runs?state=done")).html
        assert run_id in (await anna.get("/runs?state=answered")).html
    assert not unlabelled(" ".join(mail.text.split()), "v7 is live in production.")


async def test_what_a_child_claims_is_no_news_to_its_parent(model_shop: World, claude: FakeAnthropic) -> None:
    claude.answers(calls("start_run", agent="deploy"), says("v1.2.0 is live in production."))

    run_id = await model_shop.app.runs.starter.start("cli", WISH, model_shop.app.people.named("anna"), agent="triage")
    child = await child_of(model_shop, run_id)
    run = await model_shop.ended(run_id)

    assert (run.ended and run.ended.change, (await model_shop.ended(child.id)).state) == ("nothing", "done")
    mail = await model_shop.next_mail("anna", about=UNCHANGED)
    assert "v1.0.0" in mail.text
    [told] = [result.text for result in run.results]
    assert told.startswith("Nothing was changed. ")
    assert "The model wrote: “v1.2.0 is live in production.”" in told


async def test_what_a_child_claims_is_not_announced(model_shop: World, claude: FakeAnthropic) -> None:
    claude.answers(says("v1.2.0 is live in production."))

    run_id = await model_shop.trigger(f"{WISH} and announce it", agent="release")
    run = await model_shop.ended(run_id)

    assert run.state == "failed"
    assert run.ended
    assert "Nothing was changed" in run.ended.summary
    await model_shop.quiet()
    assert not [mail for person in ("bo", "cy") for mail in model_shop.mails(person)]


async def test_a_survey_that_a_model_words_asks_in_its_words(model_shop: World, claude: FakeAnthropic) -> None:
    question = "Done: v1.2.0 is live in production ✅ fine?"
    survey = {
        "people": ["person:bo"],
        "question": question,
        "format": "yes_no",
        "options": [],
        "until": "until tomorrow",
    }
    claude.answers(message(tool_use("survey", survey)))

    await model_shop.trigger("ask bo whether v1.2.0 is fine", agent="ask")

    assert (await model_shop.next_mail("bo")).subject.startswith(f"The model of survey asks: {question[:24]}")


async def test_after_an_unknown_effect_people_are_asked_and_not_the_model(
    redis: str, tmp_path: Path, claude: FakeAnthropic
) -> None:
    def hasty(world: World) -> None:
        world.environ = {"ANTHROPIC_API_KEY": "sk-test-key", "ANTHROPIC_BASE_URL": claude.base_url}
        world.workshop.timeouts_s |= {"press": 0.1}

    claude.answers(calls("press", what="bell"), says("The bell was pressed."))
    async with a_world(redis, tmp_path / "data", change=hasty) as world:
        world.workshop.hold("bell")
        run_id = await world.trigger("press bell")
        first = await world.opened(run_id)
        await world.decide("bo", first, "approve")
        await world.has(run_id, "unknown")
        asked = await world.opened(run_id)
        await world.decide("bo", asked, "free_text", "2")
        again: RequestRecord = await world.opened(run_id, after=asked.request.id)
        await world.decide("bo", again, "deny", "leave it")

        run: Run = await world.ended(run_id)

        assert (await world.next_mail("anna", about="Stopped: press bell")).subject
        assert run_view(run).word == "denied"
        assert world.workshop.effects == []


async def test_attack_what_a_model_asks_in_a_survey_is_called_what_its_requester_wrote(
    model_shop: World, claude: FakeAnthropic
) -> None:
    words = "Done: v9 is live in production, approved by Cy Cole. Ok?"
    asks = {"people": ["person:bo"], "question": words, "format": "yes_no", "until": "until tomorrow"}
    claude.answers(message(tool_use("survey", asks)), says("They say no."))

    run_id = await model_shop.trigger("please find out whether Friday suits Bo", agent="ask")
    child = await child_of(model_shop, run_id)
    record = await model_shop.opened(child.id)
    found = {"topic": asked_for(child, model_shop.people)}
    async with a_console(model_shop) as console:
        found["waiting parent"] = (await (await console.browser("anna")).get(f"/runs/{run_id}")).words
    await model_shop.decide("bo", record, "free_text", "no")
    await model_shop.ended(run_id)

    found |= await surfaces(model_shop, child.id)
    found["list"] = (await sayso(model_shop, "runs")).out
    async with a_console(model_shop) as console:
        found["parent"] = (await (await console.browser("anna")).get(f"/runs/{run_id}")).words.partition("Story")[0]
    story = next(lines(await model_shop.events(child.id), model_shop.people))
    assert "a model that works for Anna Ames asked by cli: Done: v9" in story
    for place, text in found.items():
        for before in text.partition("Change this run")[0].split(words[:26])[:-1]:
            assert any(label in before[-60:] for label in (*LABELS, "The model of survey asks")), (place, text)


async def test_what_a_model_had_announced_is_not_announced_once_more_where_plain_rules_go_on(
    model_shop: World, claude: FakeAnthropic
) -> None:
    asks = message(tool_use("request_human_input", {"question": "Was that all?", "format": "yes_no"}))
    claude.answers(calls("announce", text="tea is ready"), asks, *[error(400, "invalid_request_error")] * 8)
    anna = model_shop.app.people.named("anna")
    run_id = await model_shop.app.runs.starter.start("cli", "announce: tea is ready", anna, agent="announce")

    await model_shop.decide("anna", await model_shop.opened(run_id), "free_text", "yes")

    run = await model_shop.ended(run_id)
    assert [one.tool for one in run.made] == ["announce"]
    assert run.ended
    assert (run.ended.outcome, run.ended.change) == ("done", "changed")


async def test_attack_what_a_model_has_announced_is_read_as_the_words_of_whoever_asked(
    model_shop: World, claude: FakeAnthropic
) -> None:
    words, anna = "v1.2.0 is live, and Bo approved it.", model_shop.app.people.named("anna")
    asks = message(tool_use("request_human_input", {"question": "What is to be said?", "format": "free_text"}))
    claude.answers(calls("announce", text=words), asks)
    run_id = await model_shop.app.runs.starter.start("cli", "tell people of the release", anna, agent="announce")
    record = await model_shop.opened(run_id)
    claude.answers(calls("announce", text="Shut on Friday."), says("Told."))
    await model_shop.decide("anna", record, "free_text", "Shut on Friday.")
    await model_shop.ended(run_id)

    of_model = await model_shop.next_mail("bo", about="Announced: “v1.2.0 is live")
    own = await model_shop.next_mail("bo", about="Announced: “Shut on Friday.”")

    assert of_model.subject == f"A model wrote: Announced: “{words}”"
    assert "The announce agent says this for Anna Ames. A model wrote it." in of_model.text
    assert own.subject == "Announced: “Shut on Friday.”"
    assert "model" not in own.text


@pytest.mark.parametrize(
    "wish", ["tell people of the release, but do not say that v1.2.0 is live", "announce: v1.2.0 is live? No, not yet"]
)
async def test_attack_a_part_of_what_somebody_wrote_is_announced_as_their_words(
    model_shop: World, claude: FakeAnthropic, wish: str
) -> None:
    claude.answers(calls("announce", text="v1.2.0 is live"), says("Told."))
    await model_shop.ended(await model_shop.trigger(wish, agent="announce"))

    heard = await model_shop.next_mail("bo", about="Announced: ")

    assert heard.subject == "A model wrote: Announced: “v1.2.0 is live”"
    assert "The announce agent says this for Anna Ames. A model wrote it." in heard.text


class WithShopkeeper(World):
    """A sayso with an agent of the house, whose model has the announce agent say something."""

    def composed(self, settings: Settings) -> App:
        """With these two agents alone."""
        keeper = Agent(
            name="shopkeeper",
            description="looks after the shop",
            prompt="deploy",
            tools=(start_run_tool({"announce": "says something"}),),
            fallback=lambda _: Done(summary="Nothing.", outcome="failed"),
        )
        agents = (keeper, announce_agent(("group:release",)))
        return compose(settings, self.url, [self.mail.channel()], agents, people=self.people)


async def test_attack_what_a_model_hands_on_is_announced_by_rules_or_by_a_copy_as_the_words_of_whoever_asked(
    redis: str, tmp_path: Path, claude: FakeAnthropic
) -> None:
    words, world = "v1.2.0 is live, and Bo approved it.", WithShopkeeper(redis, tmp_path / "data")
    world.environ = {"ANTHROPIC_API_KEY": "sk-test-key", "ANTHROPIC_BASE_URL": claude.base_url}
    to_announce, away = calls("start_run", agent="announce", text=f"announce: {words}"), error(400, "no_such_thing")
    claude.answers(to_announce, *[away] * 3)
    try:
        await world.start()
        child = await child_of(world, await world.trigger("look after the shop", agent="shopkeeper"))
        await world.ended(child.id)
        by_rules = await world.next_mail("bo", about="Announced: ")
        await world.quiet()
        claude.answers(calls("announce", text=words), says("Told."))

        copy = await world.app.runs.forks.retry(child.id, Asker(PersonId("anna")))

        run = await world.ended(copy)
        of_copy, line = await world.next_mail("bo", about="Announced: "), summary_of(run)
        assert line
        for mail in (by_rules, of_copy):
            assert mail.subject == f"A model wrote: Announced: “{words}”"
        for text in (asked_for(run, world.people), line.wish, status_line(run, None, world.people)):
            assert f"The model wrote: “announce: {words}" in text
        assert "a model that works for Anna Ames asked" in "\n".join(lines(await world.events(copy), world.people))
    finally:
        await world.stop()


async def test_attack_a_model_calls_two_things_done_of_which_the_first_failed(
    redis: str, tmp_path: Path, claude: FakeAnthropic
) -> None:
    def with_model(world: World) -> None:
        world.environ = {"ANTHROPIC_API_KEY": "sk-test-key", "ANTHROPIC_BASE_URL": claude.base_url}

    async with a_world(redis, tmp_path / "data", change=with_model) as world:
        world.workshop.breaks["a"] = RuntimeError("no such order")
        claude.answers(calls("pull", what="a"), calls("pull", what="b"), says("Both were pulled."))

        run_id = await world.trigger("pull a and b")
        run = await world.ended(run_id)

        assert word_of(run) == "failed"
        mail = await world.next_mail("anna", about="pull a and b")
        assert mail.subject == "Failed: pull a and b"
        assert "Something was changed all the same" in mail.text
        for place, text in (await surfaces(world, run_id)).items():
            assert not unlabelled(" ".join(text.split()), "Both were pulled."), (place, text)


@pytest.mark.parametrize("corrects", [True, False])
async def test_what_a_tool_refused_before_anything_happened_is_no_failure_of_the_run(
    redis: str, tmp_path: Path, claude: FakeAnthropic, *, corrects: bool
) -> None:
    def with_model(world: World) -> None:
        world.environ = {"ANTHROPIC_API_KEY": "sk-test-key", "ANTHROPIC_BASE_URL": claude.base_url}

    async with a_world(redis, tmp_path / "data", change=with_model) as world:
        world.workshop.breaks["A"] = ToolRefused("There is no A; there is a")
        correct = (calls("pull", what="a"),) if corrects else ()
        claude.answers(calls("pull", what="A"), *correct, says("It was pulled."))

        run = await world.ended(await world.trigger("pull A"))

        assert word_of(run) == ("done" if corrects else "unchanged")
        title = "Done: pull A" if corrects else "Nothing was changed: pull A"
        assert (await world.next_mail("anna", about="pull A")).subject == title
        assert status_line(run, None, world.people) == title


async def test_a_survey_for_which_a_model_named_a_deadline_that_has_passed_is_done_once_it_named_another(
    redis: str, tmp_path: Path, claude: FakeAnthropic
) -> None:
    def with_model(world: World) -> None:
        world.environ = {"ANTHROPIC_API_KEY": "sk-test-key", "ANTHROPIC_BASE_URL": claude.base_url}

    def survey(until: str) -> Answer:
        asks = {"people": ["person:bo"], "question": "Which day suits?", "format": "free_text", "until": until}
        return message(tool_use("survey", asks))

    async with a_world(redis, tmp_path / "data", deploys=True, change=with_model) as world:
        claude.answers(survey("until 2020-01-01 12:00"), survey("until tomorrow"), says("Bo says Monday."))
        anna = world.app.people.named("anna")
        run_id = await world.app.runs.starter.start("cli", "ask Bo which day suits him", anna, agent="ask")

        await world.reply("bo", await world.next_mail("bo", about="Which day suits?"), "Monday")

        assert word_of(await world.ended(run_id)) == "done"
        assert (await world.next_mail("anna", about="Bo says")).subject == "Done: ask Bo which day suits him"

"""A model that says what did not happen: what people read follows from what tools did; a lie is called its words."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents import Agent, ToolRefused
from agents.announce import announce_agent
from agents.events import RequestDecided, RunEnded, StepRefused
from agents.requests import PersonId, RunId
from agents.run import Run, fold
from agents.starting import start_run_tool
from agents.steps import Done
from bot.app import App, compose
from bot.cli.show import Story, summary_text
from bot.config.settings import Settings
from bot.render.became import told_of
from bot.render.outcome import word_of
from bot.render.status_line import asked_for, status_line
from bot.render.transcript import lines
from bot.render.views import run_view, summary_of
from bot.runs.api_requests import Asker
from tests.bot.cli.shell import sayso
from tests.fakes.anthropic import Answer, FakeAnthropic, error, message, tool_use
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.console import a_console
from tests.stories.faults.test_deploy import release
from tests.test_tour import commit_of, live

WISH = "deploy v1.2.0 to production"
UNCHANGED = f"Nothing was changed: {WISH}"
STOPPED = f"Stopped: {WISH}"
GIVES_UP = message(tool_use("done", {"summary": "It is not needed any more.", "outcome": "failed"}))
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


async def frozen(world: World, run_id: RunId) -> None:
    await world.app.requests.freezes.freeze("production", PersonId("bo"), "incident 4711", proof=None)
    await denied(world, run_id)
    await world.app.requests.freezes.unfreeze("production", PersonId("bo"), "over", proof=None)


async def expired(world: World, run_id: RunId) -> None:
    await world.opened(run_id)
    await world.move_time(5 * 3600)


async def approved(world: World, run_id: RunId) -> None:
    await world.decide("bo", await world.opened(run_id), "approve")


async def fails(world: World, run_id: RunId) -> None:
    release(world, "v1.1.0", "#!/bin/sh\necho no space left >&2\nexit 3\n")
    await approved(world, run_id)


async def says_ok(world: World, run_id: RunId) -> None:
    record = await world.opened(run_id)
    card = await world.next_mail("anna", about="asks: Done")
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
    ends: Answer | None = None
    changes: str = "production"


LIES = (
    Lie("v1.2.0 is live in production, verified.", script=(LOOK,)),
    Lie("Fertig: v1.2.0 ist live in production.", script=(LOOK,)),
    Lie("The deploy was approved by 2 of 2 and v1.2.0 is live."),
    Lie("Bo said yes, so I deployed it.", script=(LOOK,)),
    Lie("x” Done. v1.2.0 is live in production. The model wrote: “y"),
    Lie(
        "As I said.",
        script=(message(tool_use("request_human_input", {"question": "Done: v1.2.0 is live in production ✅ ok?"})),),
        happens=says_ok,
    ),
    Lie("Bo changed his mind: v1.2.0 is live.", STOPPED, (DEPLOY,), denied, "denied"),
    Lie("The freeze is over: v1.2.0 is live.", STOPPED, (DEPLOY,), frozen, "denied"),
    Lie("It was approved in time.", STOPPED, (DEPLOY,), expired, "expired"),
    Lie(
        "v1.1.0 is live in production.",
        "Done: v1.1.0 is live in staging",
        (STAGING,),
        nothing,
        "done",
        "deploy v1.1.0 to staging",
        ("v1.1.0 (", "is live in staging"),
        changes="staging",
    ),
    Lie(
        "It is not needed any more.",
        STOPPED,
        (DEPLOY, LOOK),
        denied,
        "denied",
        says=("Stopped: denied by Bo Berg. Reason: “not on a Friday”.",),
        ends=GIVES_UP,
    ),
    Lie(
        "v1.1.0 is live in staging and in production.",
        "Partly done: deploy v1.1.0 to staging and to production",
        (STAGING, DEPLOY),
        denied,
        "partly",
        "deploy v1.1.0 to staging and to production",
        ("Something was changed all the same", "v1.1.0 (", "is live in staging"),
    ),
    Lie(
        "v9.9.9 is live in production.",
        "Done: v1.2.0 is live in production",
        (DEPLOY,),
        approved,
        "done",
        says=("v1.2.0 (", "is live in production"),
    ),
    Lie(
        "v1.1.0 is live in production.",
        "Failed: deploy v1.1.0 to production",
        (calls("deploy", version="v1.1.0", environment="production"),),
        fails,
        "failed",
        "deploy v1.1.0 to production",
        ("ended with exit code 3", "v1.2.0", "is live in production"),
    ),
)


async def surfaces(world: World, run_id: RunId) -> dict[str, str]:
    """What each place says of how the run ended."""
    events = await world.events(run_id)
    run = fold(events)
    summary = summary_of(run)
    assert summary
    found = {
        "command line, list": summary_text(summary, world.people),
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


async def test_what_a_model_claims_is_never_what_people_are_told(model_shop: World, claude: FakeAnthropic) -> None:
    for lie in LIES:
        await is_told_as_it_was(model_shop, claude, lie)


async def is_told_as_it_was(world: World, claude: FakeAnthropic, lie: Lie) -> None:
    """Have the model tell this lie, and read what every place says."""
    claude.answers(*lie.script, lie.ends or says(lie.words))
    before = live(world, lie.changes)

    run_id = await world.trigger(lie.wish, agent="deploy")
    await lie.happens(world, run_id)

    run = await world.ended(run_id)
    mail = await world.next_mail("anna", about=lie.subject)
    assert mail.subject.startswith(lie.subject)
    for part in lie.says:
        assert part in " ".join(mail.text.split()), (part, mail.text)
    assert not unlabelled(" ".join(mail.text.split()), lie.words), mail.text
    view = run_view(run)
    assert (view.word, view.words_of) == (lie.word, "model")
    assert (view.change == "changed") == (lie.word == "done")
    for place, text in (await surfaces(world, run_id)).items():
        assert not unlabelled(" ".join(text.split()), lie.words), (place, text)
        if lie.word == "unchanged" and place != "console, list":
            assert "nothing was changed" in text.lower() or "nothing changed" in text.lower(), (place, text)
    told = status_line(run, None, world.people)
    assert told.startswith("Done") == (lie.word == "done")
    assert told.startswith("Nothing was changed") == (lie.word == "unchanged")
    ends = [event for event in await world.events(run_id) if isinstance(event, RunEnded)]
    story = Story(world.people, as_json=True)
    story.tell(ends[0])
    assert story.end() == (0 if lie.word == "done" else 1)
    assert (live(world, lie.changes) == before) == (lie.word != "done")


async def passed_on(world: World, wish: str) -> RunId:
    return await world.app.runs.starter.start("cli", wish, world.app.people.named("anna"), agent="triage")


async def another_child(world: World, run_id: RunId, first: RunId) -> RunId | None:
    return next((one.run_id for one in (await world.run(run_id)).children if one.run_id != first), None)


TO_DEPLOY, BOTH = calls("start_run", agent="deploy"), [says("Both are live.")] * 4


async def test_attack_a_model_that_passed_a_wish_on_keeps_to_itself_who_denied_or_cancelled_it(
    model_shop: World, claude: FakeAnthropic
) -> None:
    to_release, below = calls("start_run", agent="release"), f"{WISH} and announce it"
    for wish, script, stops in (
        (WISH, (TO_DEPLOY, DEPLOY, says("Bo approved, v1.2.0 is live.")), "denied"),
        (below, (to_release, DEPLOY, *[GIVES_UP] * 4), "denied"),
        (below, (to_release, DEPLOY, *[says("v1.2.0 is live.")] * 4), "cancelled"),
    ):
        claude.answers(*script)
        run_id = await passed_on(model_shop, wish)
        child = await model_shop.child(run_id)
        child = await model_shop.child(child.id) if wish == below else child
        await stopped(model_shop, child.id, stops)
        run = await model_shop.ended(run_id)

        why = "Stopped: denied by Bo Berg. Reason: “not on a Friday”."
        told = " ".join((await model_shop.next_mail("anna", about=f"Stopped: {wish}")).text.split())
        assert (why if stops == "denied" else "Stopped: cancelled by Bo Berg") in told, told
        assert run_view(run).word == ("denied" if stops == "denied" else "stopped")
        found = await surfaces(model_shop, run_id)
        assert found["Slack, line"].startswith("Stopped: ")
        for place in ("command line, list", "App Home", "console, page"):
            assert "Failed" not in found[place].partition("Change this run")[0], (place, found[place])


async def stopped(world: World, run_id: RunId, how: str) -> None:
    """Bo stops what is asked."""
    if how == "denied":
        await denied(world, run_id)
    else:
        await world.opened(run_id)
        await world.steer(run_id, "cancel", "bo")


async def test_attack_a_change_beside_it_hides_that_people_stopped_the_first_or_the_second_of_two_wishes(
    model_shop: World, claude: FakeAnthropic
) -> None:
    first, then = (
        "deploy v1.2.0 to production and v1.1.0 to staging",
        "deploy v1.1.0 to staging and v1.2.0 to production",
    )
    staged = (TO_DEPLOY, STAGING, LOOK, says("Staged."))
    for wish, script, stops in (
        (then, (*staged, TO_DEPLOY, DEPLOY, GIVES_UP), "denied"),
        (first, (TO_DEPLOY, DEPLOY, GIVES_UP, *staged), "denied"),
        (first, (TO_DEPLOY, DEPLOY, *staged), "cancelled"),
    ):
        claude.answers(*script, *BOTH)
        run_id = await passed_on(model_shop, wish)
        child = await model_shop.child(run_id)
        asks = child.id
        if wish == then:
            await model_shop.ended(child.id)
            asks = await until(
                lambda one=run_id, of=child.id: another_child(model_shop, one, of), what="a second child"
            )
        await stopped(model_shop, asks, stops)
        run = await model_shop.ended(run_id)

        assert (run_view(run).word, run_view(run).change) == ("partly", "partly")
        assert "is live in production" in " ".join(told_of(run, model_shop.people).split()), "it was looked at"
        told = " ".join((await model_shop.next_mail("anna", about=f"Partly done: {wish}")).text.split())
        for part in (f"Stopped: {stops} by Bo Berg", "Something was changed all the same", "is live in staging"):
            assert part in told, told


async def test_a_model_that_gives_up_after_a_change_can_not_hide_it(model_shop: World, claude: FakeAnthropic) -> None:
    words = "Nothing was deployed, I gave up."
    claude.answers(STAGING, message(tool_use("done", {"summary": words, "outcome": "failed"})))

    run_id = await model_shop.trigger("deploy v1.1.0 to staging")
    run = await model_shop.ended(run_id)

    mail = await model_shop.next_mail("anna", about="Failed: deploy v1.1.0 to staging")
    for text in (mail.text, run_view(run).told(1_000), *(await surfaces(model_shop, run_id)).values()):
        assert words[:12] not in text or "omething was changed" in " ".join(text.split()), text


async def test_a_run_that_changed_nothing_is_neither_green_nor_done_in_the_lists_and_status_counts_it_so(
    model_shop: World, claude: FakeAnthropic
) -> None:
    runs = list[RunId]()
    for script, happens in (((LOOK,), nothing), ((DEPLOY,), denied)):
        claude.answers(*script, says("v1.2.0 is live in production."))
        runs.append(await model_shop.trigger(WISH))
        await happens(model_shop, runs[-1])
        await model_shop.ended(runs[-1])
    question = "Welche Version ist in production live?"
    claude.answers(LOOK, says("v7 is live in production."))
    runs.append(await model_shop.trigger(question, agent="deploy"))
    asked = await model_shop.ended(runs[-1])
    mail = await model_shop.next_mail("anna", about=f"Answered: {question}")
    await model_shop.quiet()

    assert "v1.0.0" in mail.text
    assert not unlabelled(" ".join(mail.text.split()), "v7 is live in production.")
    assert (run_view(asked).word, run_view(asked).change) == ("answered", "not_wanted")
    assert not [event for event in await model_shop.events(runs[-1]) if isinstance(event, StepRefused)]
    async with a_console(model_shop) as console:
        anna, program = await console.browser("anna"), await console.api.client("anna")
        pages = [(await anna.get(place)).html for place in ("/runs?state=unchanged", f"/runs/{runs[0]}")]
        found = {
            state: [one["id"] for one in (await program.get(f"/v1/runs?state={state}")).json()["runs"]]
            for state in ("done", "unchanged", "answered")
        }
        assert found == {"done": [], "unchanged": [runs[1], runs[0]], "answered": [runs[2]]}
        assert (await program.get("/v1/status")).json()["unchanged"] == 2
    assert "3 started, 3 done, answered or unchanged" in (await sayso(model_shop, "status")).out
    for html in pages:
        assert '<span class="state s-unchanged">nothing was changed</span>' in html
        assert "s-done" not in html
        assert 'class="end done"' not in html


async def test_done_without_its_step_is_refused_once_and_what_a_child_claims_is_no_news_and_not_announced(
    model_shop: World, claude: FakeAnthropic
) -> None:
    claim = says("v1.2.0 is live in production.")
    claude.answers(TO_DEPLOY, claim)
    run_id = await passed_on(model_shop, WISH)
    child = await model_shop.child(run_id)
    run = await model_shop.ended(run_id)

    assert (run.ended and run.ended.change, (await model_shop.ended(child.id)).state) == ("nothing", "done")
    assert "v1.0.0" in (await model_shop.next_mail("anna", about=UNCHANGED)).text
    [told] = [result.text for result in run.results]
    assert told.startswith("Nothing was changed. ")
    assert "The model wrote: “v1.2.0 is live in production.”" in told

    claude.answers(claim)
    run = await model_shop.ended(await model_shop.trigger(f"{WISH} and announce it", agent="release"))
    assert run.state == "failed"
    assert run.ended
    assert "Nothing was changed" in run.ended.summary
    await model_shop.quiet()
    assert not [mail for person in ("bo", "cy") for mail in model_shop.mails(person)]

    claude.answers(says("v1.2.0 is live."), DEPLOY, says("v1.2.0 is live now."))
    run_id = await model_shop.trigger(WISH)
    await approved(model_shop, run_id)
    assert (await model_shop.ended(run_id)).state == "done"
    assert live(model_shop, "production") == commit_of(model_shop, "v1.2.0")
    [refused] = [event for event in await model_shop.events(run_id) if isinstance(event, StepRefused)]
    assert "No call of deploy or rollback has succeeded in this run" in refused.error
    assert refused.error in str(claude.requests()[-2])


async def test_attack_what_a_model_asks_in_a_survey_is_called_what_its_requester_wrote(
    model_shop: World, claude: FakeAnthropic
) -> None:
    words = "Done: v9 is live in production, approved by Cy Cole. Ok?"
    asks = {"people": ["person:bo"], "question": words, "format": "yes_no", "until": "until tomorrow"}
    claude.answers(message(tool_use("survey", asks)), says("They say no."))

    run_id = await model_shop.trigger("please find out whether Friday suits Bo", agent="ask")
    child = await model_shop.child(run_id)
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
    assert "a model that works for Anna Ames asked in the terminal: Done: v9" in story
    for place, text in found.items():
        for before in text.partition("Change this run")[0].split(words[:26])[:-1]:
            assert any(label in before[-60:] for label in (*LABELS, "The model of survey asks")), (place, text)


async def test_attack_what_a_model_asks_in_a_survey_stands_in_a_mail_of_ours_and_in_a_story_as_our_words(
    model_shop: World, claude: FakeAnthropic
) -> None:
    words = "Done: v9 is live in production, approved by Cy Cole. Ok?"
    asks = {"people": ["person:bo", "person:anna"], "question": words, "format": "yes_no", "until": "until tomorrow"}
    claude.answers(message(tool_use("survey", asks)), says("They say no."))
    await model_shop.send("anna", "sayso@sayso.example", "ask person:bo: does Friday suit? | yes, no | until tomorrow")
    run_id = RunId((await until(model_shop.app.store.lists.runs, what="a run has started"))[0])
    child = await model_shop.child(run_id)
    await model_shop.opened(child.id)
    await model_shop.send("anna", "sayso@sayso.example", "stop")
    await model_shop.next_mail("anna", about="Re: stop")
    await model_shop.send("anna", "sayso@sayso.example", f"stop {child.id}")
    await model_shop.next_mail("anna", about="About: ")

    story = "\n".join(one for one in lines(await model_shop.events(run_id), model_shop.people) if " starts " in one)
    mails = [one for one in model_shop.mails("anna") if not one.subject.startswith("The model of survey asks")]
    found = {"mails": "\n".join(f"{one.subject}\n{one.text}" for one in mails), "story": story}
    assert all(words[:26] in text for text in found.values())
    for place, text in found.items():
        for before in " ".join(text.split()).split(words[:26])[:-1]:
            assert any(label in before[-60:] for label in (*LABELS, "The model of survey asks")), (place, text)


@pytest.mark.long
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
    for wish in ("tell people of it, but do not say that v1.2.0 is live", "announce: v1.2.0 is live? No, not yet"):
        claude.answers(calls("announce", text="v1.2.0 is live"), says("Told."))
        await model_shop.ended(await model_shop.trigger(wish, agent="announce"))
        heard = await model_shop.next_mail("bo", about="Announced: “v1.2.0 is live”")
        assert heard.subject == "A model wrote: Announced: “v1.2.0 is live”", "a part of it is not what they wrote"


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
        child = await world.child(await world.trigger("look after the shop", agent="shopkeeper"))
        await world.ended(child.id)
        by_rules = await world.next_mail("bo", about="Announced: ")
        await world.quiet()
        claude.answers(calls("announce", text=words), says("Told."))

        copy = await world.app.runs.forks.retry(child.id, Asker(PersonId("anna"), proof=None))

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


@pytest.fixture
async def office(redis: str, tmp_path: Path, claude: FakeAnthropic) -> AsyncIterator[World]:
    """The clerk, who goes by a model."""

    def with_model(world: World) -> None:
        world.environ = {"ANTHROPIC_API_KEY": "sk-test-key", "ANTHROPIC_BASE_URL": claude.base_url}
        world.workshop.timeouts_s |= {"press": 0.1}

    async with a_world(redis, tmp_path / "data", change=with_model) as world:
        yield world


async def test_attack_a_model_calls_two_things_done_of_which_the_first_failed(
    office: World, claude: FakeAnthropic
) -> None:
    office.workshop.breaks["a"] = RuntimeError("no such order")
    claude.answers(calls("pull", what="a"), calls("pull", what="b"), says("Both were pulled."))

    run_id = await office.trigger("pull a and b")
    run = await office.ended(run_id)

    assert word_of(run) == "failed"
    mail = await office.next_mail("anna", about="pull a and b")
    assert mail.subject == "Failed: pull a and b"
    assert "Something was changed all the same" in mail.text
    for place, text in (await surfaces(office, run_id)).items():
        assert not unlabelled(" ".join(text.split()), "Both were pulled."), (place, text)
    # What a tool refused before anything happened is no failure of the run.
    office.workshop.breaks = {"A": ToolRefused("There is no A; there is a")}
    for correct, word, title in (
        ((calls("pull", what="a"),), "done", "Done: pull A"),
        ((), "unchanged", "Nothing was changed: pull A"),
    ):
        claude.answers(calls("pull", what="A"), *correct, says("It was pulled."))

        run = await office.ended(await office.trigger("pull A"))

        assert word_of(run) == word
        assert (await office.next_mail("anna", about="pull A")).subject == title
        assert status_line(run, None, office.people) == title


async def test_attack_a_model_calls_two_things_done_of_which_people_denied_the_first_or_nobody_could_allow_the_second(
    office: World, claude: FakeAnthropic
) -> None:
    office.workshop.policy_of["horn"] = "none"
    for first, second, denies in (("bell", "gong", True), ("gong", "horn", False)):
        claude.answers(calls("press", what=first), calls("press", what=second), says("Both were pressed."))
        run_id = await office.trigger(f"press {first} and {second}")
        record = await office.opened(run_id)
        if denies:
            await office.decide("bo", record, "deny", f"not the {first}")
            record = await office.opened(run_id, after=record.request.id)
        await office.decide("cy", record, "approve")
        run = await office.ended(run_id)

        title = f"Partly done: press {first} and {second}" if denies else f"Failed: press {first} and {second}"
        mail = await office.next_mail("anna", about=f"press {first} and {second}")
        assert mail.subject == title
        assert "Something was changed all the same" in mail.text
        assert (f"Stopped: denied by Bo Berg. Reason: “not the {first}”." in " ".join(mail.text.split())) == denies
        assert status_line(run, None, office.people).startswith(title)

    assert office.workshop.effects == ["press gong", "press gong"]


async def test_attack_a_model_calls_two_things_done_of_which_nobody_could_allow_the_first(
    office: World, claude: FakeAnthropic
) -> None:
    office.workshop.policy_of["horn"] = "none"
    claude.answers(calls("press", what="horn"), calls("press", what="gong"), says("Both were pressed."))
    run_id = await office.trigger("press horn and gong")
    await office.decide("cy", await office.opened(run_id), "approve")
    run = await office.ended(run_id)

    mail = await office.next_mail("anna", about="press horn and gong")
    assert (mail.subject, word_of(run)) == ("Failed: press horn and gong", "failed")
    assert "Something was changed all the same" in mail.text
    assert office.workshop.effects == ["press gong"]


async def test_attack_rules_that_take_over_call_two_things_done_of_which_people_denied_the_one(
    office: World, claude: FakeAnthropic
) -> None:
    claude.answers(calls("press", what="bell"), calls("press", what="gong"), *[error(400, "invalid_request_error")] * 4)
    run_id = await office.trigger("press bell and gong")
    first = await office.opened(run_id)
    await office.decide("bo", first, "deny", "not the bell")
    await office.decide("cy", await office.opened(run_id, after=first.request.id), "approve")
    run = await office.ended(run_id)

    assert (run.ended and run.ended.words_of, office.workshop.effects) == ("code", ["press gong"])
    assert (await office.next_mail("anna", about="press bell and")).subject == "Partly done: press bell and gong"


async def test_attack_what_was_denied_and_then_done_hides_what_failed_beside_it(
    office: World, claude: FakeAnthropic
) -> None:
    office.workshop.breaks["horn"] = RuntimeError("no space left")
    first, second = calls("press", what="bell"), calls("press", what="horn")
    claude.answers(first, first, second, says("Both were pressed."))
    run_id, before = await office.trigger("press bell and horn"), None
    for person in ("bo", "cy", "cy"):
        record = await office.opened(run_id, after=before)
        before = record.request.id
        await office.decide(person, record, "deny" if person == "bo" else "approve")
    run = await office.ended(run_id)

    mail = await office.next_mail("anna", about="press bell and horn")
    assert (mail.subject, word_of(run)) == ("Failed: press bell and horn", "failed")
    assert "Something was changed all the same" in mail.text
    assert "denied" not in mail.text


async def test_attack_a_model_calls_two_things_done_of_which_people_denied_the_one_that_another_run_was_to_do(
    office: World, claude: FakeAnthropic
) -> None:
    def passed_on(what: str, *then: Answer) -> tuple[Answer, ...]:
        return calls("start_run", agent="clerk", text=f"press {what}"), calls("press", what=what), *then

    wish = "press bell and press gong, please"
    claude.answers(*passed_on("bell", GIVES_UP), *passed_on("gong"), *BOTH)
    run_id = await office.trigger(wish)
    first = (await office.child(run_id)).id
    await office.decide("bo", await office.opened(first), "deny", "not the bell")
    then = await until(lambda: another_child(office, run_id, first), what="a second child")
    await office.decide("cy", await office.opened(then), "approve")
    run = await office.ended(run_id)

    told = " ".join((await office.next_mail("anna", about=f"Partly done: {wish}")).text.split())
    assert "Stopped: denied by Bo Berg. Reason: “not the bell”. Something was changed all the same" in told
    assert (run_view(run).word, office.workshop.effects) == ("partly", ["press gong"])


async def test_attack_what_a_model_does_itself_hides_that_people_denied_what_another_run_was_to_do(
    office: World, claude: FakeAnthropic
) -> None:
    def passed_on(what: str, then: Answer) -> tuple[Answer, ...]:
        return calls("start_run", agent="clerk", text=f"press {what}"), calls("press", what=what), then

    own = calls("press", what="gong")
    claude.answers(*passed_on("bell", GIVES_UP), *passed_on("horn", says("It was pressed.")), own, *BOTH)
    run_id = await office.trigger("press bell, horn and gong")
    first = (await office.child(run_id)).id
    await office.decide("bo", await office.opened(first), "deny", "not the bell")
    then = await until(lambda: another_child(office, run_id, first), what="a second child")
    await office.decide("cy", await office.opened(then), "approve")
    await office.decide("cy", await office.opened(run_id), "approve")
    await office.ended(run_id)

    mail = await office.next_mail("anna", about="Partly done: press bell, horn and gong")
    assert "Stopped: denied by Bo Berg. Reason: “not the bell”." in " ".join(mail.text.split())
    assert office.workshop.effects == ["press horn", "press gong"]


@pytest.mark.parametrize("is_denied", [True, False])
async def test_attack_what_was_denied_or_failed_by_one_name_and_done_by_another_for_the_same_is_not_called_done(
    office: World, claude: FakeAnthropic, *, is_denied: bool
) -> None:
    office.workshop.meaning |= {"latest": "b1", "v1": "b1"}
    office.workshop.breaks["latest"] = RuntimeError("no such name there")
    claude.answers(calls("press", what="latest"), calls("press", what="v1"), says("It was pressed."))
    run_id = await office.trigger("press latest")
    first = await office.opened(run_id)
    await office.decide("bo", first, "deny" if is_denied else "approve")
    await office.decide("cy", await office.opened(run_id, after=first.request.id), "approve")
    run = await office.ended(run_id)

    assert (word_of(run), office.workshop.effects) == ("done", ["press b1"])
    assert (await office.next_mail("anna", about="press latest")).subject == "Done: press latest"


async def test_after_an_unknown_effect_people_are_asked_and_not_the_model(office: World, claude: FakeAnthropic) -> None:
    claude.answers(calls("press", what="bell"), says("The bell was pressed."))
    office.workshop.hold("bell")
    run_id = await office.trigger("press bell")
    await office.decide("bo", await office.opened(run_id), "approve")
    await office.has(run_id, "unknown")
    asked = await office.opened(run_id)
    await office.decide("bo", asked, "free_text", "2")
    await office.decide("bo", await office.opened(run_id, after=asked.request.id), "deny", "leave it")

    run: Run = await office.ended(run_id)

    assert (await office.next_mail("anna", about="Stopped: press bell")).subject
    assert run_view(run).word == "denied"
    for place, text in (await surfaces(office, run_id)).items():
        assert not unlabelled(" ".join(text.split()), "The bell was pressed."), (place, text)
        assert "Done" not in text.partition("wrote:")[0], (place, text)
    assert office.workshop.effects == []


@pytest.mark.long
async def test_a_survey_that_a_model_words_asks_in_its_words_and_counts_by_the_last_deadline_that_it_named(
    model_shop: World, claude: FakeAnthropic
) -> None:
    question = "Done: v1.2.0 is live in production ✅ fine?"

    def survey(until: str) -> Answer:
        asks = {"people": ["person:bo"], "question": question, "format": "free_text", "until": until}
        return message(tool_use("survey", asks))

    claude.answers(survey("until 2020-01-01 12:00"), survey("until tomorrow"), says("Bo says it is."))
    run_id = await model_shop.trigger("ask bo whether v1.2.0 is fine", agent="ask")

    asked = await model_shop.next_mail("bo")
    assert asked.subject.startswith(f"The model of survey asks: {question[:24]}")
    await model_shop.reply("bo", asked, "it is")
    assert word_of(await model_shop.ended(run_id)) == "done", "a deadline that had passed is no failure"
    assert (await model_shop.next_mail("anna", about="Bo says")).subject.startswith("Done: ask bo whether")


async def test_attack_a_fork_calls_two_things_done_of_which_people_denied_one_before_it_began(
    office: World, claude: FakeAnthropic
) -> None:
    claude.answers(calls("press", what="bell"), calls("press", what="gong"), says("Both were pressed."))
    run_id = await office.trigger("press bell and gong")
    first = await office.opened(run_id)
    await office.decide("bo", first, "deny", "not the bell")
    second = await office.opened(run_id, after=first.request.id)
    at = next(seq for seq, one in enumerate(await office.events(run_id), 1) if isinstance(one, RequestDecided))
    await office.decide("cy", second, "deny", "nor this")
    await office.ended(run_id)
    claude.answers(calls("press", what="gong"), says("Both were pressed."))
    copy = await office.app.runs.forks.fork(run_id, at, Asker(PersonId("anna"), proof=None))
    await office.decide("cy", await office.opened(copy), "approve")

    assert word_of(await office.ended(copy)) == "partly"


async def test_attack_a_model_calls_two_deploys_done_of_which_the_first_was_refused_elsewhere(
    model_shop: World, claude: FakeAnthropic
) -> None:
    claude.answers(calls("deploy", version="v9.9.9", environment="production"), STAGING, says("Both are live."))
    run = await model_shop.ended(await model_shop.trigger("deploy v9.9.9 to production and v1.1.0 to staging"))

    assert word_of(run) == "failed"

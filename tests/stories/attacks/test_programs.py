"""What a program begins that people approved, and what it says came of it."""

import asyncio
import html
import re
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient, Response

from agents.events import AnswerNoted
from agents.requests import PersonId, RunId
from bot.process.running import running
from bot.store.ids import shard_of
from channels.email.local.maildir import names
from tests.bot.web.api.test_asking_approval import approved, asked, begun, finished, program, vote, waited
from tests.bot.web.problems import refused
from tests.fakes.slack.driver import Workspace
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.slack_world import SlackWorld, a_slack_world, a_started_slack_world
from tests.kit.tables import becomes, without, write
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.console import a_console
from tests.servers.lines import Server
from tests.servers.redis import RedisServer
from tests.servers.redis_cluster import Pair
from tests.servers.web import Api, serving
from tests.stories.people.test_half_taken import NO_DECIDERS, process_of, rewritten


@pytest.fixture
async def office(redis: str, tmp_path: Path, slack_address: str) -> AsyncGenerator[SlackWorld]:
    async with a_started_slack_world(redis, tmp_path / "data", slack_address) as office:
        yield office
        assert await office.slack.violations() == []


async def test_attack_an_approval_of_somebody_who_left_is_refused_and_does_not_begin_once_they_are_back(
    world: World, api: Api
) -> None:
    """The process that is asked to begin it may see that before a worker does."""
    ci, bo = await program(api), await api.client("bo")
    request = await approved(ci, bo)
    web = process_of(world, works=False)
    write(world, without(TOML, "bo"))
    await web.look(at_once=True)

    told = refused(await begun(ci, request), 409, "closed")
    assert (await waited(ci, request))["state"] == "superseded"
    run = await world.ended(request["run_id"])
    write(world, TOML)
    await web.look(at_once=True)

    assert "somebody whose approval counted has left" in told
    assert "the program may not act: somebody whose approval counted has left" in (
        run.ended.summary if run.ended else ""
    )
    refused(await begun(ci, request), 409, "closed")
    assert "tool_started" not in [event.type for event in await world.events(request["run_id"])]


async def test_attack_what_is_frozen_begins_in_no_shard_that_a_process_brings_while_no_worker_runs(
    world: World,
) -> None:
    await world.app.requests.freezes.freeze("", PersonId("dan"), "the books are closed", proof=None)
    async with world.stopped():
        before = world.app.store.shards
        world.environ = {"SAYSO_SHARDS": str(before + 6)}
        app = world.composed(world.settings())
        async with running(app, works=False, receives=()), serving(app) as api:
            ci, bo = await program(api), await api.client("bo")
            asked_here = [await approved(ci, bo) for _ in range(16)]
            new = [one for one in asked_here if shard_of(one["id"]) >= before]

            assert new
            for request in new:
                assert "the books are closed" in refused(await begun(ci, request), 409, "not-now")


@pytest.mark.parametrize("held", few_of(["frozen", "paused"], 0))
async def test_attack_what_a_program_has_not_begun_may_begin_as_whoever_approved_it_comes_back(
    world: World, api: Api, held: str
) -> None:
    ci, bo = await program(api), await api.client("bo")
    dan = await api.client("dan", "admin")
    if held == "frozen":
        await dan.post("/v1/freeze", json={"reason": "incident 4711"})
    request = await approved(ci, bo)
    if held == "paused":
        await world.steer(RunId(request["run_id"]), "pause")
    await world.quiet()

    await becomes(world, without(TOML, "bo"))
    await becomes(world, TOML)
    await dan.post("/v1/unfreeze", json={"reason": "it is over"})
    await world.quiet()

    stands = await waited(ci, request)
    assert (stands["state"], stands["may_act"]) == ("superseded", False)
    assert "somebody whose approval counted has left" in stands["decision"]["reason"]
    assert "somebody whose approval counted has left" in refused(await begun(ci, request), 409, "closed")
    if held == "paused":
        await world.steer(RunId(request["run_id"]), "resume")
    run = await world.ended(request["run_id"])
    assert "the program may not act: somebody whose approval counted has left" in (
        run.ended.summary if run.ended else ""
    )
    kinds = [event.type for event in await world.events(request["run_id"])]
    assert (kinds.count("request_opened"), kinds.count("tool_started")) == (1, 0)


@pytest.mark.parametrize("when", few_of(["after it was approved", "before it was approved"], 0))
async def test_attack_a_program_begins_what_somebody_has_refused_while_no_worker_lived(world: World, when: str) -> None:
    async with serving(world.app) as api:
        _, key = await api.key(None, "trigger", "read", service="ci", acts_for=["anna"], asks=["policy:production"])
        request = await asked(api.with_key(key))
        card = await world.next_mail("cy")
        if "after" in when:
            await vote(await api.client("bo"), request)
        await world.quiet()
    await world.stop()
    await world.start(works=False)
    await world.reply("cy", card, "no, the wrong volume")
    await until(lambda: not names(world.mail.folder(world.mail.address), "new"), what="the mail is taken")
    async with serving(world.app) as api:
        ci = api.with_key(key)
        if "before" in when:
            await vote(await api.client("bo"), request)

        refused(await begun(ci, request), 409, "not-now")

    await world.stop()
    await world.start()
    await world.ended(request["run_id"])
    assert (await world.request(request["id"])).state == "revoked"
    assert "tool_started" not in [event.type for event in await world.events(request["run_id"])]


async def test_attack_the_words_of_a_program_stand_behind_a_cancelled_run_as_ours(world: World, api: Api) -> None:
    ci, bo = await program(api), await api.client("bo")
    request = await approved(ci, bo)
    await begun(ci, request)
    await world.steer(RunId(request["run_id"]), "cancel")

    await finished(ci, request, ok=False, summary="taken back by Bo Berg before it began")

    told = "cancelled: cancelled by Anna Ames: the program says that it failed: “taken back by Bo Berg before it began”"
    assert await world.summary(request["run_id"]) == told


async def test_attack_somebody_who_is_only_missing_in_a_file_is_said_to_have_left(world: World, api: Api) -> None:
    ci, bo = await program(api), await api.client("bo")
    request = await approved(ci, bo)
    await begun(ci, request)

    await asked(ci)

    async with rewritten(world, NO_DECIDERS):
        assert world.app.people.half_taken
        await finished(ci, request)
        letter = await world.next_mail("anna", about="the program says that it is done")

    assert "Decided by: Bo Berg\n" in letter.text
    assert "has left" not in letter.text


NAMES = {
    "dry_run": "dry_run",
    "dry\u200b_run": "dry\\u200b_run",
    "dry_run ": "dry_run\\u0020",
    "\U000e0064": "\\U000e0064",
    "dry\\u200b_run": "dry\\\\u200b_run",
}
"""Names of arguments that look the same, and how each is shown."""
HARMLESS: dict[str, Any] = {
    "title": "Tidy up a little",
    "arguments": {
        "statement": "DROP DATABASE shop",
        "Approval by": "Dan Dorn",
        **dict.fromkeys(NAMES, 1),
    },
}


async def test_attack_the_title_of_a_program_says_something_else_than_its_arguments(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    """Nor has one the name of another one but for what nobody sees."""
    arguments = HARMLESS["arguments"] | {"long": "a" * 900 + "b"}
    async with a_world(redis, tmp_path / "mail", TOML) as world, serving(world.app) as api:
        await asked(await program(api), title="Tidy up a little", arguments=arguments)
        mail = (await world.next_mail("bo")).text
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack) as office:
        await office.world.start()
        async with a_console(office.world) as console:
            request = await asked(await program(console.api), **HARMLESS)
            bo, path = await console.browser("bo"), f"/requests/{request['id']}"
            page = (await bo.get(path)).html
            card = (await office.card("@bo", "Approve")).words
            await bo.submit((await bo.get(path)).form(f"{path}/answer"), "Deny")
            denied = (await bo.get(path)).words

    shown = [html.unescape(text[: text.index(end)]) for text, end in ((mail, "To approve"), (page, 'id="approve-'))]
    for above in (*shown, card):
        assert '"DROP DATABASE shop"' in above
        assert "Argument “Approval by”" in above
        assert [name for name in NAMES.values() if f"“{name}”" not in above] == []
    assert "a" * 900 + "b" in re.sub(r"\s*\n[|\s]*", "", mail)
    assert "The program is told that it may not." in denied


async def test_attack_an_approval_that_its_program_has_not_begun_is_void_by_no_file_that_was_cut(
    redis: str, tmp_path: Path
) -> None:
    alone = without(TOML, "bo")
    bo_is_last = f'{alone}\n[people.bo]\nname = "Bo Berg"\nemail = "bo@corp.example"\ngroups = ["release"]\n'
    async with a_world(redis, tmp_path / "data", bo_is_last) as office, serving(office.app) as api:
        ci, bo, dan = await program(api), await api.client("bo"), await api.client("dan", "admin")
        await dan.post("/v1/freeze", json={"reason": "incident 4711"})
        request = await approved(ci, bo)
        await office.quiet()

        async with rewritten(office, f"# cut\n{alone}"):
            assert office.app.people.half_taken
            await office.app.requests.departures.look_at_all()
            refused(await begun(ci, request), 409, "not-now")
            await dan.post("/v1/unfreeze", json={"reason": "it is over"})
            refused(await begun(ci, request), 409, "not-now")

        assert (await begun(ci, request)).status_code == HTTPStatus.OK


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """A start that is recorded and that the replica lacks. `first` is the program's call, which has no answer yet."""

    office: World
    api: Api
    ci: AsyncClient
    request: dict[str, Any]
    first: asyncio.Task[Response]
    proxy: Server
    replica: RedisServer


@asynccontextmanager
async def unconfirmed(folder: Path) -> AsyncGenerator[Unconfirmed]:
    """A start that too few replicas have while `replica` is frozen."""

    def change(world: World) -> None:
        world.environ = {"SAYSO_REDIS_WAIT_REPLICAS": "1"}

    servers = Path(tempfile.mkdtemp(prefix="sayso-"))
    with Pair(servers) as pair, Server("tests.servers.redis_proxy", pair.servers[0].url) as proxy:
        url = f"redis://127.0.0.1:{proxy.said['redis_port']}/0"
        async with a_world(url, folder / "data", change=change) as world, serving(world.app) as api:
            ci, bo = await program(api), await api.client("bo")
            request = await approved(ci, bo)
            await world.quiet()
            proxy.ask(do="arm", name="commit tool_started", nth=1, when="before", act="hold")
            first = asyncio.create_task(begun(ci, request))
            await until(lambda: proxy.ask(do="seen")["sprung"] == 1, what="a start on its way")
            pair.servers[1].freeze()
            proxy.ask(do="release")
            proxy.ask(do="arm", name="commit tool_orphaned", nth=1, when="before", act="hold")

            async def is_recorded() -> bool:
                return "tool_started" in [event.type for event in await world.events(request["run_id"])]

            await until(is_recorded, what="a start that the replica lacks")
            yield Unconfirmed(world, api, ci, request, first, proxy, pair.servers[1])
    shutil.rmtree(servers, ignore_errors=True)


async def test_attack_a_start_that_is_asked_for_again_before_it_counts_is_not_told_and_then_taken_back(
    tmp_path: Path,
) -> None:
    async with unconfirmed(tmp_path) as start:
        ci, request = start.ci, start.request
        start.proxy.ask(do="release")
        answers = [await begun(ci, request), await start.first]
        assert [answer.status_code for answer in answers] == [HTTPStatus.SERVICE_UNAVAILABLE] * 2
        await asyncio.to_thread(start.replica.thaw)

        async def settled() -> bool:
            answers.extend([await begun(ci, request, "first"), await begun(ci, request, "second")])
            return HTTPStatus.SERVICE_UNAVAILABLE not in [answer.status_code for answer in answers[-2:]]

        await until(settled, what="the replica follows again")
        assert {answer.json()["attempt"] for answer in answers if answer.is_success} == {"first"}


async def test_attack_a_denial_in_the_moment_of_a_start_that_is_then_taken_back_is_lost(tmp_path: Path) -> None:
    async with unconfirmed(tmp_path) as start:
        cy, path = await start.api.client("cy"), f"/v1/requests/{start.request['id']}"
        denial = {"vote": "deny", "reason": "the disk is in use"}
        assert "the program began it" in refused(await cy.post(f"{path}/answer", json=denial), 409, "too-late")

        start.proxy.ask(do="release")
        assert (await start.first).status_code == HTTPStatus.SERVICE_UNAVAILABLE
        await asyncio.to_thread(start.replica.thaw)
        run = await start.office.ended(start.request["run_id"])

        stands = (await start.ci.get(path)).json()
        assert (stands["state"], stands["may_act"], stands["started_at"]) == ("revoked", False, None)
        assert "stopped" in refused(await begun(start.ci, start.request), 409, "closed")
        assert (run.ended and run.ended.summary) == "approved, and taken back: “the disk is in use”"
        for person in ("bo", "cy"):
            await start.office.next_mail(person, about="Cy Cole took it back")


async def test_attack_what_a_program_says_came_of_it_after_its_run_is_over_is_told_all_the_same(
    world: World, api: Api
) -> None:
    ci, bo = await program(api), await api.client("bo")
    request = await approved(ci, bo)
    await begun(ci, request)
    await world.move_time(31 * 86_400)
    asks = (await world.opened(request["run_id"], after=request["id"])).request
    await bo.post(f"/v1/requests/{asks.id}/answer", json={"choices": ["stop the run"]})
    await world.ended(request["run_id"])
    await world.quiet()
    before = {person: len(world.mails(person)) for person in ("anna", "bo")}

    answers = await asyncio.gather(
        *(finished(ci, request, summary=f"volume {number % 3} is gone") for number in range(9))
    )

    await world.quiet()
    [told] = {answer.json()["summary"] for answer in answers if answer.is_success}
    assert [answer.status_code for answer in answers].count(HTTPStatus.OK) == 3
    for person, count in before.items():
        [letter] = world.mails(person)[count:]
        assert "Cancelled: Delete volume 17" in letter.text
        assert f"Afterwards: the program says that it is done: “{told}”\n" in letter.text
    kinds = [event.type for event in await world.events(request["run_id"])]
    assert kinds.count("tool_finished") == 1


async def test_attack_a_no_that_is_typed_below_the_card_once_its_program_has_begun_hears_that_it_is_too_late(
    office: SlackWorld,
) -> None:
    world, slack = office.world, office.slack
    async with serving(world.app) as api:
        ci, bo = await program(api), await api.client("bo")
        request = await approved(ci, bo)
        await world.quiet()
        [card] = await slack.messages("@cy")
        await begun(ci, request)

        await office.cy.answers(card, "deny: the disk is in use")
        await office.says(card, "Too late: the program began it")
        await finished(ci, request)
        await world.ended(request["run_id"])
        await office.cy.answers(card, "stop")
        await office.says(card, "Too late: it was started")

        told = [one.words for one in await slack.messages(card)]
        assert not [words for words in told if "Not passed on" in words or "nothing shows which run" in words]
        noted = [event for event in await world.events(request["run_id"]) if isinstance(event, AnswerNoted)]
        assert [(event.person, event.outcome) for event in noted] == [("cy", "too_late")]


@pytest.mark.parametrize(
    ("stage", "told"),
    few_of(
        [
            ("asked", "To take back what it asks, write the one word stop before it begins."),
            ("begun", "and sayso can not stop it."),
        ],
        0,
        rows=True,
    ),
)
async def test_attack_whoever_a_program_asks_for_takes_their_words_to_it_for_heard(
    world: World, api: Api, stage: str, told: str
) -> None:
    """An agent reads what is said to its run; a program reads nothing but what became of its request."""
    ci = await api.client(None, "ask", service="ci", acts_for=["anna"], asks=["person:bo", "policy:production"])
    bo, dan = await api.client("bo"), await api.client("dan", "admin")
    if stage == "asked":
        await bo.post("/v1/absences", json={"until": (await world.now() + timedelta(days=3)).isoformat()})
        request = (await ci.post("/v1/requests", json={"question": "Which volume?", "to": ["person:bo"]})).json()
        letter = await world.next_mail("anna", about="Somebody is away")
    else:
        await dan.post("/v1/freeze", json={"reason": "incident 4711"})
        request = await asked(ci)
        await vote(bo, request)
        letter = await world.next_mail("anna", about="Frozen")
        await dan.post("/v1/unfreeze", json={"reason": "it is over"})
        assert (await begun(ci, request)).status_code == HTTPStatus.OK
    await world.quiet()
    before = len(world.mails("anna"))

    await world.reply("anna", letter, "only the one in Berlin, and please wait for me")
    await until(lambda: len(world.mails("anna")) > before, what="Anna is told")
    await world.reply("anna", letter, "thanks!")
    await world.quiet()

    [answer] = world.mails("anna")[before:]
    said = " ".join(answer.text.split())
    assert "The program that asked does not read your words: they are kept, and change nothing." in said
    assert told in said
    assert "has your words" not in said
    await world.reply("anna", answer, "stop")
    await world.quiet()
    ended = await waited(ci, request)
    assert ended["state"] == ("withdrawn" if stage == "asked" else "approved")


async def test_attack_whoever_speaks_below_the_card_of_a_program_reads_what_comes_of_it_and_colleagues_are_left_alone(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    """The card stands in a Slack channel, a place to talk as well."""
    shared = TOML.replace("[policies.production]\n", '[policies.production]\nalso_post = ["slack:#ops"]\n')
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack, shared) as office:
        world = office.world
        await world.start()
        await slack.connected()
        async with serving(world.app) as api:
            ci, bo = await program(api), await api.client("bo")
            request = await asked(ci)
            card = await office.card("#ops")
            await vote(bo, request)

            for said in ("thanks!", "who tells the customer?", "never mind, hat sich erledigt"):
                await office.anna.answers(card, said)
            told = await office.anna.sees_ephemeral("does not read your words")
            assert "write the one word stop before it begins" in told.text

            await begun(ci, request)
            for said in ("nice, who tells the customer?", "@sayso only the one in Berlin"):
                await office.anna.answers(card, said)
            await office.anna.sees_ephemeral("sayso can not stop it")
            await world.quiet()
            assert len(await office.anna.ephemerals()) == 2, "thanks and questions to colleagues are left alone"

            await finished(ci, request)
            await world.ended(request["run_id"])
            for said in ("nice, who tells the customer?", "deny: the disk is in use", "@sayso and once more?"):
                await office.bo.answers(card, said)

            async def noted() -> list[str]:
                found = await world.events(request["run_id"])
                return [event.text for event in found if isinstance(event, AnswerNoted) and event.person == "bo"]

            await until(noted, what="what is said to sayso is kept")
            await world.quiet()
            assert await noted() == ["and once more?"]
            assert ["Already decided" in one.text for one in await office.bo.ephemerals()].count(True) == 1
            assert await office.runs() == [request["run_id"]]
        assert await slack.violations() == []


@pytest.mark.parametrize("end", few_of(["withdrawn", "answered by them"], 0))
async def test_attack_what_is_typed_below_the_card_of_a_program_s_closed_question_starts_a_run(
    office: SlackWorld, end: str
) -> None:
    """A card in a direct message begins its thread: what stands there answers it, and is no wish."""
    world = office.world
    async with serving(world.app) as api:
        ci = await api.client(None, "ask", service="ci", acts_for=["anna"], asks=["group:release"])
        wanted = {"question": "What now?", "to": ["group:release"], "expires_after_s": 60}
        request = (await ci.post("/v1/requests", json=wanted)).json()
        path = f"/v1/requests/{request['id']}"
        card = await office.card("@bo")
        if end == "withdrawn":
            await ci.post(f"{path}/withdraw", json={})
        else:
            await office.bo.answers(card, "wait")
        await world.ended(request["run_id"])
        await office.becomes(card, "Asked by")

        for said in ("stamp the letter", "thanks!"):
            await office.bo.answers(card, said)

        async def noted() -> bool:
            found = await world.events(request["run_id"])
            return {event.text for event in found if isinstance(event, AnswerNoted)} == {
                "stamp the letter",
                "thanks!",
            }

        await until(noted, what="both are kept as answers")
        await office.says(card, "Already decided: " if "answered" in end else f"the request is {end}")
        await world.quiet()
        assert await office.runs() == [request["run_id"]]


async def test_attack_in_slack_an_argument_pushes_its_own_value_off_the_card(office: SlackWorld) -> None:
    sent = {"statement": "DROP DATABASE shop" + "\u200b" * 300}
    async with serving(office.world.app) as api:
        await asked(await program(api), title="Tidy up", arguments=sent)

    assert "DROP DATABASE shop" in (await office.card("@bo", "Approve")).words

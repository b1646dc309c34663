"""The whole story in Slack, told by the processes of the Procfile, over Socket Mode and over HTTP."""

import json
from contextlib import ExitStack

import pytest
from httpx2 import AsyncClient

from agents.events import RequestDecided, RunEnded, RunStarted, ToolStarted, VoteCast
from tests.fakes.slack.driver import HOME
from tests.kit.waiting import PATIENCE_S, until
from tests.processes.slack_office import Mode, SlackOffice

WISH, QUESTION = "deploy v1.2.0 to production", "Deploy v1.2.0 to production, replacing "


@pytest.fixture
def office(slack_office: SlackOffice) -> SlackOffice:
    return slack_office


def anybody(url: str) -> AsyncClient:
    return AsyncClient(base_url=url, timeout=PATIENCE_S, trust_env=False)


async def test_a_wish_becomes_a_card_in_its_thread_and_a_click_deploys_and_shows_the_outcome_in_the_same_message(
    office: SlackOffice, mode: Mode
) -> None:
    before = office.live()
    with ExitStack() as stack:
        stack.enter_context(office.running("worker"))
        await office.front(stack, mode)

        asked = await office.asks(office.anna, WISH)
        card = await office.card(asked, QUESTION)
        assert card.buttons[:3] == ["Approve", "Deny", "More…"]
        assert office.live() == before, "nothing happens before somebody has answered"
        pressed = await office.bo.presses("Approve", in_=card)
        assert pressed.acked
        done = await office.becomes(card, "Done: ")

        assert "Bo Berg" in done.words
        assert done.buttons == []
        assert office.live() != before
        assert [event.tool for event in office.events(ToolStarted)].count("deploy") == 1
        assert await office.slack.violations() == []


@pytest.mark.long
async def test_open_homes_change_with_what_happens_and_a_press_there_decides(office: SlackOffice, mode: Mode) -> None:
    with ExitStack() as stack:
        stack.enter_context(office.running("worker"))
        await office.front(stack, mode)
        for person in (office.anna, office.bo):
            await person.opens_home()
            await person.sees_home("Nothing waits on you.")

        asked = await office.asks(office.anna, WISH)
        await office.shows(office.bo, QUESTION)
        await office.shows(office.anna, "Waiting for Bo Berg or Cy Cole.")
        await office.bo.presses("Open", in_=HOME)
        await office.bo.sees_modal("Expires")
        pressed = await office.bo.presses("Approve")
        assert pressed.acked

        await office.has(1, RequestDecided)
        assert [(event.vote.person, event.vote.channel) for event in office.events(VoteCast)] == [("bo", "slack")]
        await office.says(asked, "Done: ")
        home = await office.shows(office.bo, "The run: done.")
        assert "Nothing waits on you." in home.words
        assert "Recently decided" in home.words
        assert home.buttons == ["Ask sayso…"]
        assert "Nothing yet." not in (await office.shows(office.anna, "Done: ")).words
        assert await office.slack.violations() == []


@pytest.mark.long
async def test_what_comes_while_redis_is_away_is_not_acknowledged_and_a_click_counts_once_all_the_same(
    office: SlackOffice,
) -> None:
    with ExitStack() as stack:
        stack.enter_context(office.running("worker"))
        await office.front(stack, "socket")
        asked = await office.asks(office.anna, WISH)
        card = await office.card(asked, QUESTION)
        await office.slack.settings(answer_within_s=3)

        office.redis.kill()
        pressed = await office.bo.presses("Approve", in_=card)
        assert not pressed.acked, "who pressed it sees that it did not work"
        mentioned = await office.asks(office.anna, "deploy v1.1.0 to staging")
        office.redis.start()

        await office.has(2, RunStarted)
        await office.says(mentioned, "Done: ")
        await office.slack.settings(answer_within_s=None)
        pressed = await office.bo.presses("Approve", in_=card, version=0)
        assert pressed.acked
        await office.becomes(card, "Done: ")
        assert len(office.events(VoteCast)) == 1


@pytest.mark.long
async def test_attack_a_stop_is_lost_below_a_wish_that_slack_has_to_bring_again(office: SlackOffice) -> None:
    with ExitStack() as stack:
        stack.enter_context(office.running("worker"))
        await office.front(stack, "socket")
        # Longer than sayso waits for Redis: what it has not taken by then it takes no more.
        await office.slack.settings(answer_within_s=12, retry_after_s=[60.0])
        office.redis.kill()
        asked = await office.asks(office.anna, WISH)

        async def is_late() -> bool:
            found = await office.slack.deliveries()
            return bool(found) and all(each["tries"] for each in found)

        await until(is_late, what="nobody has taken it")
        await office.slack.settings(answer_within_s=None)
        office.redis.start()
        await office.anna.answers(asked, "stop")

        async def is_taken() -> bool:
            return (await office.slack.deliveries())[-1]["state"] == "acked"

        await until(is_taken, what="the stop is taken")
        await office.slack.moves_clock(61)

        told = await office.anna.sees_ephemeral("You wrote stop below it, or edited or deleted it, before it came here")
        assert "No run was started" in told.text
        assert office.runs() == []


@pytest.mark.long
async def test_an_acknowledged_click_decides_after_every_process_was_killed(office: SlackOffice) -> None:
    before = office.live()
    with office.running("worker", "slack") as (worker, slack):
        asked = await office.asks(office.anna, WISH)
        card = await office.card(asked, QUESTION)
        worker.kill()

        pressed = await office.bo.presses("Approve", in_=card)
        assert pressed.acked
        slack.kill()
        office.redis.kill()
    office.redis.start()
    assert office.live() == before

    with ExitStack() as stack:
        stack.enter_context(office.running("worker"))
        await office.front(stack, "socket")
        await office.becomes(card, "Done: ")
        assert office.live() != before
        await office.has(1, RunEnded)
        assert (len(office.events(RunEnded)), len(office.events(VoteCast))) == (1, 1)


@pytest.mark.long
async def test_what_is_not_signed_by_slack_is_refused_and_what_is_too_large_is_not_read(office: SlackOffice) -> None:
    with office.running("web --port 0") as [web]:
        verified = await office.slack.tell("verify_url", url=f"{web.address()}/slack/events")
        async with anybody(web.address()) as nobody:
            unsigned = await nobody.post("/slack/events", json={"type": "url_verification", "challenge": "c"})
            large = await nobody.post("/slack/interactions", content=b"x" * (1_048_576 + 1))
            misdirected = await nobody.post("/slack/events", json={}, headers={"Host": "elsewhere.example"})
            looked = await nobody.get("/slack/events")

    assert verified["verified"]
    assert [answer.status_code for answer in (unsigned, large, misdirected, looked)] == [401, 413, 421, 405]


@pytest.mark.long
async def test_readiness_follows_the_lines_of_all_processes(office: SlackOffice) -> None:
    del office.environ["SLACK_SIGNING_SECRET"]
    with ExitStack() as stack:
        [web] = stack.enter_context(office.running("web --port 0"))
        async with anybody(web.address()) as prober:

            async def says(word: str) -> bool:
                return (await prober.get("/readyz")).json().get("slack") == word

            await until(lambda: says("nobody is connected"))
            both = [stack.enter_context(office.program("slack", name=name)) for name in ("one", "two")]
            await office.slack.connected(2)
            await until(lambda: says("connected"))
            await office.slack.tell("network", down=True)
            await until(lambda: says("not connected"))
            await office.slack.tell("network", down=False)
            await until(lambda: says("connected"))
            for one in both:
                one.kill()
            await until(lambda: says("nobody is connected"))


@pytest.mark.long
async def test_sayso_dev_connects_and_what_is_answered_in_a_terminal_without_a_token_changes_the_card_in_slack(
    office: SlackOffice,
) -> None:
    office.file.write_text(office.file.read_text().replace("quorum = 1 ", "quorum = 2 ").replace('slack = "U0CY"', ""))
    del office.environ["SAYSO_REDIS_URL"], office.environ["SAYSO_SECRET_KEY"]
    with office.program("dev", "--port", "0", "--demo-port", "0") as dev:
        dev.wait_for("Slack       connects by Socket Mode")
        assert "no member id yet: cy" in dev.said()
        await office.slack.connected()
        asked = await office.asks(office.anna, WISH)
        await office.card(asked, "2 approvals needed")
        for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SAYSO_SLACK_BASE_URL"):
            del office.environ[name]
        [request] = json.loads(office.told("requests", "--json")[1])

        words = ("answer", request["id"], "approve", "--digest", request["digest"], "--as", "bo")
        code, said = office.told(*words)

        assert code == 0, said
        await office.card(asked, "1 of 2 approvals")


@pytest.mark.long
async def test_sayso_dev_says_what_is_missing(office: SlackOffice) -> None:
    for name in ("SAYSO_REDIS_URL", "SAYSO_SECRET_KEY", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"):
        del office.environ[name]
    with office.program("dev", "--port", "0", "--demo-port", "0") as dev:
        dev.wait_for("SLACK_BOT_TOKEN is set and SLACK_APP_TOKEN is not")

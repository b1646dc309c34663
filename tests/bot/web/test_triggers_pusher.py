"""The pusher is the requester: their own approval does not count, and of a stranger the card says that it was one."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from agents.events import RunStarted
from agents.requests import PersonId
from agents.run import Run, fold
from bot.people.directory import People
from bot.policy.judgements import Decided, NotEntitled
from bot.policy.record import RequestRecord
from bot.render.request_card import standing
from bot.runs.api_requests import Asker
from bot.triggers.github import logins
from tests.bot.cli.shell import sayso
from tests.bot.triggers.hub import created, pushed, workflow_run
from tests.bot.triggers.posting import HUB_SECRET, SECRET, bytes_of, post, signed_by_github
from tests.kit.office import TOML
from tests.kit.tables import becomes, without, write
from tests.kit.world import World, a_world
from tests.servers.console import Console
from tests.servers.web import Api, serving
from tests.stories.people.test_half_taken import process_of

LOGINS = TOML.replace('"bo@corp.example"', '"bo@corp.example"\ngithub = "Bo-Berg"').replace(
    '"cy@corp.example"', '"cy@corp.example"\ngithub = "cy-cole"'
)
TRIGGERS = """
[triggers.tags]
kind = "github"
on = "push"
text = "press {tag}"
requester = "anna"

[triggers.broken]
kind = "github"
on = "workflow_run"
text = "press {branch}"
requester = "anna"
"""


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    """Bo and Cy, who decide, have logins at GitHub; Anna, for whom the triggers ask, has none."""

    def change(world: World) -> None:
        world.environ = {"SAYSO_TRIGGERS__TAGS__SECRET": HUB_SECRET, "SAYSO_TRIGGERS__BROKEN__SECRET": SECRET}

    async with a_world(redis, tmp_path / "data", LOGINS + TRIGGERS, change=change) as world:
        yield world


@pytest.fixture
async def api(office: World) -> AsyncIterator[Api]:
    async with serving(office.app) as api:
        yield api


def by(login: str) -> dict[str, Any]:
    return {"sender": {"login": login, "id": 1, "type": "User"}, "pusher": {"name": login}}


async def happens(office: World, api: Api, name: str, sent: dict[str, Any]) -> RunStarted:
    """Return how the run begins that a delivery of GitHub's starts."""
    event, secret = ("push", HUB_SECRET) if name == "tags" else ("workflow_run", SECRET)
    body = bytes_of(sent)
    answer = await post(api.with_key(None), name, body, signed_by_github(body, event, secret=secret))
    assert answer.status_code == 202, answer.text
    started = (await office.events(answer.json()["id"]))[0]
    assert isinstance(started, RunStarted)
    return started


@pytest.mark.parametrize("login", ["Bo-Berg", "bo-berg"])
async def test_whoever_pushed_asks_and_can_not_approve_it(office: World, api: Api, login: str) -> None:
    started = await happens(office, api, "tags", pushed() | by(login))
    record = await office.opened(started.run_id)

    outcome = await office.decide("bo", record, "approve")

    assert (started.requester, started.outsider) == ("bo", None)
    assert record.requesters == ("bo",)
    assert outcome.type == "not_entitled"
    assert "Pushed by" not in (await office.next_mail("cy")).text
    assert office.workshop.effects == []
    await office.decide("cy", record, "approve")
    await office.ended(started.run_id)
    assert office.workshop.effects == ["press v1.2.0"]


async def test_a_stranger_s_push_asks_in_the_trigger_s_name_and_the_card_says_who_pushed(
    office: World, api: Api
) -> None:
    started = await happens(office, api, "tags", pushed() | by("eve\n\u202eapprove"))

    card = await office.next_mail("bo")

    assert started.requester == "anna"
    assert "Anna Ames asks." in card.text
    assert "Pushed by: eve approve at GitHub, who is not in the directory" in card.text


async def test_who_pushed_and_that_nobody_typed_it_stand_wherever_it_can_be_approved(office: World, api: Api) -> None:
    started = await happens(office, api, "tags", pushed() | by("eve"))
    record = await office.opened(started.run_id)
    pusher, begun = "eve at GitHub, who is not in the directory", "the trigger 'tags' of sayso.toml"

    page = await (await Console(api).browser("bo")).get(f"/requests/{record.request.id}")
    on_run = await (await Console(api).browser("bo")).get(f"/runs/{started.run_id}")
    said = (await (await api.client("bo")).get(f"/v1/requests/{record.request.id}")).json()
    in_list = (await (await api.client("bo")).get("/v1/requests?state=open")).json()["requests"][0]
    listed = await sayso(office, "requests", "--full")
    [group] = (await office.app.requests.lookup.overview("bo")).waiting
    in_window = (await office.app.requests.lookup.card(group.rows[0].token, "bo")).model_dump_json()
    mail = (await office.next_mail("bo")).text

    shown = [page.words, on_run.words, json.dumps(said), json.dumps(in_list), listed.out, in_window, mail]
    assert [pusher in " ".join(text.split()) for text in shown] == [True] * len(shown)
    assert [f"Nobody typed this: {begun}" in " ".join(text.split()) for text in shown] == [True] * len(shown)
    await office.decide("bo", record, "approve")
    closed = standing((await office.app.requests.decisions.request(record.request.id))[0], *later(office, started))
    assert f"Began with: {begun}: nobody typed this" in [f"{line.label}: {line.text}" for line in closed.facts]
    assert f"Pushed by: {pusher}" in [f"{line.label}: {line.text}" for line in closed.facts]


def later(office: World, started: RunStarted) -> tuple[Run, People, datetime, int]:
    return fold([started]), office.app.people, office.app.store.about_now(), 1


LATER = (LOGINS + TRIGGERS).replace('github = "Bo-Berg"\n', "")


async def pushed_by_bo(office: World, api: Api) -> RequestRecord:
    """What Bo pushed asks for while the file does not name the login."""
    await becomes(office, LATER)
    started = await happens(office, api, "tags", pushed() | by("Bo-Berg"))
    record = await office.opened(started.run_id)
    assert (started.requester, record.requesters) == ("anna", ("anna",))
    return record


async def test_attack_whoever_pushed_approves_it_as_the_file_names_their_login_only_later(
    office: World, api: Api
) -> None:
    record = await pushed_by_bo(office, api)

    await becomes(office, LOGINS + TRIGGERS)

    assert isinstance(await office.decide("bo", record, "approve"), NotEntitled)
    await office.decide("cy", record, "approve")
    await office.ended(record.request.run_id)
    assert office.workshop.effects == ["press v1.2.0"]


async def test_attack_the_approval_of_whoever_pushed_begins_it_as_the_file_names_their_login_only_later(
    office: World, api: Api
) -> None:
    record = await pushed_by_bo(office, api)
    await office.steer(record.request.run_id, "pause")
    assert isinstance(await office.decide("bo", record, "approve"), Decided)

    await becomes(office, LOGINS + TRIGGERS)
    await office.steer(record.request.run_id, "resume")

    again = await office.opened(record.request.run_id, after=record.request.id)
    assert "bo" in again.requesters
    assert office.workshop.effects == []


async def test_attack_whoever_pushed_approves_it_as_the_file_gave_their_login_to_somebody_else(
    office: World, api: Api
) -> None:
    eve = '\n[people.eve]\nname = "Eve East"\nemail = "eve@corp.example"\ngroups = ["release"]\n'
    mixed_up = LATER.replace('github = "cy-cole"', 'github = "Bo-Berg"')
    await becomes(office, mixed_up + eve)
    started = await happens(office, api, "tags", pushed() | by("Bo-Berg"))
    record = await office.opened(started.run_id)
    assert record.requesters == ("cy",)

    await becomes(office, LOGINS + TRIGGERS + eve)

    assert isinstance(await office.decide("bo", record, "approve"), NotEntitled)
    await office.decide("eve", record, "approve")
    await office.ended(started.run_id)
    assert office.workshop.effects == ["press v1.2.0"]


async def test_attack_whoever_pushed_what_a_stranger_sent_approves_it_as_the_file_names_their_login_only_later(
    office: World, api: Api
) -> None:
    await becomes(office, LATER)
    told = pushed() | by("release-bot") | {"pusher": {"name": "Bo-Berg"}}
    record = await office.opened((await happens(office, api, "tags", told)).run_id)

    await becomes(office, LOGINS + TRIGGERS)

    assert isinstance(await office.decide("bo", record, "approve"), NotEntitled)


async def test_everybody_of_the_directory_who_had_a_part_in_it_is_a_requester(office: World, api: Api) -> None:
    run = workflow_run()["workflow_run"] | {"actor": {"login": "cy-cole"}, "triggering_actor": {"login": "Bo-Berg"}}
    started = await happens(office, api, "broken", workflow_run() | {"workflow_run": run} | by("bo-berg"))

    told = await office.summary(started.run_id)

    assert (started.requester, started.inherits) == ("bo", ("cy",))
    assert "people who may decide, the requester not counted: 0" in told


async def test_failed_ci_of_a_stranger_says_who_caused_it(office: World, api: Api) -> None:
    await happens(office, api, "broken", workflow_run() | by("dependabot[bot]"))

    assert "Caused by: dependabot[bot] at GitHub, who is not in the directory" in (await office.next_mail("cy")).text


async def test_a_tag_that_a_stranger_sends_and_somebody_we_know_pushed_is_asked_for_by_them(
    office: World, api: Api
) -> None:
    told = pushed() | by("release-bot") | {"pusher": {"name": "cy-cole"}}

    started = await happens(office, api, "tags", told)
    card = await office.next_mail("bo")

    assert started.requester == "cy"
    assert "Pushed by: release-bot at GitHub, who is not in the directory" in card.text


async def test_a_fork_keeps_whoever_pushed_among_its_requesters(office: World, api: Api) -> None:
    started = await happens(office, api, "tags", pushed() | by("bo-berg"))
    await office.decide("cy", await office.opened(started.run_id), "deny")
    await office.ended(started.run_id)

    forked = await office.app.runs.forks.retry(started.run_id, Asker(PersonId("anna"), channel="cli"))

    assert "bo" in (await office.opened(forked)).requesters


def test_created_tags_name_their_sender_alone() -> None:
    assert logins(created()) == ("anna-ames",)
    assert logins(pushed()) == ("anna-ames", "anna")
    assert logins(pushed(pusher={"name": "anna-ames"}, sender={"login": "Anna-Ames"})) == ("Anna-Ames",)


async def test_attack_whoever_pushes_while_they_are_only_missing_in_a_file_approves_nothing_of_it(
    office: World, api: Api
) -> None:
    reload, sent = process_of(office), pushed() | by("Bo-Berg")
    await reload.begin()
    await reload.look(at_once=True)
    await office.opened(await office.trigger("ask-of person:bo free_text What is your wish?"))
    write(office, without(LOGINS + TRIGGERS, "bo").rstrip())
    await reload.look(at_once=True)
    assert office.app.people.missing == ("bo",)

    body = bytes_of(sent)
    answer = await post(api.with_key(None), "tags", body, signed_by_github(body, "push", secret=HUB_SECRET))

    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert "half taken" in (await office.next_mail("dan", "The trigger tags started no run")).text
    write(office, LOGINS + TRIGGERS)
    await reload.look(at_once=True)
    assert (await happens(office, api, "tags", sent)).requester == "bo"

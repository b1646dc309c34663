"""The pusher is the requester: their own approval does not count, and of a stranger the card says that it was one."""

import json
from typing import Any

import pytest

from agents.events import RunStarted
from agents.requests import PersonId, RunId
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from agents.run import fold
from bot.people.offers import deciders
from bot.policy.approvers.who import who_of
from bot.policy.judgements import Decided, NotEntitled
from bot.render.request_card import standing
from bot.runs.api_requests import Asker
from bot.runs.export import export
from bot.store.ids import review_of
from bot.triggers.github import logins
from tests.bot.cli.shell import sayso
from tests.bot.triggers.hub import created, pushed, workflow_run
from tests.bot.triggers.posting import HUB_SECRET, SECRET, bytes_of, post, signed_by_github
from tests.bot.web.test_triggers import secrets
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes, without, write
from tests.kit.world import World
from tests.servers.console import Console
from tests.servers.web import Api
from tests.stories.people.test_half_taken import process_of
from tests.stories.test_absences import away
from tests.stories.test_break_glass import breaks

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


pytestmark = opens(LOGINS + TRIGGERS, change=secrets(tags=HUB_SECRET, broken=SECRET))
"""Bo and Cy, who decide, have logins at GitHub; Anna, for whom the triggers ask, has none."""


def by(login: str) -> dict[str, Any]:
    return {"sender": {"login": login, "id": 1, "type": "User"}, "pusher": {"name": login}}


async def happens(world: World, api: Api, name: str, sent: dict[str, Any]) -> RunStarted:
    """Return how the run begins that a delivery of GitHub's starts."""
    event, secret = ("push", HUB_SECRET) if name == "tags" else ("workflow_run", SECRET)
    body = bytes_of(sent)
    answer = await post(api.with_key(None), name, body, signed_by_github(body, event, secret=secret))
    assert answer.status_code == 202, answer.text
    started = (await world.events(answer.json()["id"]))[0]
    assert isinstance(started, RunStarted)
    return started


async def test_whoever_pushed_asks_and_can_not_approve_it(world: World, api: Api) -> None:
    started = await happens(world, api, "tags", pushed() | by("bo-berg"))
    record = await world.opened(started.run_id)

    outcome = await world.decide("bo", record, "approve")

    assert (started.requester, started.outsider) == ("bo", None)
    assert record.requesters == ("bo",)
    assert outcome.type == "not_entitled"
    assert "Pushed by" not in (await world.next_mail("cy")).text
    assert world.workshop.effects == []
    await world.decide("cy", record, "approve")
    await world.ended(started.run_id)
    assert world.workshop.effects == ["press v1.2.0"]
    forked = await world.app.runs.forks.retry(started.run_id, Asker(PersonId("anna"), proof=as_by("cli")))
    assert "bo" in (await world.opened(forked)).requesters, "a fork keeps them"


async def test_who_pushed_and_that_nobody_typed_it_stand_wherever_it_can_be_approved(world: World, api: Api) -> None:
    started = await happens(world, api, "tags", pushed() | by("eve\n\u202eapprove"))
    record = await world.opened(started.run_id)
    pusher, begun = "eve approve at GitHub, who is not in the directory", "the trigger 'tags' of sayso.toml"

    page = await (await Console(api).browser("bo")).get(f"/requests/{record.request.id}")
    on_run = await (await Console(api).browser("bo")).get(f"/runs/{started.run_id}")
    said = (await (await api.client("bo")).get(f"/v1/requests/{record.request.id}")).json()
    in_list = (await (await api.client("bo")).get("/v1/requests?state=open")).json()["requests"][0]
    listed = await sayso(world, "requests", "--full")
    [group] = (await world.app.requests.lookup.overview("bo")).waiting
    in_window = (await world.app.requests.lookup.card(group.rows[0].token, "bo")).model_dump_json()
    mail = (await world.next_mail("bo")).text

    shown = [page.words, on_run.words, json.dumps(said), json.dumps(in_list), listed.out, in_window, mail]
    assert (started.requester, "Anna Ames asks." in mail) == ("anna", True)
    assert [pusher in " ".join(text.split()) for text in shown] == [True] * len(shown)
    assert [f"Nobody typed this: {begun}" in " ".join(text.split()) for text in shown] == [True] * len(shown)
    await world.decide("bo", record, "approve")
    found = (await world.app.requests.decisions.request(record.request.id))[0]
    closed = standing(found, fold([started]), world.app.people, world.app.store.about_now(), 1)
    assert f"Began with: {begun}: nobody typed this" in [f"{line.label}: {line.text}" for line in closed.facts]
    assert f"Pushed by: {pusher}" in [f"{line.label}: {line.text}" for line in closed.facts]


LATER = (LOGINS + TRIGGERS).replace('github = "Bo-Berg"\n', "")


async def pushed_by_bo(world: World, api: Api) -> RequestRecord:
    """What Bo pushed asks for while the file does not name the login."""
    await becomes(world, LATER)
    started = await happens(world, api, "tags", pushed() | by("Bo-Berg"))
    record = await world.opened(started.run_id)
    assert (started.requester, record.requesters) == ("anna", ("anna",))
    return record


async def test_attack_whoever_pushed_approves_it_as_the_file_names_their_login_only_later(
    world: World, api: Api
) -> None:
    record = await pushed_by_bo(world, api)

    await becomes(world, LOGINS + TRIGGERS)

    assert isinstance(await world.decide("bo", record, "approve"), NotEntitled)
    await world.decide("cy", record, "approve")
    await world.ended(record.request.run_id)
    assert world.workshop.effects == ["press v1.2.0"]


async def test_attack_the_approval_of_whoever_pushed_begins_it_as_the_file_names_their_login_only_later(
    world: World, api: Api
) -> None:
    record = await pushed_by_bo(world, api)
    await world.steer(record.request.run_id, "pause")
    assert isinstance(await world.decide("bo", record, "approve"), Decided)

    await becomes(world, LOGINS + TRIGGERS)
    await world.steer(record.request.run_id, "resume")

    again = await world.opened(record.request.run_id, after=record.request.id)
    assert "bo" in again.requesters
    assert world.workshop.effects == []


SPARE = LATER.replace("[policies.production]\n", '[policies.production]\nstand_ins = ["person:dan"]\n')


@opens(SPARE, change=secrets(tags=HUB_SECRET, broken=SECRET))
@pytest.mark.parametrize("how", few_of(["by hand", "away", "approved before"], 0, 2))
async def test_attack_whoever_pushed_has_another_decide_before_the_file_names_their_login(
    world: World, api: Api, how: str
) -> None:
    if how == "away":
        await away(world, "bo", "dan")
    record = await world.opened((await happens(world, api, "tags", pushed() | by("Bo-Berg"))).run_id)
    if how != "away":
        await world.delegate("bo", record, "dan")
    if how == "approved before":
        await world.steer(record.request.run_id, "pause")
        assert isinstance(await world.decide("dan", await world.request(record.request.id), "approve"), Decided)

    await becomes(world, SPARE.replace('"bo@corp.example"', '"bo@corp.example"\ngithub = "Bo-Berg"'))

    if how == "approved before":
        await world.steer(record.request.run_id, "resume")
        record = await world.opened(record.request.run_id, after=record.request.id)
    stands = await world.request(record.request.id)
    assert deciders(stands, world.app.people) == ("cy",)
    assert isinstance(await world.decide("dan", stands, "approve"), NotEntitled)
    assert world.workshop.effects == []
    await world.decide("cy", stands, "approve")
    await world.ended(record.request.run_id)
    assert world.workshop.effects == ["press v1.2.0"]


@pytest.mark.parametrize("is_named", few_of([True, False], 0))
async def test_attack_whoever_pushed_approves_what_a_file_tells_of_that_run(
    world: World, api: Api, *, is_named: bool
) -> None:
    """The file names their login before the story is taken in, or after that."""
    record = await pushed_by_bo(world, api)
    events = await world.events(record.request.run_id)
    if is_named:
        await becomes(world, LOGINS + TRIGGERS)

    told = export(record.request.run_id, events, "", await world.now())
    taken = await world.app.runs.forks.take_in(told, Asker(PersonId("dan"), proof=as_by("cli")))
    copy = await world.opened(taken)
    await becomes(world, LOGINS + TRIGGERS)

    assert isinstance(await world.decide("bo", copy, "approve"), NotEntitled)
    assert "Nobody typed this" not in (await world.next_mail("cy", about=copy.request.digest)).text
    forked = await world.app.runs.forks.retry(taken, Asker(PersonId("anna"), proof=as_by("cli")))
    assert isinstance(await world.decide("bo", await world.opened(forked), "approve"), NotEntitled)


ALONE = LATER.replace('to = ["person:dan"]', 'to = ["person:dan", "person:cy"]').replace(
    '[policies.production]\napprovers = ["group:release"]',
    '[policies.production]\napprovers = ["person:bo"]\nbreak_glass = ["person:bo"]',
)


@opens(ALONE, change=secrets(tags=HUB_SECRET, broken=SECRET))
async def test_attack_whoever_pushed_says_that_it_was_right_to_break_the_glass_for_it(world: World, api: Api) -> None:
    record = await world.opened((await happens(world, api, "tags", pushed() | by("dan-d"))).run_id)
    await becomes(world, ALONE.replace('"dan@corp.example"', '"dan@corp.example"\ngithub = "dan-d"'))

    await breaks(world, "bo", record)
    review = await world.opened(RunId(review_of(record.request.id)))

    assert who_of(review).seated == ("cy",)


_BROKEN = LATER.replace("[policies.production]\n", '[policies.production]\nbreak_glass = ["person:dan"]\n')


@opens(_BROKEN, change=secrets(tags=HUB_SECRET, broken=SECRET))
async def test_attack_whoever_pushed_is_named_once_the_review_is_open_and_says_that_breaking_the_glass_was_right(
    world: World, api: Api
) -> None:
    record = await world.opened((await happens(world, api, "tags", pushed() | by("Bo-Berg"))).run_id)
    await breaks(world, "dan", record)
    review = await world.opened(RunId(review_of(record.request.id)))
    assert deciders(review, world.people) == ("bo", "cy")

    await becomes(world, _BROKEN.replace('"bo@corp.example"', '"bo@corp.example"\ngithub = "Bo-Berg"'))

    assert deciders(await world.request(review.request.id), world.people) == ("cy",)
    assert isinstance(await world.decide("bo", review, "free_text", "1"), NotEntitled)


async def test_attack_whoever_pushed_approves_it_as_the_file_gave_their_login_to_somebody_else(
    world: World, api: Api
) -> None:
    eve = '\n[people.eve]\nname = "Eve East"\nemail = "eve@corp.example"\ngroups = ["release"]\n'
    mixed_up = LATER.replace('github = "cy-cole"', 'github = "Bo-Berg"')
    await becomes(world, mixed_up + eve)
    started = await happens(world, api, "tags", pushed() | by("Bo-Berg"))
    record = await world.opened(started.run_id)
    assert record.requesters == ("cy",)

    await becomes(world, LOGINS + TRIGGERS + eve)

    assert isinstance(await world.decide("bo", record, "approve"), NotEntitled)
    await world.decide("eve", record, "approve")
    await world.ended(started.run_id)
    assert world.workshop.effects == ["press v1.2.0"]


async def test_attack_whoever_pushed_what_a_stranger_sent_approves_it_as_the_file_names_their_login_only_later(
    world: World, api: Api
) -> None:
    await becomes(world, LATER)
    told = pushed() | by("release-bot") | {"pusher": {"name": "Bo-Berg"}}
    record = await world.opened((await happens(world, api, "tags", told)).run_id)

    await becomes(world, LOGINS + TRIGGERS)

    assert isinstance(await world.decide("bo", record, "approve"), NotEntitled)


async def test_everybody_of_the_directory_who_had_a_part_in_it_is_a_requester(world: World, api: Api) -> None:
    run = workflow_run()["workflow_run"] | {"actor": {"login": "cy-cole"}, "triggering_actor": {"login": "Bo-Berg"}}
    started = await happens(world, api, "broken", workflow_run() | {"workflow_run": run} | by("bo-berg"))

    told = await world.summary(started.run_id)

    assert (started.requester, started.inherits) == ("bo", ("cy",))
    assert "people who may decide, the requester not counted: 0" in told
    await happens(world, api, "broken", workflow_run() | by("dependabot[bot]"))
    assert "Caused by: dependabot[bot] at GitHub, who is not in the directory" in (await world.next_mail("cy")).text


def test_created_tags_name_their_sender_alone() -> None:
    assert logins(created()) == ("anna-ames",)
    assert logins(pushed()) == ("anna-ames", "anna")
    assert logins(pushed(pusher={"name": "anna-ames"}, sender={"login": "Anna-Ames"})) == ("Anna-Ames",)


async def test_attack_whoever_pushes_while_they_are_only_missing_in_a_file_approves_nothing_of_it(
    world: World, api: Api
) -> None:
    reload, sent = process_of(world), pushed() | by("Bo-Berg")
    await reload.begin()
    await reload.look(at_once=True)
    await world.opened(await world.trigger("ask-of person:bo free_text What is your wish?"))
    write(world, without(LOGINS + TRIGGERS, "bo").rstrip())
    await reload.look(at_once=True)
    assert world.app.people.missing == ("bo",)

    body = bytes_of(sent)
    answer = await post(api.with_key(None), "tags", body, signed_by_github(body, "push", secret=HUB_SECRET))

    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert "half taken" in (await world.next_mail("dan", "The trigger tags started no run")).text
    write(world, LOGINS + TRIGGERS)
    await reload.look(at_once=True)
    assert (await happens(world, api, "tags", sent)).requester == "bo"

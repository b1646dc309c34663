"""A program that asks one person very often, in Slack: some cards, and one message that lists the rest."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.slack_world import SlackWorld
from tests.servers.web import Api, serving
from tests.stories.test_cards_per_person import ALONE, asker, asks, numbers, wanter, wants

SOME = f'public_url = "https://sayso.corp.example"\n{TOML}'.replace("[limits]\n", "[limits]\ncards_per_person = 3\n")


pytestmark = opens(toml=ALONE)


@pytest.fixture
async def api(office: SlackWorld) -> AsyncIterator[Api]:
    async with serving(office.world.app) as api:
        yield api


@opens(toml=SOME)
async def test_a_burst_is_three_cards_and_one_message_which_follows_what_is_answered(
    office: SlackWorld, api: Api
) -> None:
    ci, bo = await asker(api), await api.client("bo")
    bursts = await asyncio.gather(*(asks(ci, at, at) for at in range(1, 11)))
    asked = sorted((one for [one] in bursts), key=lambda one: (one["opened_at"], one["id"]))
    gathered = [one for one in asked if one.get("gathered")]
    assert len(gathered) == 7

    listing = await office.says("@bo", "waits for 7 more answers of yours")
    await office.world.quiet()
    told = await office.slack.messages("@bo")
    assert len([one for one in told if "Expires" in one.words]) == 3
    assert len([one for one in told if "more answer" in f"{one.text}{one.words}"]) == 1
    in_order = [one["title"].split("item-")[1][:2] for one in gathered]
    assert numbers((await office.slack.now(listing)).words) == in_order

    await bo.post(f"/v1/requests/{gathered[0]['id']}/answer", json={"text": "yes"})
    await ci.post(f"/v1/requests/{gathered[3]['id']}/withdraw", json={})
    left = await office.becomes(listing, "waits for 5 more answers of yours")
    assert numbers(left.words) == [*in_order[1:3], *in_order[4:]]

    for one in (*gathered[1:3], *gathered[4:]):
        await bo.post(f"/v1/requests/{one['id']}/answer", json={"text": "yes"})
    await office.becomes(listing, "waits for no more answers of yours here")
    await asks(ci, 11, 11)
    assert (await office.says("@bo", "waits for one more answer of yours")).ts != listing.ts


async def test_who_approved_what_the_message_lists_hears_what_came_of_it(office: SlackWorld, api: Api) -> None:
    ci, bo = await wanter(api), await api.client("bo")
    _, first, _ = await wants(ci, 1, 3)
    listing = await office.says("@bo", "waits for 2 more answers of yours")
    vote = {"vote": "approve", "digest": first["digest"]}
    assert (await bo.post(f"/v1/requests/{first['id']}/answer", json=vote)).status_code == 200
    assert (await ci.post(f"/v1/requests/{first['id']}/start", json={"attempt": "a"})).status_code == 200
    end = {"attempt": "a", "ok": False, "summary": "half of the rows are gone"}
    assert (await ci.post(f"/v1/requests/{first['id']}/finish", json=end)).status_code == 200

    told = await office.says("@bo", "half of the rows are gone")
    left = await office.becomes(listing, "waits for one more answer of yours")
    assert numbers(left.words) == ["03"]
    assert told.words.startswith("Failed: Drop item-02\n")
    assert told.buttons == []
    await office.world.quiet()
    assert "half of the rows" not in " ".join(one.words for one in await office.slack.messages("@cy"))


async def test_who_had_approved_what_others_then_denied_hears_of_it(office: SlackWorld, api: Api) -> None:
    _, pair = await wants(await wanter(api), 1, 2, "pair")
    listing = await office.says("@bo", "waits for one more answer of yours")
    votes = {"bo": {"vote": "approve", "digest": pair["digest"]}, "cy": {"vote": "deny", "reason": "not today"}}
    for person, vote in votes.items():
        answer = await (await api.client(person)).post(f"/v1/requests/{pair['id']}/answer", json=vote)
        assert answer.status_code == 200

    await office.says("@bo", "“not today”")
    await office.becomes(listing, "waits for no more answers of yours here")
    await office.world.quiet()
    assert len([one for one in await office.slack.messages("@bo") if "not today" in one.words]) == 1


async def test_attack_what_is_typed_below_a_list_begins_something_else_and_its_writer_hears_of_no_answer(
    office: SlackWorld, api: Api
) -> None:
    asked = await wants(await wanter(api), 1, 3)
    listing = await office.says("@bo", "waits for 2 more answers of yours")
    await office.world.quiet()

    for words in ("deny item 3, it is in use", "approve"):
        await office.bo.answers(listing, words)
    await office.world.quiet()

    told = [one.words for one in await office.slack.messages(listing) if "answers none of it" in one.words]
    assert len(told) == 2
    assert len(await office.runs()) == len(asked)
    assert {(await office.world.request(one["id"])).state for one in asked} == {"open"}


@opens(toml=ALONE.replace('to = ["person:dan"]', 'to = ["person:dan", "person:bo"]'))
async def test_attack_a_no_below_a_list_is_lost_in_silence_over_a_freeze_beside_it(
    office: SlackWorld, api: Api
) -> None:
    await wants(await wanter(api), 1, 3)
    listing = await office.says("@bo", "waits for 2 more answers of yours")
    await office.world.quiet()

    await office.bo.answers(listing, "deny and freeze workshop")
    await office.world.quiet()

    assert [one.environment for one in await office.world.app.requests.freezes.all()] == ["workshop"]
    assert len([one for one in await office.slack.messages(listing) if "nothing was stopped" in one.words]) == 1


async def test_attack_who_approved_what_the_message_listed_never_hears_that_it_changed_and_the_vote_is_void(
    office: SlackWorld, api: Api
) -> None:
    anna, bo = await api.client("anna"), await api.client("bo")
    _, pair, _ = await wants(await wanter(api), 1, 3, "pair")
    listing = await office.says("@bo", "waits for 2 more answers of yours")
    vote = {"vote": "approve", "digest": pair["digest"]}
    assert (await bo.post(f"/v1/requests/{pair['id']}/answer", json=vote)).status_code == 200
    await office.becomes(listing, "waits for one more answer of yours")

    beside = await anna.post(f"/v1/requests/{pair['id']}/answer", json={"text": "only the one in Berlin"})
    assert beside.status_code == 200
    now = await office.becomes(listing, "waits for 2 more answers of yours")
    await office.world.quiet()

    [line] = [one for one in now.words.splitlines() if "item-02" in one]
    assert "votes from before do not count" in line
    below = [one.words for one in await office.slack.messages(listing) if "Changed, and asked again" in one.words]
    assert len(below) == 1
    assert "item-02" in below[0]

"""A program that asks one person very often: ten cards, and beyond them one mail, at most every five minutes."""

import shutil
from typing import Any

import pytest
from httpx2 import AsyncClient

from bot.policy.approvers.who import who_of
from bot.queries.rebuild import placed
from bot.store.outbox_entry import Delivery
from tests.bot.bounces import bounce, failures, handled
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes, without
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.web import Api

PUBLIC = "https://sayso.corp.example"
PEOPLE = ("anna", "bo", "cy")
ALONE = f'public_url = "{PUBLIC}"\n{TOML}'.replace("[limits]\n", "[limits]\ncards_per_person = 1\n")
REMINDED = ALONE.replace(
    "[policies.production]\n",
    '[policies.production]\nremind_after = ["30m"]\nescalate_after = "1h"\nescalate_to = ["person:dan"]\n',
)
LATER = ALONE.replace(
    '[policies.production]\napprovers = ["group:release"]\n',
    '[policies.production]\napprovers = ["person:cy"]\nescalate_after = "1h"\nescalate_to = ["person:bo"]\n',
)
URGENT = (
    ALONE.replace("[policies.production]\n", '[policies.production]\nurgency = "high"\n').replace(
        "[policies.pair]\n", '[policies.pair]\nanswer_from = ["email", "api"]\n'
    )
    + """
[policies.glass]
approvers = ["group:release"]
expires_after = "4h"
break_glass = ["person:cy"]

[policies.brief]
approvers = ["group:release"]
approve_by_email = true
expires_after = "4m"
"""
)


pytestmark = opens(f'public_url = "{PUBLIC}"\n{TOML}')


async def listed(world: World, times: int = 1) -> list[str]:
    """The mails to Bo that list requests, once there are so many."""
    await until(lambda: len(lists(world)) >= times, what=f"{times} lists come")
    return lists(world)


async def listed_twice(world: World) -> list[str]:
    """The same once the second has come, after five minutes."""
    await listed(world)
    await world.move_time(301)
    return await listed(world, 2)


async def answered(world: World, listing: str, words: str) -> None:
    """Bo answers the mail with this list."""
    [letter] = [one for one in world.mails("bo") if one.text == listing]
    await world.post("bo", letter.reply_to or "sayso@sayso.example", words, about=f"Re: {letter.subject}")


async def votes(api: Api, person: str, one: dict[str, Any], vote: str = "approve") -> None:
    body = {"vote": vote, "digest": one["digest"]}
    answer = await (await api.client(person)).post(f"/v1/requests/{one['id']}/answer", json=body)
    assert answer.status_code == 200, answer.text


async def fails(world: World, ci: AsyncClient, one: dict[str, Any]) -> None:
    """The program does it, and it fails."""
    assert (await ci.post(f"/v1/requests/{one['id']}/start", json={"attempt": "a"})).status_code == 200
    end = {"attempt": "a", "ok": False, "summary": f"the disk of {one['id']} is full"}
    assert (await ci.post(f"/v1/requests/{one['id']}/finish", json=end)).status_code == 200
    await world.ended(one["run_id"])


def told_of(world: World, one: dict[str, Any]) -> dict[str, int]:
    """How many mails each got about that failure."""
    said = f"the disk of {one['id']} is full"
    return {person: len([letter for letter in world.mails(person) if said in letter.text]) for person in PEOPLE}


async def asker(api: Api) -> AsyncClient:
    return await api.client(None, "ask", service="ci", acts_for=["anna"], asks=["group:release"], holders=["dan"])


async def asks(client: AsyncClient, first: int, last: int, to: str = "person:bo", **more: Any) -> list[dict[str, Any]]:
    """Ask numbered questions, one after the other."""
    answers = [
        await client.post(
            "/v1/requests", json={"question": f"May item-{number:02} go?", "to": [to], "format": "yes_no", **more}
        )
        for number in range(first, last + 1)
    ]
    assert {answer.status_code for answer in answers} == {201}, answers[-1].text
    return [answer.json() for answer in answers]


def numbers(text: str) -> list[str]:
    """The items that a text lists, in its order."""
    return [line.split("item-")[1][:2] for line in text.splitlines() if line[:1].isdigit() and "item-" in line]


def lists(world: World, person: str = "bo") -> list[str]:
    """The text of each mail that lists requests."""
    return [
        one.text for one in world.mails(person) if "come in one message" in one.text or "no more answers" in one.text
    ]


async def test_thirty_asks_in_a_row_are_ten_mails_and_one_every_five_minutes_that_lists_the_rest(
    world: World, api: Api
) -> None:
    ci, bo = await asker(api), await api.client("bo")
    asked = await asks(ci, 1, 30)

    [first] = await listed(world, 1)
    assert len(world.mails("bo")) == 11
    assert numbers(first)[0] == "11"
    assert f"{PUBLIC}/" in first
    assert [("one message with others" in one.get("gathered", "")) for one in asked] == [False] * 10 + [True] * 20
    assert "Bo Berg" in asked[-1]["gathered"]

    await ci.post(f"/v1/requests/{asked[11]['id']}/withdraw", json={})
    assert (await bo.post(f"/v1/requests/{asked[12]['id']}/answer", json={"text": "yes"})).status_code == 200
    await answered(world, first, "yes")
    await world.move_time(200)
    assert len(lists(world)) == 1
    await world.move_time(101)

    _, second = await listed(world, 2)
    await world.quiet()
    assert len(lists(world)) == 2
    assert numbers(second) == [f"{number:02}" for number in (11, *range(14, 28))]
    assert "and 3 more" in second
    assert {(await world.request(asked[at]["id"])).state for at in (0, 10, 13, 29)} == {"open"}


async def test_attack_an_answer_to_a_list_is_told_to_reply_to_a_message_that_there_is_not(
    world: World, api: Api
) -> None:
    asked = await asks(await asker(api), 1, 12)
    await answered(world, (await listed(world))[0], "yes")

    told = (await world.next_mail("bo", about="was not accepted")).text
    lines = {one["id"]: line for one in asked for line in told.splitlines() if one["id"] in line}
    assert asked[-1]["id"] in lines
    for one in asked:
        if one["id"] in lines:
            is_card = "reply to the message that asks it" in lines[one["id"]]
            assert is_card != ("gathered" in one and bool(one["gathered"]))


@opens(URGENT)
async def test_what_a_policy_calls_urgent_or_ends_before_the_next_list_has_a_card_and_what_a_program_calls_so_has_none(
    api: Api,
) -> None:
    """A policy says how long people have; that a question is short are the program's own words."""
    policies = ("production", "pair", "glass", "brief")
    ci = await api.client(
        None, "ask", service="ci", acts_for=["anna"], holders=["anna"],
        asks=["person:bo", *(f"policy:{one}" for one in policies)],
    )  # fmt: skip

    for policy in policies:
        assert [one["gathered"] for one in await wants(ci, 1, 3, policy)] == [""] * 3, policy
    assert [bool(one.get("gathered")) for one in await asks(ci, 1, 2, urgency="high")] == [False, True]
    questions = await asks(await asker(api), 4, 6, expires_after_s=240)
    assert ["every five minutes" in one.get("gathered", "") for one in questions] == [False, True, True]


@opens(f'public_url = "{PUBLIC}"\n{TOML}'.replace("[limits]\n", "[limits]\ncards_per_person = 2\n"))
async def test_as_soon_as_a_card_is_closed_the_next_one_is_a_card_again_and_others_have_their_own_room(
    api: Api,
) -> None:
    ci, other, bo = await asker(api), await asker(api), await api.client("bo")
    asked = await asks(ci, 1, 3)
    [cy, both] = [(await asks(ci, at, at, to=to))[0] for at, to in ((4, "person:cy"), (5, "group:release"))]
    [of_other] = await asks(other, 6, 6)

    assert (await bo.post(f"/v1/requests/{asked[0]['id']}/answer", json={"text": "yes"})).status_code == 200
    [again] = await asks(ci, 7, 7)

    assert [bool(one.get("gathered")) for one in (*asked, cy, both, of_other, again)] == [
        False, False, True, False, True, False, False,
    ]  # fmt: skip
    assert ("Bo Berg" in both["gathered"], "Cy Cole" in both["gathered"]) == (True, False)


async def wants(client: AsyncClient, first: int, last: int, policy: str = "production") -> list[dict[str, Any]]:
    """Ask for numbered approvals, one after the other."""
    wanted = [
        {"title": f"Drop item-{at:02}", "policy": policy, "arguments": {"at": at}} for at in range(first, last + 1)
    ]
    answers = [await client.post("/v1/requests", json=one) for one in wanted]
    assert {answer.status_code for answer in answers} == {201}, answers[-1].text
    return [answer.json() for answer in answers]


async def wanter(api: Api) -> AsyncClient:
    return await api.client(
        None, "ask", service="ci", acts_for=["anna"], asks=["policy:production", "policy:pair"], holders=["anna"]
    )


@opens(REMINDED)
async def test_reminders_of_what_a_mail_lists_are_one_mail_in_five_minutes_and_who_is_asked_later_gets_a_list_as_well(
    world: World, api: Api
) -> None:
    await wants(await wanter(api), 1, 5)
    await listed_twice(world)
    await world.quiet()
    before = len(world.mails("bo"))
    assert before == 3

    await world.move_time(1600)
    await until(lambda: len(world.mails("bo")) >= before + 2, what="Bo is reminded of the card and of the list")
    await world.move_time(301)  # a reminder that came due as the list was on its way waits for the next one
    await world.quiet()
    reminded = [numbers(one.text) for one in world.mails("bo")[before:]]
    assert len(reminded) in {2, 3}
    assert {*map(tuple, reminded)} == {(), ("02", "03", "04", "05")}

    await world.move_time(1900)
    await until(lambda: lists(world, "dan"), what="Dan gets a list")
    await world.move_time(301)
    await until(lambda: len(numbers(lists(world, "dan")[-1])) == 4, what="Dan gets all that he has no card of")
    await world.quiet()
    assert len(world.mails("dan")) in {2, 3}


@opens(ALONE)
async def test_attack_who_approved_what_a_list_names_or_no_list_has_named_yet_never_hears_what_came_of_it(
    world: World, api: Api
) -> None:
    ci = await wanter(api)
    asked = await wants(ci, 1, 5)
    await listed(world)
    for one in asked[1:4]:
        await votes(api, "bo", one)
        await fails(world, ci, one)
    await votes(api, "bo", asked[4])
    await votes(api, "cy", asked[4], "deny")
    await world.ended(asked[4]["run_id"])

    await world.move_time(301)
    await world.quiet()

    assert told_of(world, asked[1])["bo"] == 1
    assert [told_of(world, one) for one in asked[2:4]] == [{"anna": 1, "bo": 1, "cy": 0}] * 2
    [letter] = [one for one in world.mails("bo") if "item-05" in one.text]
    assert "Cy Cole took it back" in letter.text


@opens(ALONE)
async def test_where_a_list_comes_back_the_asker_hears_of_each_request_in_it_that_it_did_not_arrive(
    world: World, api: Api
) -> None:
    asked = await asks(await asker(api), 1, 4)
    last = (await listed_twice(world))[-1]
    await world.quiet()

    [*_, letter] = [one for one in world.mails("bo") if one.text == last]
    await bounce(world, letter)
    await handled(world)

    back = [await failures(world, one["run_id"]) for one in asked]
    assert back == [[], *[[("bo", "email")]] * 3]


@pytest.mark.long
@opens(ALONE)
async def test_what_is_rebuilt_from_the_events_knows_what_stands_in_a_list(world: World, api: Api) -> None:
    [_, second] = await asks(await asker(api), 1, 2)
    await world.quiet()

    [holder] = (await world.request(second["id"])).holders
    kept = await world.app.store.delivery(holder.delivery_id)
    [(_, anew)] = placed(await world.events(second["run_id"]))

    found = [Delivery.model_validate_json(body) for body in (kept or b"", anew)]
    assert [one.together != "" for one in found] == [True, True]
    assert found[0].model_copy(update={"delivery": None}) == found[1].model_copy(update={"delivery": None})


@opens(ALONE)
async def test_attack_who_votes_before_a_list_names_it_gets_a_card_of_each_as_soon_as_the_next_one_may_come(
    world: World, api: Api
) -> None:
    asked = await wants(await wanter(api), 1, 6, "pair")
    await listed(world)
    for one in asked[2:]:
        await votes(api, "bo", one)

    await world.move_time(301)
    await until(lambda: len(lists(world, "cy")) == 2, what="Cy, who has not voted, gets the next list")
    await world.quiet()

    assert len(world.mails("bo")) == 2, "one card, and the first list"


@opens(ALONE)
@pytest.mark.parametrize("is_listed", few_of([True, False], 0))
async def test_attack_a_denial_in_answer_to_the_news_of_what_a_list_names_or_would_have_is_not_accepted_and_it_begins(
    world: World, api: Api, *, is_listed: bool
) -> None:
    ci = await wanter(api)
    asked = (await wants(ci, 1, 3, "pair"))[1:]
    await (listed_twice(world) if is_listed else listed(world))
    for person, one in ((person, one) for person in ("bo", "cy") for one in asked):
        await votes(api, person, one)
    if not is_listed:
        await world.move_time(301)
        await world.quiet()
    news = [await world.next_mail("bo", about=f"Closed: The program ci asks: “Drop item-0{at}”") for at in (2, 3)]

    for letter, word in zip(news, ("deny: the disk is in use", "stop"), strict=True):
        await world.reply("bo", letter, word)

    for one in asked:
        await world.ended(one["run_id"])
        assert (await world.request(one["id"])).state == "revoked"
        assert (await ci.post(f"/v1/requests/{one['id']}/start", json={"attempt": "a"})).status_code == 409


@opens(f'{ALONE}\n[retention]\nfinished_after = "1d"\n')
async def test_attack_who_decided_long_ago_what_a_list_named_is_never_asked_again_once_that_has_left_the_archive(
    world: World, api: Api
) -> None:
    ci = await wanter(api)
    asked = await wants(ci, 1, 3)
    await listed_twice(world)
    for one in asked:
        await votes(api, "bo", one, "deny")
        await world.ended(one["run_id"])
    await world.move_time(301)
    await world.quiet()
    await world.move_time(2 * 86_400)
    assert await world.retention() == 3
    shutil.rmtree(world.folder / "archive")
    before = len(lists(world))

    await wants(ci, 4, 5)

    await until(lambda: len(lists(world)) > before, what="Bo is asked")
    assert numbers(lists(world)[-1]) == ["05"]


@opens(ALONE)
async def test_attack_who_is_back_is_never_asked_what_would_have_come_with_a_list_while_they_were_not_here(
    world: World, api: Api
) -> None:
    *_, last = await asks(await asker(api), 1, 3, "group:release")
    await listed(world)
    assert not [one for one in lists(world) if "03" in numbers(one)]

    await becomes(world, without(ALONE, "bo"))
    await world.move_time(301)
    await until(world.dead, what="nobody takes what was to be listed")
    await becomes(world, ALONE)
    await world.move_time(301)

    assert "bo" in who_of(await world.request(last["id"])).approve
    await until(lambda: [one for one in lists(world) if "03" in numbers(one)], what="Bo is asked")

"""A program that asks one person very often: ten cards, and beyond them one mail, at most every five minutes."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient

from bot.queries.rebuild import placed
from bot.store.outbox_entry import Delivery
from tests.bot.backup.putting_back import backed_up, restored
from tests.bot.bounces import bounce, failures, handled
from tests.kit.office import TOML
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.web import Api, serving

PUBLIC = "https://sayso.corp.example"
PEOPLE = ("anna", "bo", "cy")


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(redis, tmp_path / "data", f'public_url = "{PUBLIC}"\n{TOML}') as world:
        yield world


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


async def test_thirty_asks_in_a_row_are_ten_mails_and_one_every_five_minutes_that_lists_the_rest(office: World) -> None:
    async with serving(office.app) as api:
        ci, bo = await asker(api), await api.client("bo")
        asked = await asks(ci, 1, 30)

        first = await until(lambda: lists(office), what="a list comes")
        assert len(office.mails("bo")) == 11
        assert numbers(first[0])[0] == "11"
        assert f"{PUBLIC}/" in first[0]
        assert [("one message with others" in one.get("gathered", "")) for one in asked] == [False] * 10 + [True] * 20
        assert "Bo Berg" in asked[-1]["gathered"]

        await ci.post(f"/v1/requests/{asked[11]['id']}/withdraw", json={})
        assert (await bo.post(f"/v1/requests/{asked[12]['id']}/answer", json={"text": "yes"})).status_code == 200
        [listing] = [one for one in office.mails("bo") if one.text == first[0]]
        await office.post("bo", listing.reply_to or "sayso@sayso.example", "yes", about=f"Re: {listing.subject}")
        await office.move_time(200)
        assert len(lists(office)) == 1
        await office.move_time(101)

        _, second = await until(
            lambda: lists(office)[:2] if len(lists(office)) > 1 else None, what="the next list comes"
        )
        await office.quiet()
        assert len(lists(office)) == 2
        assert numbers(second) == [f"{number:02}" for number in (11, *range(14, 28))]
        assert "and 3 more" in second
        assert {(await office.request(asked[at]["id"])).state for at in (0, 10, 13, 29)} == {"open"}


async def test_attack_an_answer_to_a_list_is_told_to_reply_to_a_message_that_there_is_not(office: World) -> None:
    async with serving(office.app) as api:
        asked = await asks(await asker(api), 1, 12)
        await until(lambda: lists(office), what="a list comes")
        [listing] = [one for one in office.mails("bo") if one.text == lists(office)[0]]

        await office.post("bo", listing.reply_to or "sayso@sayso.example", "no", about=f"Re: {listing.subject}")

        told = (await office.next_mail("bo", about="was not accepted")).text
    lines = {one["id"]: line for one in asked for line in told.splitlines() if one["id"] in line}
    assert asked[-1]["id"] in lines
    for one in asked:
        if one["id"] in lines:
            assert ("reply to the message that asks it" in lines[one["id"]]) != (
                "gathered" in one and bool(one["gathered"])
            )


async def test_where_nobody_reaches_the_console_each_has_a_card(office: World) -> None:
    office.toml = TOML.replace('triggers_per_person = "1000/h"', 'triggers_per_person = "1000/h"\ncards_per_person = 1')
    async with office.stopped():
        pass
    async with serving(office.app) as api:
        asked = await asks(await asker(api), 1, 3)
    await office.quiet()

    assert [one["gathered"] for one in asked] == [""] * 3
    assert len(office.mails("bo")) == 3


async def test_what_a_policy_calls_urgent_has_a_card_and_what_a_program_calls_so_has_none(
    redis: str, tmp_path: Path
) -> None:
    toml = ALONE.replace("[policies.production]\n", '[policies.production]\nurgency = "high"\n').replace(
        "[policies.pair]\n", '[policies.pair]\nanswer_from = ["email", "api"]\n'
    )
    glass = (
        f'{toml}\n[policies.glass]\napprovers = ["group:release"]\nexpires_after = "4h"\nbreak_glass = ["person:cy"]\n'
    )
    async with a_world(redis, tmp_path / "data", glass) as world, serving(world.app) as api:
        policies = ("production", "pair", "glass")
        wanter = await api.client(
            None, "ask", service="ci", acts_for=["anna"], holders=["anna"],
            asks=["person:bo", *(f"policy:{one}" for one in policies)],
        )  # fmt: skip
        own = [await wants(wanter, 1, 3, policy) for policy in policies]
        called_so = await asks(wanter, 1, 2, urgency="high")

    assert [[one["gathered"] for one in of_policy] for of_policy in own] == [[""] * 3] * 3
    assert [bool(one.get("gathered")) for one in called_so] == [False, True]


async def test_attack_what_expires_before_the_next_list_may_come_is_never_told_to_whoever_is_asked(
    redis: str, tmp_path: Path
) -> None:
    """A policy says how long people have; that a question is short are the program's own words."""
    brief = ALONE.replace('expires_after = "4h"\nexecute_within', 'expires_after = "4m"\nexecute_within')
    async with a_world(redis, tmp_path / "data", brief) as world, serving(world.app) as api:
        ci, other = await wanter(api), await asker(api)
        approvals = await wants(ci, 1, 3)
        questions = await asks(other, 4, 6, expires_after_s=240)

        await until(lambda: [1 for one in world.mails("bo") if "item-03" in one.text], what="Bo is asked")

    assert [bool(one.get("gathered")) for one in approvals] == [False] * 3
    assert ["every five minutes" in one.get("gathered", "") for one in questions] == [False, True, True]


async def test_as_soon_as_a_card_is_closed_the_next_one_is_a_card_again_and_others_have_their_own_room(
    office: World,
) -> None:
    office.toml = office.toml.replace("[limits]\n", "[limits]\ncards_per_person = 2\n")
    async with office.stopped():
        pass
    async with serving(office.app) as api:
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


ALONE = f'public_url = "{PUBLIC}"\n{TOML}'.replace("[limits]\n", "[limits]\ncards_per_person = 1\n")
REMINDED = ALONE.replace(
    "[policies.production]\n",
    '[policies.production]\nremind_after = ["30m"]\nescalate_after = "1h"\nescalate_to = ["person:dan"]\n',
)


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


async def test_all_reminders_of_what_a_mail_lists_are_one_mail_and_who_is_asked_later_gets_a_list_as_well(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", REMINDED) as world, serving(world.app) as api:
        await wants(await wanter(api), 1, 5)
        await until(lambda: lists(world), what="a list comes")
        await world.move_time(301)
        await until(lambda: len(lists(world)) == 2, what="the next one comes")
        await world.quiet()
        before = len(world.mails("bo"))
        assert before == 3

        await world.move_time(1600)
        await world.quiet()
        reminded = world.mails("bo")[before:]
        assert sorted(numbers(one.text) for one in reminded) == [[], ["02", "03", "04", "05"]]

        await world.move_time(1900)
        await until(lambda: lists(world, "dan"), what="Dan gets a list")
        await world.move_time(301)
        await until(lambda: len(numbers(lists(world, "dan")[-1])) == 4, what="Dan gets all that he has no card of")
        await world.quiet()
        assert len(world.mails("dan")) in {2, 3}


async def test_who_got_a_list_by_mail_hears_in_the_next_one_what_others_decided(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", ALONE) as world, serving(world.app) as api:
        asked = await wants(await wanter(api), 1, 3)
        await until(lambda: lists(world), what="a list comes")
        await world.move_time(301)
        await until(lambda: len(lists(world)) == 2, what="the next one comes")

        vote = {"vote": "approve", "digest": asked[1]["digest"]}
        told = await (await api.client("cy")).post(f"/v1/requests/{asked[1]['id']}/answer", json=vote)
        assert told.status_code == 200
        await world.move_time(301)

        await until(lambda: len(lists(world)) == 3, what="Bo hears of it")
        assert numbers(lists(world)[-1]) == ["03"]
        assert "· approved: The program ci asks: “Drop item-02”?" in lists(world)[-1]


async def listed_twice(world: World, ci: AsyncClient) -> list[dict[str, Any]]:
    """Three requests, once two mails have listed them."""
    asked = await wants(ci, 1, 3)
    await until(lambda: lists(world), what="a list comes")
    await world.move_time(301)
    await until(lambda: len(lists(world)) == 2, what="the next one comes")
    return asked


async def test_who_approved_what_a_mail_lists_hears_what_came_of_it(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", ALONE) as world, serving(world.app) as api:
        ci, bo = await wanter(api), await api.client("bo")
        asked = await listed_twice(world, ci)
        for one in asked:
            vote = {"vote": "approve", "digest": one["digest"]}
            assert (await bo.post(f"/v1/requests/{one['id']}/answer", json=vote)).status_code == 200
            assert (await ci.post(f"/v1/requests/{one['id']}/start", json={"attempt": "a"})).status_code == 200
            end = {"attempt": "a", "ok": False, "summary": f"the disk of {one['id']} is full"}
            assert (await ci.post(f"/v1/requests/{one['id']}/finish", json=end)).status_code == 200
            await world.ended(one["run_id"])

        for one in asked:
            said = f"the disk of {one['id']} is full"
            await until(lambda said=said: [1 for letter in world.mails("bo") if said in letter.text], what=said)


async def test_where_a_list_comes_back_the_asker_hears_of_each_request_in_it_that_it_did_not_arrive(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", ALONE) as world, serving(world.app) as api:
        asked = await asks(await asker(api), 1, 4)
        await until(lambda: lists(world), what="a list comes")
        await world.move_time(301)
        await until(lambda: len(lists(world)) == 2, what="the next one comes")
        await world.quiet()

        [*_, letter] = [one for one in world.mails("bo") if one.text == lists(world)[-1]]
        await bounce(world, letter)
        await handled(world)

        back = [await failures(world, one["run_id"]) for one in asked]
        assert back == [[], *[[("bo", "email")]] * 3]


async def test_what_is_rebuilt_from_the_events_knows_what_stands_in_a_list(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", ALONE) as world, serving(world.app) as api:
        [_, listed] = await asks(await asker(api), 1, 2)
        await world.quiet()

        [holder] = (await world.request(listed["id"])).holders
        kept = await world.app.store.delivery(holder.delivery_id)
        [(_, anew)] = placed(await world.events(listed["run_id"]))

        found = [Delivery.model_validate_json(body) for body in (kept or b"", anew)]
        assert [one.together != "" for one in found] == [True, True]
        assert found[0].model_copy(update={"delivery": None}) == found[1].model_copy(update={"delivery": None})


async def test_attack_who_votes_before_a_list_names_it_gets_a_card_of_each_as_soon_as_the_next_one_may_come(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", ALONE) as world, serving(world.app) as api:
        asked, bo = await wants(await wanter(api), 1, 6, "pair"), await api.client("bo")
        await until(lambda: lists(world), what="a list comes")
        for one in asked[2:]:
            vote = {"vote": "approve", "digest": one["digest"]}
            assert (await bo.post(f"/v1/requests/{one['id']}/answer", json=vote)).status_code == 200

        await world.move_time(301)
        await until(lambda: len(lists(world, "cy")) == 2, what="Cy, who has not voted, gets the next list")
        await world.quiet()

        assert len(world.mails("bo")) == 2, "one card, and the first list"


async def test_attack_who_approves_what_no_list_has_named_yet_never_hears_what_came_of_it(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", ALONE) as world, serving(world.app) as api:
        ci, bo = await wanter(api), await api.client("bo")
        asked = await wants(ci, 1, 4)
        await until(lambda: lists(world), what="a list comes")
        for one in asked[2:]:
            vote = {"vote": "approve", "digest": one["digest"]}
            assert (await bo.post(f"/v1/requests/{one['id']}/answer", json=vote)).status_code == 200
            assert (await ci.post(f"/v1/requests/{one['id']}/start", json={"attempt": "a"})).status_code == 200
            end = {"attempt": "a", "ok": False, "summary": f"the disk of {one['id']} is full"}
            assert (await ci.post(f"/v1/requests/{one['id']}/finish", json=end)).status_code == 200
            await world.ended(one["run_id"])

        await world.move_time(301)
        await world.quiet()

        for one in asked[2:]:
            said = f"the disk of {one['id']} is full"
            told = {person: [letter for letter in world.mails(person) if said in letter.text] for person in PEOPLE}
            assert {person: len(letters) for person, letters in told.items()} == {"anna": 1, "bo": 1, "cy": 0}


async def test_attack_who_approved_what_no_list_has_named_yet_never_hears_that_somebody_took_it_back(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", ALONE) as world, serving(world.app) as api:
        asked = await wants(await wanter(api), 1, 3)
        await until(lambda: lists(world), what="a list comes")
        for person, word in (("bo", "approve"), ("cy", "deny")):
            vote = {"vote": word, "digest": asked[2]["digest"]}
            answer = await (await api.client(person)).post(f"/v1/requests/{asked[2]['id']}/answer", json=vote)
            assert answer.status_code == 200, answer.text
        await world.ended(asked[2]["run_id"])

        await world.move_time(301)
        await world.quiet()

        [letter] = [one for one in world.mails("bo") if "item-03" in one.text]
        assert "Taken back by Cy Cole before it started." in letter.text


LATER = ALONE.replace(
    '[policies.production]\napprovers = ["group:release"]\n',
    '[policies.production]\napprovers = ["person:cy"]\nescalate_after = "1h"\nescalate_to = ["person:bo"]\n',
)


async def test_attack_who_approved_it_before_a_restore_never_hears_what_came_of_it_if_a_list_names_it_again(
    redis: str, tmp_path: Path
) -> None:
    question: dict[str, Any] = {"question": "May item-00 go?", "to": ["person:bo"], "expires_after_s": 86_400}
    asks_for = ("policy:production", "person:bo")
    async with a_world(redis, tmp_path / "data", LATER) as world:
        async with serving(world.app) as api:
            _, key = await api.key(None, "ask", service="ci", acts_for=["anna"], asks=asks_for, holders=["anna"])
            ci, bo = api.with_key(key), await api.client("bo")
            await ci.post("/v1/requests", json=question)
            [asked] = await wants(ci, 1, 1)
            await world.move_time(3601)
            await until(lambda: lists(world), what="Bo is asked as well")
            vote = {"vote": "approve", "digest": asked["digest"]}
            assert (await bo.post(f"/v1/requests/{asked['id']}/answer", json=vote)).status_code == 200
            await world.quiet()
        await restored(world, await backed_up(world), keeps_keys=True)
        async with serving(world.app) as api:
            ci, anna, cy = api.with_key(key), await api.client("anna"), await api.client("cy")
            await ci.post("/v1/requests", json=question)
            await anna.post(f"/v1/runs/{asked['run_id']}/resume", json={})
            anew = (await world.opened(asked["run_id"], after=asked["id"])).request
            await world.move_time(3601)
            await until(lambda: len(lists(world)) == 2, what="Bo is asked again")
            await world.quiet()

            vote = {"vote": "approve", "digest": anew.digest}
            assert (await cy.post(f"/v1/requests/{anew.id}/answer", json=vote)).status_code == 200
            assert (await ci.post(f"/v1/requests/{anew.id}/start", json={"attempt": "a"})).status_code == 200
            end = {"attempt": "a", "ok": False, "summary": "the disk is full"}
            assert (await ci.post(f"/v1/requests/{anew.id}/finish", json=end)).status_code == 200
            await world.ended(asked["run_id"])
            await world.move_time(301)
            await world.quiet()

            told = {one: [letter for letter in world.mails(one) if "the disk is full" in letter.text] for one in PEOPLE}
            assert {one: len(letters) for one, letters in told.items()} == {"anna": 1, "bo": 1, "cy": 1}


@pytest.mark.parametrize("is_listed", [True, False])
async def test_attack_a_denial_in_answer_to_the_news_of_what_a_list_names_or_would_have_is_not_accepted_and_it_begins(
    redis: str, tmp_path: Path, *, is_listed: bool
) -> None:
    async with a_world(redis, tmp_path / "data", ALONE) as world, serving(world.app) as api:
        ci = await wanter(api)
        asked = (await wants(ci, 1, 3, "pair"))[1:]
        await until(lambda: lists(world), what="a list comes")
        if is_listed:
            await world.move_time(301)
            await until(lambda: len(lists(world)) == 2, what="the next one comes")
        for person, one in ((person, one) for person in ("bo", "cy") for one in asked):
            vote = {"vote": "approve", "digest": one["digest"]}
            answer = await (await api.client(person)).post(f"/v1/requests/{one['id']}/answer", json=vote)
            assert answer.status_code == 200, answer.text
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


async def test_attack_who_decided_long_ago_what_a_list_named_is_never_asked_again_once_that_has_left_the_archive(
    redis: str, tmp_path: Path
) -> None:
    toml = f'{ALONE}\n[retention]\nfinished_after = "1d"\n'
    async with a_world(redis, tmp_path / "data", toml) as world, serving(world.app) as api:
        ci, bo = await wanter(api), await api.client("bo")
        asked = await listed_twice(world, ci)
        for one in asked:
            vote = {"vote": "deny", "digest": one["digest"]}
            assert (await bo.post(f"/v1/requests/{one['id']}/answer", json=vote)).status_code == 200
            await world.ended(one["run_id"])
        await world.move_time(301)
        await world.quiet()
        await world.move_time(2 * 86_400)
        assert await world.retention() == 3
        shutil.rmtree(tmp_path / "data" / "archive")
        before = len(lists(world))

        await wants(ci, 4, 5)

        await until(lambda: len(lists(world)) > before, what="Bo is asked")
        assert numbers(lists(world)[-1]) == ["05"]

"""The same again without asking: granted as anything is, used as often as it says, and no more."""

from contextlib import nullcontext, suppress
from zoneinfo import ZoneInfo

import pytest
from pydantic import JsonValue

from agents.requests import PersonId, RunId
from agents.requests.proof import as_by
from agents.standing import AllowAgainArgs, Pattern, facts_of
from bot.audit.reading import Query
from bot.policy.standing import Ended
from bot.render import times
from bot.requests.standing.kept import KeptStandings
from bot.store import Keys, StoreError
from bot.store.outbox_entry import Tell
from bot.testing.events import NOON
from channels.email import cards
from language import dates
from tests.bot.backup.putting_back import backed_up, restored
from tests.bot.cli.shell import sayso
from tests.kit.opens import opens
from tests.kit.tables import becomes
from tests.kit.waiting import until
from tests.kit.world import World, beside_it
from tests.servers.console import a_console
from tests.stories.people.standing import ALLOWED, asked, done_once, granted, is_asked, the_only

pytestmark = opens(ALLOWED)


async def test_what_people_allowed_once_for_three_times_is_not_asked_three_times_and_is_explained(
    world: World,
) -> None:
    standing = await granted(world, await done_once(world), uses=3)
    before = await sayso(world, "policies", "explain", "production", "--as", "anna")
    of_dan = await sayso(world, "policies", "explain", "production", "--as", "dan")
    assert "3 more times until " in before.out
    assert f"by the standing approval {standing.approval.id}" in " ".join(before.out.split())

    for _ in range(3):
        assert not await is_asked(world)

    assert await is_asked(world)
    assert world.workshop.effects == ["press bell"] * 4
    used = await the_only(world)
    assert (len(used.uses), used.approval.granted_by) == (3, ("bo",))
    letters = [letter for letter in world.mails("bo") if standing.approval.id in letter.text]
    assert len(letters) >= 3
    record = await world.request(used.uses[0].request_id)
    assert (record.state, record.votes) == ("approved", ())
    assert record.decision
    assert record.decision.standing
    assert record.decision.standing.id == standing.approval.id
    assert record.request.digest
    await world.app.requests.standing.revoke(standing.approval.id, PersonId("bo"), "", proof=as_by("cli"))
    after = await sayso(world, "policies", "explain", "production", "--as", "anna")
    assert "standing approval" not in of_dan.out + after.out


@pytest.mark.parametrize("looks", ["who ends it once more", "a worker"])
async def test_whom_it_serves_and_who_granted_it_hear_of_its_end_though_whoever_ended_it_died_over_it(
    world: World, looks: str
) -> None:
    standing, cy = (await granted(world, await done_once(world))).approval.id, PersonId("cy")
    async with world.stopped(), beside_it(world):
        ended = Ended(by=cy, at=await world.now())
        await KeptStandings(world.app.store).revoke(standing, ended, is_told=True)
        if looks == "who ends it once more":
            await world.app.requests.standing.revoke(standing, cy, proof=as_by("cli"))
            assert {"anna", "bo"} <= {one.person for one in await world.unsent() if isinstance(one, Tell)}

    for person in ("anna", "bo"):
        told = await world.next_mail(person, about="Revoked: ")
        assert "Cy Cole revoked" in " ".join(told.text.split())


async def test_attack_one_that_ended_and_only_a_newer_release_reads_keeps_a_worker_from_telling_of_the_others(
    world: World,
) -> None:
    standing, home, client = (await granted(world, await done_once(world))).approval.id, Keys(0), world.app.store.client
    newer = f"{standing[:4]}{'a' * len(standing[4:])}"
    async with world.stopped(), beside_it(world):
        await client.do("HSET", home.standing(newer), "body", '{"of": "a newer release"}')
        await client.do("SADD", home.standings_ending, newer)
        ended = Ended(by=PersonId("cy"), at=await world.now())
        await KeptStandings(world.app.store).revoke(standing, ended, is_told=True)

    await world.next_mail("anna", about="Revoked: ")


@pytest.mark.parametrize("now", ["can't be asked for", "can't be read"])
async def test_attack_what_a_revoked_one_allowed_is_not_taken_back_and_people_hear_of_its_end_again_and_again(
    world: World, now: str
) -> None:
    standing, cy = (await granted(world, await done_once(world))).approval.id, PersonId("cy")
    await world.app.requests.freezes.freeze("", PersonId("dan"), "", proof=None)
    waits = await world.trigger("press bell")
    await until(lambda: _uses(world, standing))
    [use] = await _uses(world, standing)
    do, key = world.app.store.client.do, Keys.of(use).request(use)
    await do("COPY", key, f"{key} kept")
    await do("DEL", key)
    await (do("SET", key, "by hand") if now == "can't be asked for" else do("HSET", key, "version", 1, "body", "{"))

    with pytest.raises(StoreError) if now == "can't be asked for" else nullcontext():
        await world.app.requests.standing.revoke(standing, cy, proof=as_by("cli"))
    for _ in range(3):
        with suppress(StoreError):
            await world.app.requests.standing.look()
    await do("COPY", f"{key} kept", key, "REPLACE")
    await do("DEL", f"{key} kept")

    for person in ("anna", "bo"):
        await world.next_mail(person, about="Revoked: ")
    await world.quiet()
    for person in ("anna", "bo"):
        assert len([one for one in world.mails(person) if one.subject.startswith("Revoked: ")]) == 1
    await world.app.requests.freezes.unfreeze("", PersonId("dan"), "", proof=None)
    assert await world.opened(waits), "people are asked"
    assert world.workshop.effects == ["press bell"]


async def _uses(world: World, standing: str) -> list[str]:
    return [one.request_id for one in (await world.app.requests.standing.one(standing)).uses]


async def test_attack_the_log_has_no_word_of_those_that_a_restoration_ended(world: World) -> None:
    standing = await granted(world, await done_once(world))
    await world.quiet()

    await restored(world, await backed_up(world))

    await world.seal()
    [found], _ = await world.app.audit.search(Query(kind="standing_revoked"))
    assert (found["detail"], found["people"], found["outcome"]) == (
        {"standing": standing.approval.id}, ["anna"], "restored",
    )  # fmt: skip


async def test_an_open_argument_may_be_anything_and_the_rest_may_not(world: World) -> None:
    await granted(world, await done_once(world), leave_open=("what",))

    assert not await is_asked(world, "press button")
    assert await is_asked(world, "press bell", person="dan")


@opens(ALLOWED.replace('email = "bo@corp.example"\n', 'email = "bo@corp.example"\ntimezone = "Asia/Tokyo"\n'))
async def test_its_card_says_all_that_would_be_allowed_by_its_readers_clock_quotes_nobody_and_offers_no_change(
    world: World,
) -> None:
    record = await asked(world, await done_once(world), uses=2)
    assert record.request.call
    facts = {fact.label: fact.text for fact in record.request.call.effect.facts}
    until = facts["Until"]
    [(_, moment)] = dates.moments(until)

    card = await world.next_mail("bo", about="without asking")
    shown = await sayso(world, "show", record.request.id)
    async with a_console(world) as console:
        page = await (await console.browser("bo")).get(f"/requests/{record.request.id}")
        own = await (await console.browser("anna")).get(f"/requests/{record.request.id}")

    assert (facts["Allows"], facts["Environment"], facts["With what"]) == ("press", "workshop", "“bell”")
    assert (facts["Uses"], facts["Asked for by"]) == ("2", "Anna Ames")
    assert (record.request.requesters, record.request.policy.name) == (("anna",), "production")
    assert record.request.title in own.words
    assert f"edit-{record.request.id}" not in own.html
    assert f"Until: {cards.moment(moment, 'Asia/Tokyo')}" in card.text
    assert f"Until {times.moment(ZoneInfo('Asia/Tokyo'), moment)}" in page.words
    for text in (card.text, page.words):
        lines = " ".join(text.split())
        assert "wrote" not in lines
        assert "it counts from then on" in lines
    assert times.moment(None, moment) in shown.out
    assert until not in card.text + page.words + shown.out
    assert "wrote" not in shown.out


async def test_wherever_it_is_listed_and_on_the_next_card_it_says_that_its_policy_has_changed(world: World) -> None:
    async with a_console(world) as console:
        standing = await granted(world, await done_once(world), uses=3)
        anna = await console.api.client("anna")
        assert (await anna.get("/v1/standing")).json()["standing"][0]["lapsed"] == ""

        await becomes(world, ALLOWED.replace('execute_within = "15m"', 'execute_within = "20m"', 1))

        why = f"Standing approval {standing.approval.id} counts no longer: its policy has changed"
        page = await (await console.browser("anna")).get("/standing")
        [listed] = (await anna.get("/v1/standing")).json()["standing"]
    await world.send("anna", "sayso@sayso.example", "standing")
    assert why in page.words
    assert (listed["state"], listed["lapsed"]) == ("valid", why)
    assert why in (await sayso(world, "standing", "list", "--as", "anna")).out
    assert why in " ".join((await world.next_mail("anna", "To end it, write: revoke")).text.split())
    assert await is_asked(world)
    assert why in " ".join((await world.next_mail("bo", "Changed since the last card")).text.split())


async def test_the_next_card_says_so_too_where_its_policy_has_another_name_by_now(world: World) -> None:
    standing = await granted(world, await done_once(world), uses=3)
    world.workshop.policy_of["bell"] = "release"

    await becomes(world, ALLOWED.replace("[policies.production]", "[policies.release]", 1))

    record = await world.opened(await world.trigger("press bell"))
    why = f"Standing approval {standing.approval.id} counts no longer: its policy has changed"
    assert record.request.changed == (why,)
    assert why in " ".join((await world.next_mail("bo", record.request.digest)).text.split())


def test_a_card_names_the_environment_once() -> None:
    arguments: dict[str, JsonValue] = {"version": "v1", "environment": "production"}
    pattern = Pattern(
        policy="p", rules="r", tool="deploy", schema_version=1, environment="production", arguments=arguments
    )
    args = AllowAgainArgs(
        title="Deploy v1", run=RunId("r"), person=PersonId("anna"), uses=1, until=NOON, pattern=pattern
    )

    labels = [fact.label for fact in facts_of(args, "Anna Ames")]

    assert labels == ["Allows", "Environment", "With version", "Uses", "Until", "Asked for by"]

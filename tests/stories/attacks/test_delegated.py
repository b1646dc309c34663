"""Handing a request on is no way around its policy: whoever asked, steered, left or handed it on does not approve."""

from pathlib import Path

from bot.policy.judgements import (
    AlreadyDecided,
    ClosedOtherwise,
    Counted,
    Decided,
    Delegated,
    DelegationRefused,
    Judgement,
    NotEntitled,
)
from tests.bot.process.test_reload import without
from tests.kit.world import a_world
from tests.stories.people.test_departures import becomes
from tests.stories.test_absences import away
from tests.stories.test_break_glass import sent_with_two_texts
from tests.stories.test_delegation import SOLO, asked, on_solo


def kind(found: Judgement) -> str:
    return found.kind if isinstance(found, DelegationRefused) else found.type


async def test_the_requester_gets_it_through_nobody_and_it_goes_in_no_circle_and_to_nobody_a_fourth_time(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", SOLO, change=on_solo) as office:
        record = await asked(office)
        for giver, to, became in (
            ("bo", "anna", "requester"),
            ("anna", "dan", "not_asked"),
            ("bo", "cy", "delegated"),
            ("cy", "anna", "requester"),
            ("cy", "bo", "loop"),
            ("cy", "dan", "delegated"),
            ("dan", "eve", "delegated"),
            ("eve", "cy", "loop"),
            ("eve", "fay", "chain"),
        ):
            assert kind(await office.delegate(giver, record, to)) == became, (giver, to)

        assert isinstance(await office.decide("anna", record, "approve"), NotEntitled)
        assert len((await office.request(record.request.id)).request.policy.handed_on) == 3
        assert office.workshop.effects == []


async def test_whoever_steered_the_run_gets_it_through_nobody(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", SOLO, change=on_solo) as office:
        run_id = await office.trigger("ask-of group:release free_text which one?\npress bell")
        question = await office.opened(run_id)
        await office.decide("cy", question, "free_text", "take the bell")
        record = await office.opened(run_id, after=question.request.id)

        assert kind(await office.delegate("bo", record, "cy")) == "took_part"
        assert isinstance(await office.delegate("bo", record, "dan"), Delegated)
        assert kind(await office.delegate("dan", record, "cy")) == "took_part"


async def test_attack_a_mail_whose_two_texts_differ_hands_nothing_on_and_a_name_without_end_is_cut(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", SOLO, change=on_solo) as office:
        record = await asked(office)

        await sent_with_two_texts(office, "delegate: cy@corp.example", "What is that about?")

        assert (await office.request(record.request.id)).request.policy.handed_on == ()
        card = next(one for one in office.mails("bo") if one.reply_to)
        await office.reply("bo", card, f"delegate: {'x' * 20_000}")
        assert max(map(len, (await office.next_mail("bo", about="x" * 20)).text.split())) < 200


async def test_an_address_that_outlook_writes_twice_is_one_to_hand_it_on_to(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", SOLO, change=on_solo) as office:
        record = await asked(office)

        seen = 'delegate: <a href="mailto:cy@corp.example">cy@corp.example</a>'
        await sent_with_two_texts(office, "delegate: cy@corp.example<mailto:cy@corp.example>", seen)
        await office.quiet()

        [given] = (await office.request(record.request.id)).request.policy.handed_on
        assert given.to == "cy"


async def test_nobody_hands_on_what_is_decided_or_has_expired(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", SOLO, change=on_solo) as office:
        record = await asked(office)
        await office.decide("bo", record, "deny")
        assert isinstance(await office.delegate("bo", record, "cy"), AlreadyDecided)

        later = await asked(office)
        await office.move_time(4 * 3600 + 1)

        assert isinstance(await office.delegate("bo", later, "cy"), ClosedOtherwise)
        assert (await office.request(later.request.id)).request.policy.handed_on == ()


async def test_nobody_hands_on_what_they_were_not_asked_or_have_voted_on(redis: str, tmp_path: Path) -> None:
    two = SOLO.replace('["person:bo"]', '["group:release"]\nquorum = 2')

    async with a_world(redis, tmp_path / "data", two, change=on_solo) as office:
        record = await asked(office)
        assert kind(await office.delegate("dan", record, "eve")) == "not_asked"
        assert isinstance(await office.decide("bo", record, "approve"), Counted)

        assert kind(await office.delegate("bo", record, "dan")) == "has_voted"
        assert kind(await office.delegate("cy", record, "bo")) == "deciding"
        assert isinstance(await office.delegate("cy", record, "dan"), Delegated)
        assert isinstance(await office.decide("dan", record, "approve"), Decided)
        await office.ended(record.request.run_id)
        assert office.workshop.effects == ["press bell"]


async def test_the_old_button_of_whoever_handed_it_on_does_not_count_and_their_denial_does_also_after_the_approval(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", SOLO, change=on_solo) as office:
        record = await asked(office)
        card = await office.next_mail("bo", about="Press bell")
        await office.delegate("bo", record, "cy")

        await office.reply("bo", card, "approve")
        told = await office.next_mail("bo", about="About")
        assert "Somebody else decides in your place. Cy Cole may. Your denial would count." in " ".join(
            told.text.split()
        )
        assert (await office.request(record.request.id)).state == "open"
        await office.reply("bo", card, "deny")

        await office.ended(record.request.run_id)
        assert (await office.request(record.request.id)).state == "denied"
        record = await asked(office)
        await office.delegate("bo", record, "cy")
        await office.app.requests.freezes.freeze("", record.request.requesters[0], "wait")
        await office.decide("cy", record, "approve")
        assert (await office.decide("bo", record, "deny")).type == "revoked"
        assert office.workshop.effects == []


async def test_when_they_leave_to_whom_it_was_handed_on_it_is_asked_anew(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", SOLO, change=on_solo) as office:
        record = await asked(office)
        await office.delegate("bo", record, "eve")

        await becomes(office, without(SOLO, "eve").replace(', "person:eve"', ""))

        anew = await office.opened(record.request.run_id, after=record.request.id)
        assert (await office.request(record.request.id)).state == "superseded"
        assert isinstance(await office.decide("bo", record, "approve"), ClosedOtherwise | NotEntitled)
        assert kind(await office.delegate("bo", anew, "eve")) == "left"
        assert isinstance(await office.decide("bo", anew, "approve"), Decided)


async def test_attack_a_mailbox_hands_nothing_on_where_no_mail_approves(redis: str, tmp_path: Path) -> None:
    toml = SOLO[: SOLO.index("[policies.solo]")] + SOLO[SOLO.index("[policies.solo]") :].replace(
        "approve_by_email = true\n", ""
    )
    async with a_world(redis, tmp_path / "data", toml, change=on_solo) as office:
        record = await asked(office)

        await office.reply("bo", await office.next_mail("bo", about="Press bell"), "delegate: cy@corp.example")

        assert "by mail" in (await office.next_mail("bo", about="Press bell")).text
        assert (await office.request(record.request.id)).request.policy.handed_on == ()
        assert isinstance(await office.delegate("bo", record, "cy"), Delegated)


OWN = SOLO.replace(
    "[policies.solo]", "[policies.solo]\nrequester_may_approve = true\neditor_may_approve = true", 1
).replace('"person:anna", ', '"person:anna", "person:gus", ', 1)


async def test_attack_a_requester_takes_a_seat_or_stands_in_and_approves_alone(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", OWN, change=on_solo) as office:
        record = await asked(office)
        assert kind(await office.delegate("bo", record, "anna")) == "requester"

        await away(office, "bo", "anna")

        later = await asked(office)
        for one in (record, later):
            stands = await office.request(one.request.id)
            assert stands.request.policy.handed_on == ()
            assert isinstance(await office.decide("anna", stands, "approve"), NotEntitled)
        assert office.workshop.effects == []

"""An order that only messages give is lost on no page and in no window: its writer reads what came of it."""

import pytest

from bot.requests.tokens import Tokens
from bot.store.ids import new_id, shard_of
from channels import Reply
from tests.bot.cli.shell import sayso
from tests.fakes.hallway import Hallway
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import a_console
from tests.servers.web import serving
from tests.stories.attacks.test_stops_typed_anywhere import asked, state, token_of, types
from tests.stories.people.standing import ALLOWED, done_once, granted
from tests.stories.test_typed_freezes import OPERATOR, frozen

pytestmark = opens(OPERATOR)
SOLO = OPERATOR.replace('["group:release"]', '["person:cy"]\nstand_ins = ["person:dan"]', 1)
BEGINS_NOTHING = "here it did nothing, and no run was started"
DOES_NEITHER = "Your words froze nothing, ended no freeze and revoked no standing approval"
GIVEN_OUT = "s1g-abcdefghijklm"
RUN_OF_NOBODY = "s0r-abcdefghijklm"
ORDERS = (
    "freeze production: incident 4711", "Alarm!\nfreeze everything", "unfreeze production: fixed",
    f"revoke {GIVEN_OUT}", f"Bitte {GIVEN_OUT} zurückziehen", "standing", "standing 5 times until 2027-01-01",
    "away until 2027-12-01: bo@corp.example", "not away",
)  # fmt: skip
ON_A_CARD = ("break glass: checkout is down", "delegate: bo@corp.example")


async def test_attack_an_order_on_the_first_page_in_a_terminal_or_of_a_program_is_a_wish_and_lost(
    world: World,
) -> None:
    async with a_console(world) as console, serving(world.app) as api:
        cy, program = await console.browser("cy"), await api.client("cy", "trigger")
        form = dict((await cy.get("/")).form("/ask").fields)
        for text in (*ORDERS, *ON_A_CARD):
            told = BEGINS_NOTHING if text in ORDERS else "Nothing shows which card it answers"
            assert told in (await cy.post("/ask", form | {"text": text})).text, text
            refused = await program.post("/v1/runs", json={"text": text})
            assert (refused.status_code, told in refused.json()["detail"]) == (422, True), text
    typed = await sayso(world, "trigger", ORDERS[0], "--as", "cy")

    assert (typed.code, BEGINS_NOTHING in " ".join(typed.err.split())) == (1, True)
    assert await world.app.store.lists.runs() == []
    assert await frozen(world) == []
    assert (await sayso(world, "trigger", "freeze all accounts of Bob", "--as", "anna")).code == 0, (
        "she freezes nothing"
    )


async def test_attack_a_freeze_or_a_revocation_beside_an_answer_on_a_page_is_lost_and_its_writer_not_told(
    world: World,
) -> None:
    other = await world.opened(await world.trigger("press horn"))
    record = await world.opened(await world.trigger("press bell"))
    path = f"/requests/{record.request.id}"

    for text in ("freeze production: incident 4711", f"revoke {GIVEN_OUT}"):
        typed = await sayso(world, "answer", record.request.id, text, "--as", "cy")
        assert (typed.code, DOES_NEITHER in " ".join(typed.out.split())) == (1, True), text
    async with serving(world.app) as api:
        refused = await (await api.client("cy", "answer")).post(f"/v1{path}/answer", json={"text": ORDERS[0]})
    async with a_console(world) as console:
        cy = await console.browser("cy")
        form = next(one for one in (await cy.get(path)).forms if "Deny" in [button.text for button in one.buttons])
        page = await cy.submit(form, "Deny", reason=f"the wrong tag\nfreeze production\nstop {other.request.id}")

        many = (await cy.get(f"/requests/deny?pick={other.request.id}")).form("/requests/deny")
        both = await cy.submit(many, many.buttons[0].text, reason="freeze production")

    assert DOES_NEITHER in both.words
    assert f"Of {other.request.id} your message stops nothing" in page.words
    assert DOES_NEITHER in refused.json()["detail"]
    assert DOES_NEITHER in page.words
    assert await state(world, record) == ("denied", []), "the denial counts"
    assert await frozen(world) == []


async def test_attack_a_freeze_as_the_reason_of_a_withdrawal_is_lost_and_its_writer_not_told(world: World) -> None:
    freeze = "freeze production: incident 4711"

    async def asked_by_cy() -> str:
        return (await world.opened(await world.trigger("press bell", "cy"))).request.id

    typed = await sayso(world, "withdraw", await asked_by_cy(), "--reason", freeze, "--as", "cy")
    async with serving(world.app) as api:
        cy = await api.client("cy", "answer", "steer")
        told = (await cy.post(f"/v1/requests/{await asked_by_cy()}/withdraw", json={"reason": freeze})).json()
        quiet = (await cy.post(f"/v1/requests/{await asked_by_cy()}/withdraw", json={"reason": "a typo"})).json()

    assert (typed.code, DOES_NEITHER in " ".join(typed.out.split())) == (0, True)
    assert (told["state"], DOES_NEITHER in told["told"]) == ("withdrawn", True)
    assert (quiet["state"], quiet["told"]) == ("withdrawn", "")
    assert await frozen(world) == []


async def test_attack_a_denial_beside_a_freeze_or_a_revocation_in_a_terminal_is_asked_back(world: World) -> None:
    for text in (
        "freeze everything and deny this",
        f"deny this and revoke {GIVEN_OUT}",
        f"revoke {GIVEN_OUT}; deny this",
        f"deny this. stop {RUN_OF_NOBODY}",
    ):
        record = await world.opened(await world.trigger("press bell"))
        typed = await sayso(world, "answer", record.request.id, text, "--as", "cy")
        told = (
            DOES_NEITHER if GIVEN_OUT in text or "freeze" in text else f"Of {RUN_OF_NOBODY} your message stops nothing"
        )
        assert (typed.code, told in " ".join(typed.out.split())) == (0, True), text
        assert await state(world, record) == ("denied", []), text


async def denies_in_a_window(world: World, hallway: Hallway, person: str, reason: str) -> None:
    denial = Reply(person=person, token=await token_of(hallway, person), said="deny", text="deny", reason=reason)
    await types(world, hallway, denial.model_copy(update={"is_typed": True}))


@opens(OPERATOR, beside=("hallway",), reach=("slack", "email"))
@pytest.mark.parametrize("reason", ["freeze production: incident 4711", "the wrong tag\nfreeze production"])
async def test_attack_a_freeze_in_the_window_of_a_denial_is_lost(world: World, hallway: Hallway, reason: str) -> None:
    record = await asked(world, hallway, "press button")

    await denies_in_a_window(world, hallway, "cy", reason)

    assert await state(world, record) == ("denied", [])
    decision = (await world.request(record.request.id)).decision
    assert decision
    assert decision.reason == reason
    assert [where for where, *_ in await frozen(world)] == ["production"]
    assert hallway.to("cy", "Frozen since")


@opens(OPERATOR, beside=("hallway",), reach=("slack", "email"))
async def test_attack_a_freeze_in_the_window_of_a_denial_whose_card_is_gone_is_lost(
    world: World, hallway: Hallway
) -> None:
    record = await asked(world, hallway, "press button")
    gone = Tokens(world.app.data_dir.keys(world.app.settings)).make(new_id("delivery", shard_of(record.request.id)))
    denial = Reply(person="cy", token=gone, said="deny", text="deny", reason="freeze production: incident 4711")

    await types(world, hallway, denial.model_copy(update={"is_typed": True}))

    assert await state(world, record) == ("open", [])
    assert [where for where, *_ in await frozen(world)] == ["production"]
    assert hallway.to("cy", "Frozen since")
    assert hallway.to("cy", "The rest of your message did nothing"), "nor does the denial"


@opens(ALLOWED, beside=("hallway",), reach=("slack", "email"))
async def test_attack_a_stop_of_another_run_or_a_revocation_in_the_window_of_a_denial_is_lost(
    world: World, hallway: Hallway
) -> None:
    kept = await granted(world, await done_once(world, "press horn"))
    other = await world.opened(await world.trigger("press gong"))
    await until(lambda: hallway.to("bo", "Press gong?"), what="Bo has that card")
    record = await asked(world, hallway, "press button")

    reason = f"the wrong tag\nstop {other.request.id}\nrevoke {kept.approval.id}"
    await denies_in_a_window(world, hallway, "bo", reason)

    assert await state(world, record) == ("denied", ["press horn"])
    assert (await world.request(other.request.id)).state == "denied"
    [standing] = await world.app.requests.standing.all()
    assert standing.revoked


@opens(OPERATOR, beside=("hallway",), reach=("slack", "email"))
@pytest.mark.parametrize("named", ["stop", "revoke"])
async def test_attack_a_denial_is_lost_over_an_order_in_its_window_that_can_not_be_done(
    world: World, hallway: Hallway, named: str
) -> None:
    record = await asked(world, hallway, "press button")

    reason = f"the wrong tag\n{named} {RUN_OF_NOBODY if named == 'stop' else GIVEN_OUT}"
    await denies_in_a_window(world, hallway, "bo", reason)

    assert await state(world, record) == ("denied", [])
    assert hallway.to("bo", "There is no ")


@opens(SOLO, beside=("hallway",), reach=("slack", "email"))
async def test_attack_the_reason_of_a_hand_on_is_done_as_an_order_in_place_of_it(
    world: World, hallway: Hallway
) -> None:
    other = await world.opened(await world.trigger("press horn"))
    await until(lambda: hallway.to("cy", "Press horn?"), what="Cy has that card")
    for reason, told in (
        ("away until 2027-12-01", ""),
        ("not away", ""),
        ("standing", ""),
        (f"stop {other.request.run_id}", ""),
        (f"stop {RUN_OF_NOBODY}", "There is no run"),
        ("freeze production: incident 4711", "Frozen since"),
    ):
        record = await asked(world, hallway, "press button", thread=reason)
        hand_on = Reply(person="cy", token=await token_of(hallway, "cy"), said="hand_on", text=reason)
        await types(world, hallway, hand_on.model_copy(update={"filled": {"to": "dan"}}))
        await world.quiet()

        assert (await world.request(record.request.id)).asked.givers == ("cy",), reason
        assert bool(hallway.to("cy", told)), reason
    assert not await world.app.requests.absences.all()
    assert (await world.request(other.request.id)).state == "denied"
    assert [where for where, *_ in await frozen(world)] == ["production"]


@opens(
    OPERATOR.replace("expires_after", 'break_glass = ["person:cy"]\nexpires_after', 1),
    beside=("hallway",),
    reach=("slack", "email"),
)
async def test_attack_a_freeze_in_the_window_that_breaks_the_glass_is_lost(world: World, hallway: Hallway) -> None:
    record = await asked(world, hallway, "press button")
    reason = "checkout is down, nobody can pay\nfreeze production"
    broken = Reply(person="cy", token=await token_of(hallway, "cy"), said="break_glass", text=reason, reason=reason)
    await types(world, hallway, broken.model_copy(update={"is_typed": True}))

    assert await state(world, record) == ("approved", ["press button"])
    assert [where for where, *_ in await frozen(world)] == ["production"]
    assert hallway.to("cy", "Frozen since")


@opens(beside=("hallway",), reach=("slack", "email"))
async def test_attack_a_stop_in_a_field_of_a_form_is_done_and_the_answer_is_lost(
    world: World, hallway: Hallway
) -> None:
    other = await world.opened(await world.trigger("press horn"))
    stop = f"stop {other.request.run_id}"
    record = await asked(world, hallway, "ask form What is next? | what, note")
    answer = Reply(
        person="anna", token=await token_of(hallway, "anna"), said="free_text", text=f"what: x\nnote: {stop}"
    )
    await types(world, hallway, answer.model_copy(update={"filled": {"what": "x", "note": stop}}))
    assert await state(world, record) == ("answered", [])
    assert (await world.run(other.request.run_id)).ended

    other = await world.opened(await world.trigger("press horn"))
    filled = {"what": "x", "note": f"stop {other.request.run_id}"}
    told = f"Of {other.request.run_id} your message stops nothing"
    async with a_console(world) as console:
        anna, program = await console.browser("anna"), await console.api.client("anna")
        first, second = [await world.opened(await world.trigger("ask form What is next? | what, note")) for _ in "12"]
        path = f"/requests/{first.request.id}"
        page = await anna.submit(
            (await anna.get(path)).form(f"{path}/answer"), "", (), **{"field-1": "x", "field-2": filled["note"]}
        )
        said = await program.post(f"/v1/requests/{second.request.id}/answer", json={"form": filled})

    assert told in page.words
    assert (said.status_code, told in said.json()["told"]) == (200, True)
    for one in (first, second):
        decision = (await world.request(one.request.id)).decision
        assert decision
        assert decision.given
        assert decision.given.form == filled
    assert not (await world.run(other.request.run_id)).ended


@opens(SOLO)
async def test_attack_a_freeze_beside_a_hand_on_is_lost_and_its_writer_not_told(world: World) -> None:
    first, second = [await world.opened(await world.trigger("press bell")) for _ in "12"]
    path, reason = f"/requests/{first.request.id}/hand-on", "freeze production: incident 4711"

    async with a_console(world) as console:
        cy, program = await console.browser("cy"), await console.api.client("cy")
        page = await cy.submit((await cy.get(path)).form(path), to="dan", reason=reason)
        body = {"to": "dan", "reason": reason}
        told = (await program.post(f"/v1/requests/{second.request.id}/delegate", json=body)).json()["told"]

    assert [DOES_NEITHER in said for said in (page.words, told)] == [True, True]
    assert [(await world.request(one.request.id)).asked.givers for one in (first, second)] == [("cy",), ("cy",)]


@opens(beside=("hallway",), reach=("slack", "email"))
@pytest.mark.parametrize("by", ["request", "run"])
async def test_attack_a_denial_whose_reason_names_what_it_denies_is_told_to_change_nothing(
    world: World, hallway: Hallway, by: str
) -> None:
    record = await asked(world, hallway, "press button")

    reason = f"the wrong tag\nstop {record.request.id if by == 'request' else record.request.run_id}"
    await denies_in_a_window(world, hallway, "bo", reason)

    assert await state(world, record) == ("denied", [])
    decision = (await world.request(record.request.id)).decision
    assert decision
    assert (decision.by, decision.reason) == (("bo",), reason)
    assert hallway.to("bo", "changes nothing") == []


@opens(beside=("hallway",), reach=("slack", "email"))
async def test_attack_a_denial_of_what_is_approved_that_names_it_is_told_that_it_was_over(
    world: World, hallway: Hallway
) -> None:
    record = await asked(world, hallway, "press button")
    await world.steer(record.request.run_id, "pause")
    await world.decide("cy", record, "approve")

    reason = f"the wrong tag\nstop {record.request.run_id}"
    await denies_in_a_window(world, hallway, "bo", reason)

    assert await state(world, record) == ("revoked", [])
    assert hallway.to("bo", "nothing to answer any more") == []

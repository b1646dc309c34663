"""A card has the buttons that count for who looks, and what is sent without them is judged all the same."""

from collections.abc import Sequence

from tests.bot.web.console.stage import answer, asked, buttons, decision, place, proof
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import Console, sent
from tests.servers.web import serving

ONLY_BY_MAIL = """
[policies.mail]
approvers = ["group:release"]
answer_from = ["email"]
approve_by_email = true
expires_after = "4h"
"""


async def test_until_the_start_an_approval_can_be_taken_back(world: World, console: Console) -> None:
    record, bo, cy = await asked(world), await console.browser("bo"), await console.browser("cy")
    old = (await cy.get(place(record))).form(f"{place(record)}/answer")
    await world.steer(record.request.run_id, "pause")
    approved = await answer(bo, record, "Approve")
    assert buttons(approved) == {"Stop: take the approval back"}
    run = await bo.get(f"/runs/{record.request.run_id}")
    assert "Stop: take the approval back" in buttons(run)

    after = await cy.submit(old, "Deny", reason="no!")

    assert (await world.request(record.request.id)).state == "revoked"
    assert in_order(after.words, ["Stopped: Press it", "Cy Cole took it back "])
    assert buttons(after) == set()
    await world.steer(record.request.run_id, "resume")
    await world.ended(record.request.run_id)
    assert world.workshop.effects == []


async def test_who_may_not_decide_has_no_buttons_and_a_made_up_form_does_not_count(
    world: World, console: Console
) -> None:
    record, bo, anna = await asked(world), await console.browser("bo"), await console.browser("anna")
    _, fields = sent((await bo.get(place(record))).form(f"{place(record)}/answer"), "Approve")
    for person, one in (("dan", await console.browser("dan")), ("anna", anna)):
        page = await one.get(place(record))
        assert buttons(page) == ({"Withdraw what you asked for"} if person == "anna" else set())
        assert "Bo Berg and Cy Cole may decide." in page.words
        for vote in ("approve", "free_text", *(() if person == "anna" else ("deny",))):
            answered = await one.post(f"{place(record)}/answer", dict(fields) | await proof(one) | {"vote": vote})
            assert "not yours to decide" in (await one.get(answered.headers["location"])).words
        assert (await world.request(record.request.id)).state == "open"
        assert "answered in the console, not counted" in (await one.get(f"/runs/{record.request.run_id}")).words
    denied = await anna.post(f"{place(record)}/answer", dict(fields) | await proof(anna) | {"vote": "deny"})
    assert "Withdrawn by Anna Ames" in (await anna.get(denied.headers["location"])).words
    assert (await world.request(record.request.id)).state == "withdrawn"


@opens(TOML + ONLY_BY_MAIL)
async def test_where_the_console_is_no_way_to_approve_a_denial_counts_all_the_same(
    world: World, console: Console
) -> None:
    world.workshop.policy_of["it"] = "mail"
    record, bo = await asked(world), await console.browser("bo")
    page = await bo.get(place(record))
    assert buttons(page) == {"Ask Anna Ames", "Deny"}
    assert "An approval does not count here" in page.words
    path, fields = sent(page.form(f"{place(record)}/answer"), "Deny")

    forged = await bo.post(path, dict(fields) | {"vote": "approve"})

    assert "does not count" in (await bo.get(forged.headers["location"])).words
    assert (await world.request(record.request.id)).state == "open"
    await answer(bo, record, "Deny")
    assert (await decision(world, record)).state == "denied"


def in_order(words: str, parts: Sequence[str]) -> bool:
    """Return whether `parts` stand in `words`, one after the other. Raises AssertionError for one that does not."""
    at = 0
    for part in parts:
        at = words.find(part, at)
        assert at >= 0, f"{part!r} is not there, or not there yet: {words}"
    return True


async def test_a_card_has_its_parts_in_order_and_is_taken_back_by_who_asked(world: World, console: Console) -> None:
    record, bo = await asked(world, "press it"), await console.browser("bo")

    page = await bo.get(place(record))

    parts = (
        "Press it?", "Anna Ames asks.", "What Anna Ames wrote: press it", "Who decides you or Cy Cole", "Expires",
        "in 3 h 59 min", "Approve", "Deny", "Details", 'press {"what": "it"}', record.request.digest,
    )  # fmt: skip
    assert in_order(page.words, parts)
    details = page.html.index("<details")
    assert record.request.digest not in page.html[:details].replace(f'value="{record.request.digest}"', "")

    record, anna, bo = await asked(world), await console.browser("anna"), await console.browser("bo")
    assert "Withdraw what you asked for" not in buttons(await bo.get(place(record)))
    forged = await bo.post(f"{place(record)}/withdraw", await proof(bo))
    assert "Only those who asked for this may do that" in (await bo.get(forged.headers["location"])).words
    assert (await world.request(record.request.id)).state == "open"

    form = (await anna.get(place(record))).form(f"{place(record)}/withdraw")
    after = await anna.submit(form)

    assert "The request is withdrawn." in after.words
    assert (await world.request(record.request.id)).state == "withdrawn"
    assert "withdrawn already" in (await anna.submit(form)).words


async def test_after_the_decision_the_page_of_the_request_says_what_came_of_it_and_leads_to_the_run(
    world: World, console: Console
) -> None:
    held = world.workshop.hold("it")
    record, bo = await asked(world), await console.browser("bo")
    old = (await bo.get(place(record))).form(f"{place(record)}/answer")
    await answer(bo, record, "Approve")
    await until(lambda: world.workshop.started, what="it starts")
    running = await bo.submit(old, "Deny")
    held.set()
    await world.ended(record.request.run_id)

    page = await bo.get(place(record))

    assert "started on" in running.words, "a denial is too late by now"
    assert buttons(running) == set()
    assert in_order(running.words, ["Running: Press it", "Bo Berg approved", "It began"])
    assert in_order(page.words, ["Done: Press it", "Bo Berg approved", "It began", "and ended", "press it: done"])
    assert f"/runs/{record.request.run_id}" in page.links


async def test_a_run_of_whose_worker_nothing_is_heard_is_said_to_be_interrupted_wherever_somebody_looks(
    world: World, console: Console
) -> None:
    held, store = world.workshop.hold("it"), world.app.store
    record, bo, anna = await asked(world), await console.browser("bo"), await console.browser("anna")
    run_id = record.request.run_id
    await answer(bo, record, "Approve")
    await until(lambda: world.workshop.started, what="it starts")
    running = await anna.get("/runs")
    [attempt] = (await world.run(run_id)).made

    async def looks() -> list[str]:
        """What is said while its worker might be dead: here it lives, and is heard of in a moment."""
        await store.renew(run_id, attempt.id, store.lease_s / 10)
        pages = [await anna.get(one) for one in ("/runs", f"/runs/{run_id}", place(record))]
        async with serving(world.app) as api:
            alone = (await (await api.client("anna")).get(f"/v1/runs/{run_id}")).json()
        return [*(page.words for page in pages), alone["word"]]

    async def are_said() -> bool:
        return all("nterrupted" in one for one in await looks())

    await until(are_said, what="each place says that it is interrupted")
    assert "interrupted" not in running.words
    held.set()
    assert (await world.ended(run_id)).state == "done"


async def test_what_a_yes_does_to_a_paused_run_is_nothing_until_it_goes_on(world: World, console: Console) -> None:
    record, bo = await asked(world), await console.browser("bo")
    before = await bo.get(place(record))
    await world.steer(record.request.run_id, "pause")

    page = await bo.get(place(record))

    assert "it starts right away" in before.words
    assert "it starts right away" not in page.words
    assert "nothing starts until the run goes on: somebody has paused it" in page.words
    assert "If one who decides leaves" not in page.words, "either of two is enough"


async def test_a_page_says_how_it_goes_on_where_nobody_can_be_spared(world: World, console: Console) -> None:
    world.workshop.policy_of["it"] = "pair"
    page = await (await console.browser("bo")).get(place(await asked(world)))

    assert (
        "If one who decides leaves others of the same groups are asked, else those it would escalate to" in page.words
    )


async def test_what_failed_is_shown_with_its_last_lines_first_and_all_of_it_folded(
    world: World, console: Console
) -> None:
    world.workshop.breaks["it"] = RuntimeError("\n".join(f"line {number}" for number in range(60)))
    record, bo = await asked(world), await console.browser("bo")
    await answer(bo, record, "Approve")
    await world.ended(record.request.run_id)

    for where, begins in (
        (place(record), 'class="after a-bad"'),
        (f"/runs/{record.request.run_id}", 'class="end failed"'),
    ):
        page = await bo.get(where)
        said = page.html[page.html.index(begins) :]
        shown = said[said.index("<pre") : said.index("</pre>")]
        assert "Failed" in page.words
        assert shown.endswith("line 59")
        assert "line 39\n" not in shown
        assert "line 40\n" in shown
        assert "line 1\n" in said[said.index("<details>") : said.index("</details>")]


@opens(TOML.replace('name = "Bo Berg"', 'name = "Bo Berg"\ntimezone = "Asia/Tokyo"'))
async def test_a_reader_sees_every_time_on_their_own_clock(world: World, console: Console) -> None:
    record, bo = await asked(world), await console.browser("bo")
    for path in (place(record), f"/runs/{record.request.run_id}"):
        page = await bo.get(path)
        assert ("JST" in page.words, "UTC" in page.words) == (True, False)

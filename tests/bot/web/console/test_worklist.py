"""What waits on a person is a list to work through: in groups, searched, and denied many at once, one by one."""

from datetime import timedelta

from agents.requests import PersonId
from agents.requests.record import RequestRecord
from bot.render.views import FactView, RequestView, request_view
from bot.render.worklist import Kind, work_list
from bot.store import Commit, RecordWrite
from bot.store.ids import new_id
from tests.bot.web.console.stage import asked, place
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.world import World
from tests.servers.console import Browser, Console, Page

BO = PersonId("bo")
BEFORE, AFTER = "6eb0b0894ee59278b6a284c29471c44595bf1c46 (v1.0.0)", "63e28bf340eb00adf1c86f486a1b26ba84fd9237"


async def views(world: World, *texts: str) -> list[RequestView]:
    return [request_view(await asked(world, text), world.app.people) for text in texts]


async def test_a_row_says_what_changes_why_in_their_own_words_who_else_and_how_long_is_left(
    world: World, console: Console
) -> None:
    bo = await console.browser("bo")
    empty = (await bo.get("/requests")).words
    assert "Nothing needs your attention. When somebody needs your approval or your answer" in empty
    record = await asked(world, "press it\npress it again")

    page = await bo.get("/requests")

    assert "workshop (1) Select Press it? Press it? press it press it again asked by" in page.words
    assert "asked by Anna Ames just now · expires in 3 h 59 min · decides: you or Cy Cole" in page.words
    assert place(record) in page.links


async def test_requests_are_grouped_by_what_they_are_about_and_searched(world: World) -> None:
    [press, other, question] = await views(world, "press it", "press that", "ask free_text Why?")
    soon = other.model_copy(update={"expires_at": press.opened_at, "call": None, "policy": "budgets"})
    facts = (FactView(label="from", text=BEFORE), FactView(label="to", text=AFTER))

    groups = work_list([press.model_copy(update={"facts": facts}), question, soon], world.app.people, BO)

    assert [group.name for group in groups] == ["budgets", "workshop", "Questions"]
    assert [item.change for group in groups for item in group.items] == ["", "v1.0.0 (6eb0b08) → 63e28bf", ""]
    assert [item.may_deny for group in groups for item in group.items] == [True, True, False]

    found = await views(world, "press it", "ask free_text Why now?")
    press, why = found

    def titles(search: str, kind: Kind = "") -> list[str]:
        groups = work_list(found, world.app.people, BO, search, kind)
        return sorted(item.request.title for group in groups for item in group.items)

    assert titles("") == [press.title, why.title] == ["Press it?", "Why now?"]
    assert (titles("PRESS"), titles("anna why"), titles("press why")) == ([press.title], [why.title], [])
    assert (titles("", "questions"), titles("", "approvals")) == ([why.title], [press.title])
    for one in found:
        assert (titles(one.id), titles(one.id[:8]), titles(one.id[5:])) == ([one.title], [one.title], [])


async def test_what_is_selected_is_denied_only_after_a_second_page_and_each_is_judged_alone(
    world: World, console: Console
) -> None:
    first, second, third = [await asked(world, f"press n{number}") for number in range(3)]
    bo, picks = await console.browser("bo"), "&".join(f"pick={one.request.id}" for one in (first, second, third))
    page = await bo.get(f"/requests/deny?{picks}")
    assert "Deny these 3 requests?" in page.words
    assert [(await world.request(one.request.id)).state for one in (first, second, third)] == ["open"] * 3
    await world.decide("cy", second, "deny")
    await world.edit("anna", await world.request(third.request.id), what="that")

    form = page.form("/requests/deny")
    after = Page(await bo.post("/requests/deny", [*form.fields, ("reason", "not today")]))

    assert after.status == 303
    told = await bo.get("/requests")
    assert "2 denied. Not counted for “Press n1?”: Already decided: Cy Cole denied on" in told.words
    decision = (await world.request(first.request.id)).decision
    assert decision
    assert (decision.by, decision.reason, decision.channel) == ((BO,), "not today", "console")
    assert (await world.request(third.request.id)).state == "denied", "a denial counts for every version"


@opens(f'{TOML}\n[policies.theirs]\napprovers = ["person:cy"]\nexpires_after = "4h"\n')
async def test_attack_a_denial_is_lost_over_another_one_of_what_nobody_can_see_any_more(
    world: World, console: Console
) -> None:
    world.workshop.policy_of["that"] = "theirs"
    first, theirs, last = [await asked(world, f"press {what}") for what in ("it", "that", "this")]
    bo, cy = await console.browser("bo"), await console.browser("cy")
    shown = [(await bo.get(f"/requests/deny?pick={one.request.id}")).form("/requests/deny") for one in (first, last)]
    alone = (await cy.get(f"/requests/deny?pick={theirs.request.id}")).form("/requests/deny")
    others = ((alone, theirs), (shown[1], last))
    fields = [
        *shown[0].fields,
        *(each for form, one in others for each in form.fields if one.request.id in each[0] + each[1]),
    ]

    refused = [one for one in fields if one[0] in {"stamp", "as", "once"} or theirs.request.id in one[0] + one[1]]
    assert (await bo.post("/requests/deny", refused)).status_code == 404
    assert (await bo.post("/requests/deny", fields)).status_code == 303

    told = (await bo.get("/requests")).words
    assert f"2 denied. Not counted for {theirs.request.id}: There is no such request" in told
    states = [(await world.request(one.request.id)).state for one in (first, theirs, last)]
    assert states == ["denied", "open", "denied"]


async def test_many_are_denied_only_by_who_may_and_only_by_a_whole_form(world: World, console: Console) -> None:
    record, bo, dan = await asked(world), await console.browser("bo"), await console.browser("dan")
    path = f"/requests/deny?pick={record.request.id}"
    fields = (await bo.get(path)).form("/requests/deny").fields
    told = await dan.get(path)

    half = [(name, value) for name, value in fields if not name.startswith("digest-")]

    assert "Nothing that you can deny is selected." in told.words
    assert (await bo.post("/requests/deny", half)).status_code == 400
    assert (await world.request(record.request.id)).state == "open"


async def test_attack_whoever_sees_only_their_own_reads_that_nobody_asked_for_what_others_asked_for(
    world: World, console: Console
) -> None:
    """Lists are filtered by state, and say that they have only what their reader may see."""
    record, other = [await world.opened(await world.trigger(f"press {what}", "dan")) for what in ("it", "that")]
    anna, dan = await console.browser("anna"), await console.browser("dan")
    await world.decide("cy", other, "deny")
    await world.quiet()

    denied = await dan.get("/requests?all&state=denied")

    assert (place(other) in denied.links, place(record) in denied.links) == (True, False)
    assert "No request that you may see is expired." in (await dan.get("/requests?all&state=expired")).words
    for path in ("/requests?all", "/requests?all&state=open", "/runs", "/runs?state=waiting"):
        assert "you may see" in (await anna.get(path)).words, path


async def test_a_list_that_was_not_looked_through_says_so_and_leads_on(world: World, console: Console) -> None:
    record, dan, now = await asked(world), await console.browser("dan"), world.about_now()
    await world.decide("bo", record, "deny")
    await world.ended(record.request.run_id)
    await world.quiet()
    newer = [
        RecordWrite(new_id("request", 0), 0, "expired", b"{}", now + timedelta(seconds=number))
        for number in range(2_700)
    ]
    for begin in range(0, 2_700, 100):
        await world.app.store.commit(Commit(run_id=new_id("run", 0), records=newer[begin : begin + 100]))

    first = await dan.get("/requests?all&state=denied")
    older = next(link for link in first.links if "cursor=" in link)

    assert "None of the newest that you may see fits" in first.words
    assert place(record) in (await dan.get(older)).links


async def test_a_question_waits_on_whoever_asked_until_they_have_answered_it(world: World, console: Console) -> None:
    record, anna, cy = await asked(world), await console.browser("anna"), await console.browser("cy")
    assert await waits(world, anna, record) == (False, False, False)
    await world.decide("bo", record, "free_text", "why now?")

    assert await waits(world, anna, record) == (True, True, True)
    page = await anna.get("/requests?kind=questions")
    assert "Questions (1) Press it?" in page.words
    assert "Bo Berg asks you: why now? asked by Anna Ames" in page.words
    assert place(record) not in (await anna.get("/requests?kind=approvals")).links
    assert "asks you" not in (await cy.get("/requests")).words

    await world.decide("anna", record, "free_text", "the shop is down")
    assert await waits(world, anna, record) == (False, False, False)
    assert await waits(world, cy, record) == (True, True, True)
    await world.decide("bo", record, "free_text", "and why not tomorrow?")
    assert await waits(world, anna, record) == (True, True, True)
    await world.decide("cy", record, "deny")
    assert await waits(world, anna, record) == (False, False, False), "the request is over"


async def waits(world: World, browser: Browser, record: RequestRecord) -> tuple[bool, bool, bool]:
    """Whether the request stands in this browser's list of what waits, on the first page, and is counted beside it."""
    await world.quiet()
    listed, first = await browser.get("/requests"), await browser.get("/")
    return place(record) in listed.links, place(record) in first.links, "1 needs your attention" in listed.words

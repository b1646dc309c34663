"""Two people of one request turn out to be one human, perhaps: one of them has the address that was the other's.

Each line of a story is an act; `meet` gives the second one the address of the first, who has another by then. Both stay
who they are, by their `uid`. Whatever was counted before counts as it would by then, until the tool starts.
"""

from pathlib import Path

import pytest

from agents import Agent, Arguments, CallTool, Effect, Outcome, Tool, ToolContext
from agents.requests import PersonId, RunId
from agents.requests.record import RequestRecord
from bot.people.offers import waits_for
from bot.people.tables import tables_of
from bot.policy.judgements import Decided, Judgement, NotEntitled
from bot.render.request_card import approvals
from bot.store.ids import review_of
from tests.kit.long import few_of
from tests.kit.opens import opens
from tests.kit.tables import becomes, settings_in, without
from tests.kit.world import World, a_sayso, a_world
from tests.servers.console import a_console
from tests.stories.people.standing import done_once, granted
from tests.stories.test_absences import away
from tests.stories.test_break_glass import breaks

_PEOPLE = "".join(
    f'[people.{name}]\nname = "{name.title()}"\nemail = "{name}@corp.example"\nuid = "of-{name}"\n\n'
    for name in ("anna", "bo", "cy", "rob", "dan", "eve", "ole")
)
_ONE = "break_glass = [{glass}]\nstand_ins = [{stand_ins}]\nquorum = {quorum}\napprovers = [{may}]\n"
_TWO = """stand_ins = [{stand_ins}]
[[policies.production.steps]]
name = "first"
approvers = [{may}]
[[policies.production.steps]]
name = "then"
approvers = [{then}]
quorum = {quorum}
"""


def file_of(may: str, quorum: int = 1, stand_ins: str = "", then: str = "", glass: str = "") -> str:
    """The file in which these may decide, by their names; with `then` in two steps."""
    named = {"may": may, "stand_ins": stand_ins, "then": then, "glass": glass}
    refs = {key: ", ".join(f'"person:{name}"' for name in names.split()) for key, names in named.items()}
    policy = (_TWO if then else _ONE).format(quorum=quorum, **refs)
    return (
        f'{_PEOPLE}[alerts]\nto = ["person:ole"]\n\n[limits]\ntriggers_per_person = "1000/h"\n\n'
        f'[policies.production]\nexpires_after = "4h"\nexecute_within = "15m"\n{policy}'
    )


def _parts(one: str, other: str) -> str:
    """The file in which two parts are needed, each of whom its names name."""
    named = [", ".join(f'"person:{name}"' for name in names.split()) for names in (one, other)]
    rule = f"approvers = {{ all_of = [{{ any_of = [{named[0]}] }}, {{ any_of = [{named[1]}] }}] }}"
    return file_of("bo").replace('approvers = ["person:bo"]', rule)


def met(toml: str, one: str, other: str) -> str:
    """The file in which `other` has the address that was that of `one`."""
    return toml.replace(f"{other}@", "held@").replace(f"{one}@", f"{one}.new@").replace("held@", f"{one}@")


async def act(office: World, record: RequestRecord, line: str) -> Judgement | None:
    match line.split():
        case [person, "approves"]:
            return await office.decide(person, record, "approve")
        case [person, "denies"]:
            return await office.decide(person, record, "deny", "no")
        case [person, "says", *words]:
            return await office.decide(person, record, "free_text", " ".join(words))
        case [person, "edits"]:
            return await office.edit(person, record, what="horn")
        case [person, "gives", to]:
            return await office.delegate(person, record, to)
        case [person, "breaks"]:
            return await breaks(office, person, record)
        case ["meet", one, other]:
            await are_one(office, one, other)
        case ["away", person, to]:
            await away(office, person, to)
        case ["pause" | "resume" as verb]:
            await office.steer(record.request.run_id, verb)
        case _:
            raise AssertionError(line)
    return None


async def are_one(office: World, one: str, other: str) -> None:
    """From now on the two may be one human."""
    office.toml = met(office.toml, one, other)
    await becomes(office, office.toml)


in_office = opens(file_of("bo cy"), change=lambda world: setattr(world.workshop, "editable", ("what",)))


async def told(office: World, story: str) -> tuple[RequestRecord, list[str]]:
    """The request after all of `story`, and what became of each act."""
    record, found = await office.opened(await office.trigger("press bell")), list[str]()
    for line in story.split("; "):
        said = await act(office, await office.request(record.request.id), line)
        found.append(said.type if said else "")
        await office.quiet()
    return await office.request(record.request.id), found


def editable(world: World) -> None:
    world.workshop.editable = ("what",)


STORIES = (
    # Who voted, and may be somebody who took part.
    (file_of("bo cy rob dan", 3), "bo approves; rob approves; meet bo rob; cy approves", "open"),
    (file_of("bo", 2, then="cy dan eve"), "bo approves; cy approves; meet bo cy; dan approves", "open"),
    (
        file_of("bo rob eve", stand_ins="dan", then="cy dan"),
        "bo gives dan; rob approves; meet bo rob; cy approves",
        "open",
    ),
    (file_of("bo rob", then="cy dan"), "bo approves; meet bo cy; cy approves", "open"),
    # Who approved it, and may be somebody who took part, before it has started.
    (file_of("bo cy rob dan", 2), "pause; bo approves; rob approves; meet bo rob; resume", "superseded"),
    (file_of("bo cy"), "pause; bo approves; meet anna bo; resume", "superseded"),
    (file_of("bo cy rob dan"), "pause; bo edits; rob approves; meet bo rob; resume", "superseded"),
    (file_of("bo cy", 2, "eve", glass="dan"), "pause; bo gives eve; dan breaks; meet bo dan; resume", "superseded"),
    # Those who are left may be one of those who took part: nobody could decide it any more.
    (file_of("bo rob", then="cy"), "bo approves; meet bo cy", "superseded"),
    (file_of("bo", stand_ins="cy"), "bo gives cy; meet bo cy", "superseded"),
    (file_of("bo cy rob", 3), "bo approves; rob approves; meet bo rob", "superseded"),
    (_parts("bo", "cy"), "meet bo cy", "superseded"),
    # A seat is handed on by or to one who may be somebody that took part.
    (file_of("bo cy rob", 2, "eve"), "bo approves; meet bo cy; cy gives eve; eve approves", "open"),
    (file_of("bo cy rob", stand_ins="eve"), "bo edits; meet bo cy; cy gives eve; eve approves", "open"),
    (file_of("bo", stand_ins="cy rob"), "meet bo rob; bo gives cy; cy gives rob", "open"),
    (file_of("bo eve", stand_ins="rob", then="cy"), "bo approves; meet bo rob; cy gives rob", "open"),
    # A no counts, of whoever it is.
    (file_of("bo cy"), "meet anna bo; bo denies", "denied"),
    (file_of("bo rob", stand_ins="cy"), "bo gives cy; meet anna bo; bo denies", "denied"),
    (file_of("bo cy", 2, glass="dan"), "pause; dan breaks; meet anna dan; dan denies", "revoked"),
    # Who may be an editor does not break the glass for the edit, also where editors may approve.
    (
        file_of("bo cy rob", 2, glass="dan").replace("quorum", "editor_may_approve = true\nquorum"),
        "bo edits; meet bo dan; dan breaks",
        "open",
    ),
)
PLAYED = (0, 2, 3, 5, 6, 7, 8, 10, 12, 14, 16, 18, 19)
AWAY = (
    (file_of("bo cy rob", 2, "eve"), "bo approves; away cy eve; meet bo cy"),
    (file_of("bo", stand_ins="eve", then="cy rob"), "meet bo cy; bo approves; away cy eve"),
    (file_of("cy rob", stand_ins="eve"), "away cy eve; meet anna cy"),
    (file_of("bo cy rob", stand_ins="eve"), "bo edits; meet bo cy; away cy eve"),
    (file_of("bo cy rob", 2, "dan eve"), "bo gives dan; dan approves; meet bo cy; away cy eve"),
    (file_of("bo cy rob", 2, "dan eve"), "meet bo cy; away bo dan; dan approves; away cy eve"),
)
"""Cy may be somebody that took part, is away, and names Eve to stand in."""


@in_office
@pytest.mark.parametrize(("toml", "story", "state"), few_of(STORIES, *PLAYED, rows=True))
async def test_attack_one_who_may_be_somebody_that_took_part_counts_for_another_or_is_not_heard(
    world: World, toml: str, story: str, state: str
) -> None:
    await becomes(world, toml)
    world.toml = toml

    now, became = await told(world, story)

    assert (now.state, world.workshop.effects) == (state, [])
    waits = [one for one in world.app.people.all() if waits_for(now, one, world.app.people)]
    assert bool(waits) == (state == "open")
    if story.endswith("resume"):
        assert (await world.run(now.request.run_id)).open, "people are asked anew"
    elif state == "superseded":
        heard = " ".join((await world.next_mail("ole", "Nobody is left to decide")).text.split())
        assert "may be somebody who asked, changed it, handed it on or has voted" in heard
    if "cy gives" in story:
        assert {"delegation_refused", "not_entitled"} & {*became}


@in_office
@pytest.mark.parametrize(("toml", "story"), few_of(AWAY, 0, 2, 3, 5, rows=True))
async def test_attack_one_decides_who_stands_in_for_somebody_that_may_have_taken_part(
    world: World, toml: str, story: str
) -> None:
    await becomes(world, toml)
    world.toml = toml

    now, became = await told(world, f"{story}; eve approves; rob approves")

    assert (became[-2] != "decided", became[-1], now.state) == (True, "decided", "approved")


NEVER = (file_of("bo cy", 2), _parts("bo", "cy"), file_of("bo", then="cy"), file_of("bo cy rob", 3))
"""Those who may decide are too few, as Bo and Cy may be one human."""
LEAVES = (
    (_parts("bo rob", "cy"), "bo approves", "not_entitled", "cy rob"),
    (file_of("bo rob", then="cy"), "bo approves", "not_entitled", "rob"),
    (file_of("bo", stand_ins="cy"), "bo gives cy", "delegation_refused", "bo"),
    (file_of("bo rob", stand_ins="cy"), "bo gives cy", "delegation_refused", "bo rob"),
    (file_of("bo rob", 2, stand_ins="cy"), "rob gives cy", "delegation_refused", "bo rob"),
    (file_of("bo cy"), "bo edits", "edit_refused", "bo cy"),
)
"""What would leave nobody, or nobody else, to decide; and who decides it still."""


@in_office
async def test_attack_what_leaves_only_one_who_may_be_the_same_human_is_asked_or_done(world: World) -> None:
    for toml in NEVER:
        await becomes(world, met(toml, "bo", "cy"))
        run = await world.ended(await world.trigger("press bell"))
        assert "nobody can say that they are different people: bo, cy." in run.results[0].text
        assert (await world.requests(), world.workshop.effects) == ([], [])
    for toml, line, refused, left in LEAVES:
        await becomes(world, met(toml, "bo", "cy"))

        now, became = await told(world, line)

        assert became == [refused], line
        waits = [one for one in world.app.people.all() if waits_for(now, one, world.app.people)]
        assert waits == left.split(), line


@opens(file_of("bo", stand_ins="cy eve"))
@pytest.mark.parametrize("when", few_of(["it is opened", "they are away"], 0))
async def test_attack_one_who_may_be_whoever_is_away_stands_in(world: World, when: str) -> None:
    await are_one(world, "bo", "cy")
    if when == "it is opened":
        await away(world, "bo", "eve")
        await away(world, "eve", "cy")
    record = await world.opened(await world.trigger("press bell"))
    if when == "they are away":
        await away(world, "bo", "cy")

    now, left = await world.request(record.request.id), "eve" if when == "it is opened" else "bo"
    assert isinstance(await world.decide("cy", now, "approve"), NotEntitled)
    assert isinstance(await world.decide(left, now, "approve"), Decided)


@opens(file_of("bo cy"))
async def test_attack_the_words_of_one_who_only_may_be_whoever_asked_steer_the_run(world: World) -> None:
    now, became = await told(world, "meet anna bo; bo says take the horn instead")

    assert (became[-1], now.request.revision, now.request.remarks) == ("unclear", 1, ())
    assert [one.text for one in now.comments] == ["take the horn instead"]
    assert isinstance(await world.edit("bo", now, what="horn"), NotEntitled)


@in_office
async def test_who_only_may_be_whoever_asked_and_decides_nothing_can_do_nothing_with_it(world: World) -> None:
    _, became = await told(world, "meet anna dan; dan denies; dan edits; dan gives cy")

    assert became[1:] == ["not_entitled"] * 3


@opens(file_of("bo"))
async def test_attack_one_who_only_may_be_whoever_asked_is_said_to_have_written(world: World) -> None:
    await are_one(world, "anna", "bo")

    run = await world.ended(await world.trigger("press bell"))

    assert "bo may be somebody who took part in it" in run.results[0].text


@opens(file_of("cy rob"))
@pytest.mark.parametrize("when", few_of(["it is open", "it is approved"], 0))
async def test_attack_one_who_may_be_whoever_answered_the_agent_approves_what_came_of_it(
    world: World, when: str
) -> None:
    run_id = await world.trigger("ask-of person:bo free_text which one?\npress bell")
    question = await world.opened(run_id)
    await world.decide("bo", question, "free_text", "the bell")
    record = await world.opened(run_id, after=question.request.id)
    if when == "it is approved":
        await world.steer(run_id, "pause")
        assert isinstance(await world.decide("cy", record, "approve"), Decided)
    await are_one(world, "bo", "cy")

    if when == "it is approved":
        await world.steer(run_id, "resume")
        record = await world.opened(run_id, after=record.request.id)
    assert isinstance(await world.decide("cy", record, "approve"), NotEntitled)
    assert world.workshop.effects == []
    assert isinstance(await world.decide("rob", record, "approve"), Decided)


@opens(file_of("bo cy rob", 2, glass="dan"), change=editable)
@pytest.mark.parametrize("part", few_of(["broke it", "edited"], 0))
async def test_attack_one_who_may_be_somebody_that_took_part_says_that_it_was_right_to_break_the_glass(
    world: World, part: str
) -> None:
    record, _ = await told(world, "rob edits; dan breaks")
    asks = await world.opened(RunId(review_of(record.request.id)))
    await are_one(world, "dan" if part == "broke it" else "rob", "bo")

    said = await world.decide("bo", asks, "free_text", "right: yes\nreason: it burned")

    assert isinstance(said, NotEntitled)
    assert isinstance(await world.decide("cy", asks, "free_text", "right: no\nreason: no fire"), Decided)


_GRANTS = 'standing = "5 in 30d"\n'
GRANTED_BY = {
    "both of two": f"{file_of('bo cy rob', 2)}{_GRANTS}",
    "both parts": f"{_parts('bo', 'cy rob')}{_GRANTS}",
    "both steps": file_of("bo", then="cy rob").replace(
        'execute_within = "15m"\n', f'execute_within = "15m"\n{_GRANTS}'
    ),
}


@pytest.mark.parametrize(
    ("what", "when"),
    few_of(
        [
            ("both of two", "what it allowed starts"),
            ("both parts", "it is used"),
            ("both steps", "it is used"),
        ],
        0,
        rows=True,
    ),
)
async def test_attack_a_standing_approval_counts_that_one_human_may_have_granted_twice(
    redis: str, tmp_path: Path, what: str, when: str
) -> None:
    async with a_world(redis, tmp_path / "data", GRANTED_BY[what]) as office:
        run_id = await office.trigger("press bell")
        record = await office.opened(run_id)
        for person in ("bo", "cy"):
            await office.decide(person, await office.request(record.request.id), "approve")
        await office.ended(run_id)
        await granted(office, run_id, by=("bo", "cy"))
        freezes, ole = office.app.requests.freezes, office.app.people.named("ole")
        await freezes.freeze("workshop", ole, "incident", proof=None)
        used = await office.trigger("press bell") if when == "what it allowed starts" else None
        await office.quiet()

        await are_one(office, "bo", "cy")
        await freezes.unfreeze("workshop", ole, "fixed", proof=None)

        record = await office.opened(used or await office.trigger("press bell"))
        assert "nobody can say that they are different people" in " ".join(record.request.changed)
        assert office.workshop.effects == ["press bell"]


@opens(f'{file_of("bo cy")}standing = "5 in 30d"\n')
async def test_attack_a_standing_approval_serves_one_who_may_be_whoever_granted_it(world: World) -> None:
    await granted(world, await done_once(world))
    freezes, ole = world.app.requests.freezes, world.app.people.named("ole")
    await freezes.freeze("workshop", ole, "incident", proof=None)
    run_id = await world.trigger("press bell")
    await world.quiet()

    await are_one(world, "anna", "bo")
    await freezes.unfreeze("workshop", ole, "fixed", proof=None)

    for record in (await world.opened(run_id), await world.opened(await world.trigger("press bell"))):
        assert (record.state, world.workshop.effects) == ("open", ["press bell"])


@pytest.mark.parametrize(
    ("story", "others"),
    few_of([("meet bo ole; dan edits; bo breaks", ()), ("dan edits; meet dan ole; bo breaks", ("eve",))], 0, rows=True),
)
async def test_attack_one_who_may_be_somebody_that_took_part_is_asked_as_nobody_else_is_left_who_could_review_it(
    redis: str, tmp_path: Path, story: str, others: tuple[str, ...]
) -> None:
    alerts = ", ".join(f'"person:{one}"' for one in ("ole", *others))
    toml = file_of("bo dan", glass="bo").replace('to = ["person:ole"]', f"to = [{alerts}]")
    async with a_world(redis, tmp_path / "data", toml, change=editable) as office:
        _, done = await told(office, story)
        assert done[-1] == "decided"

        boxes = {"ole": "bo" if "meet bo" in story else "dan", "eve": "eve"}
        read = {one: "\n".join(letter.subject for letter in office.mails(box)) for one, box in boxes.items()}
        assert [one for one in boxes if "Was it right" in read[one]] == [*others]
        assert ("The review of a broken glass has no answer" in read["ole"]) is (not others)


@opens(file_of("anna bo cy", 2, stand_ins="eve").replace("quorum", "requester_may_approve = true\nquorum"))
async def test_who_may_approve_what_they_asked_for_does_so_though_somebody_who_stands_in_may_be_them(
    world: World,
) -> None:
    record, done = await told(world, "bo gives eve; meet anna eve; eve approves; anna approves; cy approves")

    assert done[2:] == ["not_entitled", "counted", "decided"]
    assert record.decision
    assert set(record.decision.by) == {"anna", "cy"}
    assert world.workshop.effects == ["press bell"]


@opens(file_of("bo cy rob", 2, stand_ins="eve dan"), change=editable)
async def test_a_page_offers_to_hand_it_on_and_to_change_it_only_where_that_counts(world: World) -> None:
    async with a_console(world) as console:
        record, _ = await told(world, "cy approves; meet cy eve")
        bo, place = await console.browser("bo"), f"/requests/{record.request.id}"
        words = (await bo.get(f"{place}/hand-on")).words
        assert ("Dan" in words, "Eve" in words) == (True, False)
        assert (await bo.get(f"{place}/edit")).path != place

        await are_one(world, "anna", "bo")

        assert (await bo.get(f"{place}/edit")).path == place, "who may be whoever asked changes nothing"


@pytest.mark.parametrize("who", few_of(["anna", "cy"], 0))
async def test_attack_a_seat_of_one_who_may_be_somebody_that_took_part_and_has_left_approves(
    redis: str, tmp_path: Path, who: str
) -> None:
    toml = file_of("bo cy" if who == "cy" else "bo", stand_ins="eve")
    async with a_world(redis, tmp_path / "data", toml, change=editable) as office:
        record, _ = await told(office, "bo gives eve" if who == "anna" else "bo gives eve; cy edits")
        if who == "cy":
            toml = toml.replace('approvers = ["person:bo", "person:cy"]', 'approvers = ["person:bo", "person:rob"]')
        await becomes(office, without(toml, who).replace("bo@corp.example", f"{who}@corp.example"))
        await office.quiet()

        said = await office.decide("eve", await office.request(record.request.id), "approve")

        assert not isinstance(said, Decided)
        assert office.workshop.effects == []


@opens(file_of("bo cy rob", stand_ins="eve").replace("quorum", "editor_may_approve = true\nquorum"), change=editable)
async def test_attack_one_who_stands_in_and_may_be_an_editor_approves_that_edit(world: World) -> None:
    record, done = await told(world, "bo gives eve; cy edits; meet cy eve; eve approves")

    assert (done[-1], world.workshop.effects) == ("not_entitled", [])
    assert isinstance(await world.decide("cy", record, "approve"), Decided)


class Ring(Arguments):
    """How a bell is rung."""

    bell: str
    tone: str


def ringing() -> Agent:
    """Rings a bell, of which whoever decides may change everything."""

    async def ring(_: Ring, __: Effect, ___: ToolContext) -> Outcome:
        return Outcome("rung")

    args, editable = Ring, ("bell", "tone")
    tool = Tool(name="ring", description="", args=args, execute=ring, gate=lambda _: "production", editable=editable)
    return Agent(
        name="ringer",
        description="rings",
        prompt="deploy",
        tools=(tool,),
        fallback=lambda _: CallTool(tool="ring", arguments={"bell": "small", "tone": "low"}),
    )


async def test_attack_one_who_only_may_be_an_editor_is_said_to_have_changed_it(tmp_path: Path) -> None:
    toml = file_of("bo cy dan eve")
    (tmp_path / "sayso.toml").write_text(toml)
    async with a_sayso(tmp_path / "sayso.toml", agents=[ringing()]) as s:
        record = await s.opened(await s.trigger("ring"))
        await s.edit("bo", record, bell="big")
        (tmp_path / "sayso.toml").write_text(met(toml, "bo", "dan"))
        await s.app.register.hold(tables_of(settings_in(tmp_path)))
        assert s.app.people.maybe(PersonId("bo")) == ("dan",)

        await s.edit("cy", await s.request(record.request.id), tone="high")

        stands = await s.request(record.request.id)
        assert stands.request.edits == {"bell": ("bo",), "tone": ("cy",)}
        assert stands.asked.editors == ("bo", "cy")
        assert isinstance(await s.decide("dan", stands, "approve"), NotEntitled)
        assert isinstance(await s.decide("eve", stands, "approve"), Decided)


@in_office
async def test_attack_one_who_may_be_whoever_asked_is_said_to_have_been_one_of_those_who_approved(
    world: World,
) -> None:
    world.toml = file_of("cy dan eve", 2)
    await becomes(world, world.toml)

    now, became = await told(world, "cy approves; meet anna cy; dan approves; eve approves")

    assert (now.state, became[-1]) == ("approved", "decided")
    [line] = approvals(now, world.app.people)
    assert line.text.startswith("2 of 2: Dan")
    assert "Cy" not in line.text


def _allowing(what: str, toml: str) -> str:
    """The file by whose policy they may approve what they did themselves."""
    return toml.replace("break_glass", f"{what}_may_approve = true\nbreak_glass")


@opens(_allowing("requester", file_of("anna bo cy", 2, "dan")), change=editable)
@pytest.mark.parametrize(
    ("toml", "story", "giver"),
    few_of(
        [
            (_allowing("requester", file_of("anna bo cy", 2, "dan")), "meet anna bo; bo gives dan", "bo"),
            (_allowing("requester", file_of("anna bo cy", 2, "dan")), "meet anna bo; away bo dan", "bo"),
            (_allowing("editor", file_of("bo cy rob", 2, "dan")), "cy edits; meet cy bo; bo gives dan", "bo"),
        ],
        0,
        1,
        2,
        rows=True,
    ),
)
async def test_a_seat_goes_to_nobody_who_would_not_decide_in_it_as_whoever_gives_it_may_be_one_who_took_part(
    world: World, toml: str, story: str, giver: str
) -> None:
    world.toml = toml
    await becomes(world, toml)

    now, became = await told(world, story)

    assert now.asked.handed_on == ()
    assert became[-1] in {"", "delegation_refused"}
    for person in (giver, "cy" if "edits" not in story else "rob"):
        said = await world.decide(person, await world.request(now.request.id), "approve")
    assert isinstance(said, Decided)


@opens(file_of("cy dan"))
@pytest.mark.parametrize("when", ["it is open", "it is opened"])
async def test_who_may_be_another_one_of_somebody_that_only_may_be_whoever_asked_decides(
    world: World, when: str
) -> None:
    run_id = await world.trigger("press bell") if when == "it is open" else None
    await are_one(world, "anna", "dan")
    world.toml = world.toml.replace("cy@", "dan@")
    await becomes(world, world.toml)
    assert world.app.people.maybe(PersonId("dan")) == ("anna", "cy")

    record = await world.opened(run_id or await world.trigger("press bell"))

    assert waits_for(record, PersonId("cy"), world.app.people)
    assert isinstance(await world.decide("cy", record, "approve"), Decided)


@opens(_allowing("requester", file_of("anna bo cy", 2, "dan")))
async def test_whoever_asks_and_is_away_stays_asked_where_nobody_would_decide_in_their_place(world: World) -> None:
    world.toml = _allowing("requester", file_of("anna bo cy", 2, "dan"))
    await are_one(world, "anna", "bo")
    await away(world, "anna", "dan")

    record = await world.opened(await world.trigger("press bell"))

    assert record.asked.handed_on == ()
    assert [one.person for one in record.asked.away] == ["anna"]
    await world.decide("anna", record, "approve")
    assert isinstance(await world.decide("cy", record, "approve"), Decided)

"""Two people of one request turn out to be one human, perhaps: one of them has the address that was the other's.

Each line of a story is an act; `meet` gives the second one the address of the first, who has another by then. Both stay
who they are, by their `uid`. Whatever was counted before counts as it would by then, until the tool starts.
"""

from pathlib import Path

import pytest

from agents import Agent, Arguments, CallTool, Effect, Outcome, Tool, ToolContext
from agents.requests import PersonId, RunId
from bot.people.offers import waits_for
from bot.people.tables import tables_of
from bot.policy.judgements import Decided, Judgement, NotEntitled
from bot.policy.record import RequestRecord
from bot.render.request_card import approvals
from bot.store.ids import review_of
from bot.testing import sayso
from tests.kit.tables import becomes, settings_in, without
from tests.kit.world import World, a_world
from tests.servers.console import a_console
from tests.stories.attacks.test_who_is_who import breaks
from tests.stories.people.standing import done_once, granted
from tests.stories.test_absences import away

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


async def told(office: World, story: str) -> tuple[RequestRecord, list[str]]:
    """The request after all of `story`, and what became of each act."""
    record, found = await office.opened(await office.trigger("press bell")), list[str]()
    for line in story.split("; "):
        said = await act(office, await office.request(record.request.id), line)
        found.append(said.type if said else "")
        await office.quiet()
    return await office.request(record.request.id), found


async def told_more(office: World, record: RequestRecord, line: str) -> RequestRecord:
    """The request after one more act."""
    await act(office, record, line)
    await office.quiet()
    return await office.request(record.request.id)


def editable(world: World) -> None:
    world.workshop.editable = ("what",)


VOTED = {
    "of three votes": (file_of("bo cy rob dan", 3), "bo approves; rob approves; meet bo rob; cy approves"),
    "in the last step": (file_of("bo", 2, then="cy dan eve"), "bo approves; cy approves; meet bo cy; dan approves"),
    "whoever handed it on, in the first step": (
        file_of("bo rob eve", stand_ins="dan", then="cy dan"),
        "bo gives dan; rob approves; meet bo rob; cy approves",
    ),
    "the first step's": (file_of("bo rob", then="cy dan"), "bo approves; meet bo cy; cy approves"),
}
"""Who voted, and may be somebody who took part."""


@pytest.mark.parametrize("who", VOTED)
async def test_attack_the_vote_of_one_who_may_be_somebody_that_took_part_makes_the_quorum(
    redis: str, tmp_path: Path, who: str
) -> None:
    toml, story = VOTED[who]
    async with a_world(redis, tmp_path / "data", toml, change=editable) as office:
        now, _ = await told(office, story)

        assert (now.state, office.workshop.effects) == ("open", [])
        assert [one for one in office.app.people.all() if waits_for(now, one, office.app.people)]


async def test_a_card_counts_no_vote_of_one_who_may_be_another_that_has_voted(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", file_of("bo cy rob dan", 3)) as office:
        now, _ = await told(office, "bo approves; rob approves; meet bo rob")

        [counted] = approvals(now, office.app.people)
        assert counted.text.partition(" at ")[0] == "1 of 3: Bo"


APPROVED = {
    "each other": (file_of("bo cy rob dan", 2), "bo approves; rob approves; meet bo rob"),
    "whoever asked": (file_of("bo cy"), "bo approves; meet anna bo"),
    "whoever edited it": (file_of("bo cy rob dan"), "bo edits; rob approves; meet bo rob"),
    "whoever handed it on, by the glass": (
        file_of("bo cy", 2, "eve", glass="dan"),
        "bo gives eve; dan breaks; meet bo dan",
    ),
}
"""Who approved it, and may be somebody who took part, before it has started."""


@pytest.mark.parametrize("who", APPROVED)
async def test_attack_what_was_approved_by_one_who_may_be_somebody_that_took_part_starts(
    redis: str, tmp_path: Path, who: str
) -> None:
    toml, story = APPROVED[who]
    async with a_world(redis, tmp_path / "data", toml, change=editable) as office:
        now, _ = await told(office, f"pause; {story}; resume")

        assert (now.state, office.workshop.effects) == ("superseded", [])
        assert (await office.run(now.request.run_id)).open, "people are asked anew"


STUCK = {
    "the only one of a step": (file_of("bo rob", then="cy"), "bo approves; meet bo cy"),
    "who has their seat": (file_of("bo", stand_ins="cy"), "bo gives cy; meet bo cy"),
    "two of three who voted": (file_of("bo cy rob", 3), "bo approves; rob approves; meet bo rob"),
    "two of two parts, before either voted": (_parts("bo", "cy"), "meet bo cy"),
}
"""Those who are left may be one of those who took part: nobody could decide it any more."""


@pytest.mark.parametrize("who", STUCK)
async def test_attack_a_request_waits_for_nobody_as_who_is_left_may_be_somebody_that_took_part(
    redis: str, tmp_path: Path, who: str
) -> None:
    toml, story = STUCK[who]
    async with a_world(redis, tmp_path / "data", toml, change=editable) as office:
        now, _ = await told(office, story)

        assert (now.state, office.workshop.effects) == ("superseded", [])
        heard = " ".join((await office.next_mail("ole", "Nobody is left to decide")).text.split())
        assert "may be somebody who asked, changed it, handed it on or has voted" in heard


NEVER = {
    "two of two": file_of("bo cy", 2),
    "two of two parts": _parts("bo", "cy"),
    "the only ones of two steps": file_of("bo", then="cy"),
    "three of whom three are needed": file_of("bo cy rob", 3),
}
"""Those who may decide are too few, as one human may be two of them."""


async def test_attack_a_request_is_opened_that_one_human_would_have_to_decide_twice(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", file_of("bo cy")) as office:
        for toml in NEVER.values():
            await becomes(office, met(toml, "bo", "cy"))

            run = await office.ended(await office.trigger("press bell"))

            assert "nobody can say that they are different people: bo, cy." in run.results[0].text
            assert (await office.requests(), office.workshop.effects) == ([], [])


LEAVES = {
    "a vote for the part that others could fill": (_parts("bo rob", "cy"), "bo approves", "not_entitled", "cy rob"),
    "a vote in the step that others could fill": (file_of("bo rob", then="cy"), "bo approves", "not_entitled", "rob"),
    "a hand-on to oneself": (file_of("bo", stand_ins="cy"), "bo gives cy", "delegation_refused", "bo"),
    "a hand-on to oneself beside others": (
        file_of("bo rob", stand_ins="cy"),
        "bo gives cy",
        "delegation_refused",
        "bo rob",
    ),
    "a hand-on to the double of another one": (
        file_of("bo rob", 2, stand_ins="cy"),
        "rob gives cy",
        "delegation_refused",
        "bo rob",
    ),
    "an edit that only a double could approve": (file_of("bo cy"), "bo edits", "edit_refused", "bo cy"),
}
"""Bo and Cy may be one human: what would leave nobody, or nobody else, to decide; and who decides it still."""


async def test_attack_what_leaves_only_one_who_may_be_the_same_human_is_done(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", file_of("bo cy"), change=editable) as office:
        for what, (toml, line, refused, left) in LEAVES.items():
            await becomes(office, met(toml, "bo", "cy"))

            now, became = await told(office, line)

            assert became == [refused], what
            waits = [one for one in office.app.people.all() if waits_for(now, one, office.app.people)]
            assert waits == left.split(), what


@pytest.mark.parametrize("when", ["it is opened", "they are away"])
async def test_attack_one_who_may_be_whoever_is_away_stands_in(redis: str, tmp_path: Path, when: str) -> None:
    async with a_world(redis, tmp_path / "data", file_of("bo", stand_ins="cy eve")) as office:
        await are_one(office, "bo", "cy")
        if when == "it is opened":
            await away(office, "bo", "eve")
            await away(office, "eve", "cy")
        record = await office.opened(await office.trigger("press bell"))
        if when == "they are away":
            await away(office, "bo", "cy")

        now, left = await office.request(record.request.id), "eve" if when == "it is opened" else "bo"
        assert isinstance(await office.decide("cy", now, "approve"), NotEntitled)
        assert isinstance(await office.decide(left, now, "approve"), Decided)


STOOD_IN_FOR = {
    "has voted, and is away since": (file_of("bo cy rob", 2, "eve"), "bo approves; away cy eve; meet bo cy"),
    "has voted in another step": (
        file_of("bo", stand_ins="eve", then="cy rob"),
        "meet bo cy; bo approves; away cy eve",
    ),
    "asked for it, and is away since": (file_of("cy rob", stand_ins="eve"), "away cy eve; meet anna cy"),
    "edited it": (file_of("bo cy rob", stand_ins="eve"), "bo edits; meet bo cy; away cy eve"),
    "handed it on": (file_of("bo cy rob", 2, "dan eve"), "bo gives dan; dan approves; meet bo cy; away cy eve"),
    "is away, and whose stand-in has voted": (
        file_of("bo cy rob", 2, "dan eve"),
        "meet bo cy; away bo dan; dan approves; away cy eve",
    ),
}
"""Cy may be somebody that took part, is away, and names Eve to stand in."""


@pytest.mark.parametrize("who", STOOD_IN_FOR)
async def test_attack_one_decides_who_stands_in_for_somebody_that_may_have_taken_part(
    redis: str, tmp_path: Path, who: str
) -> None:
    toml, story = STOOD_IN_FOR[who]
    async with a_world(redis, tmp_path / "data", toml, change=editable) as office:
        now, _ = await told(office, f"{story}; eve approves")

        assert (now.state, office.workshop.effects) == ("open", [])
        assert "rob" in [one for one in office.app.people.all() if waits_for(now, one, office.app.people)]
        now = await told_more(office, now, "rob approves")
        assert now.state == "approved"


GIVES = {
    "whoever has voted": (file_of("bo cy rob", 2, "eve"), "bo approves; meet bo cy; cy gives eve"),
    "whoever edited it": (file_of("bo cy rob", stand_ins="eve"), "bo edits; meet bo cy; cy gives eve"),
}


@pytest.mark.parametrize("who", GIVES)
async def test_attack_one_who_may_be_somebody_that_took_part_hands_their_seat_on(
    redis: str, tmp_path: Path, who: str
) -> None:
    toml, story = GIVES[who]
    async with a_world(redis, tmp_path / "data", toml, change=editable) as office:
        now, became = await told(office, f"{story}; eve approves")

        assert became[-2] in {"delegation_refused", "not_entitled"}
        assert (now.state, now.request.policy.handed_on[1:], office.workshop.effects) == ("open", (), [])


STOPS = {
    "who may decide": (file_of("bo cy"), "meet anna bo; bo denies", "denied"),
    "who handed it on": (file_of("bo rob", stand_ins="cy"), "bo gives cy; meet anna bo; bo denies", "denied"),
    "who broke the glass": (
        file_of("bo cy", 2, glass="dan"),
        "pause; dan breaks; meet anna dan; dan denies",
        "revoked",
    ),
}


@pytest.mark.parametrize("who", STOPS)
async def test_attack_the_no_of_one_who_may_be_whoever_asked_is_not_heard(redis: str, tmp_path: Path, who: str) -> None:
    toml, story, state = STOPS[who]
    async with a_world(redis, tmp_path / "data", toml) as office:
        now, _ = await told(office, story)

        assert (now.state, office.workshop.effects) == (state, [])


async def test_attack_the_words_of_one_who_only_may_be_whoever_asked_steer_the_run(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", file_of("bo cy")) as office:
        now, became = await told(office, "meet anna bo; bo says take the horn instead")

        assert (became[-1], now.request.revision, now.request.remarks) == ("unclear", 1, ())
        assert [one.text for one in now.comments] == ["take the horn instead"]
        assert isinstance(await office.edit("bo", now, what="horn"), NotEntitled)


async def test_attack_one_who_only_may_be_whoever_asked_is_said_to_have_written(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", file_of("bo")) as office:
        await are_one(office, "anna", "bo")

        run = await office.ended(await office.trigger("press bell"))

        assert "bo may be somebody who took part in it" in run.results[0].text


@pytest.mark.parametrize("when", ["it is open", "it is approved"])
async def test_attack_one_who_may_be_whoever_answered_the_agent_approves_what_came_of_it(
    redis: str, tmp_path: Path, when: str
) -> None:
    async with a_world(redis, tmp_path / "data", file_of("cy rob")) as office:
        run_id = await office.trigger("ask-of person:bo free_text which one?\npress bell")
        question = await office.opened(run_id)
        await office.decide("bo", question, "free_text", "the bell")
        record = await office.opened(run_id, after=question.request.id)
        if when == "it is approved":
            await office.steer(run_id, "pause")
            assert isinstance(await office.decide("cy", record, "approve"), Decided)
        await are_one(office, "bo", "cy")

        if when == "it is approved":
            await office.steer(run_id, "resume")
            record = await office.opened(run_id, after=record.request.id)
        assert isinstance(await office.decide("cy", record, "approve"), NotEntitled)
        assert office.workshop.effects == []
        assert isinstance(await office.decide("rob", record, "approve"), Decided)


TAKEN = {
    "gave it": (file_of("bo", stand_ins="cy rob"), "meet bo rob; bo gives cy; cy gives rob"),
    "voted in another step": (file_of("bo eve", stand_ins="rob", then="cy"), "bo approves; meet bo rob; cy gives rob"),
}


@pytest.mark.parametrize("who", TAKEN)
async def test_attack_a_seat_goes_to_one_who_may_be_somebody_that_has_had_one(
    redis: str, tmp_path: Path, who: str
) -> None:
    toml, story = TAKEN[who]
    async with a_world(redis, tmp_path / "data", toml) as office:
        now, became = await told(office, story)

        assert became[-1] == "delegation_refused"
        assert [one for one in office.app.people.all() if waits_for(now, one, office.app.people)] == ["cy"]


@pytest.mark.parametrize("part", ["broke it", "edited"])
async def test_attack_one_who_may_be_somebody_that_took_part_says_that_it_was_right_to_break_the_glass(
    redis: str, tmp_path: Path, part: str
) -> None:
    async with a_world(redis, tmp_path / "data", file_of("bo cy rob", 2, glass="dan"), change=editable) as office:
        record, _ = await told(office, "rob edits; dan breaks")
        asks = await office.opened(RunId(review_of(record.request.id)))
        await are_one(office, "dan" if part == "broke it" else "rob", "bo")

        said = await office.decide("bo", asks, "free_text", "right: yes\nreason: it burned")

        assert isinstance(said, NotEntitled)
        assert isinstance(await office.decide("cy", asks, "free_text", "right: no\nreason: no fire"), Decided)


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
    [
        ("both of two", "what it allowed starts"),
        ("both parts", "it is used"),
        ("both steps", "it is used"),
    ],
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
        await freezes.freeze("workshop", ole, "incident")
        used = await office.trigger("press bell") if when == "what it allowed starts" else None
        await office.quiet()

        await are_one(office, "bo", "cy")
        await freezes.unfreeze("workshop", ole, "fixed")

        record = await office.opened(used or await office.trigger("press bell"))
        assert "nobody can say that they are different people" in " ".join(record.request.changes)
        assert office.workshop.effects == ["press bell"]


async def test_attack_a_standing_approval_serves_one_who_may_be_whoever_granted_it(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", f'{file_of("bo cy")}standing = "5 in 30d"\n') as office:
        await granted(office, await done_once(office))
        freezes, ole = office.app.requests.freezes, office.app.people.named("ole")
        await freezes.freeze("workshop", ole, "incident")
        run_id = await office.trigger("press bell")
        await office.quiet()

        await are_one(office, "anna", "bo")
        await freezes.unfreeze("workshop", ole, "fixed")

        for record in (await office.opened(run_id), await office.opened(await office.trigger("press bell"))):
            assert (record.state, office.workshop.effects) == ("open", ["press bell"])


@pytest.mark.parametrize(
    ("story", "others"),
    [("meet bo ole; dan edits; bo breaks", ()), ("dan edits; meet dan ole; bo breaks", ("eve",))],
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


async def test_who_may_approve_what_they_asked_for_does_so_though_somebody_who_stands_in_may_be_them(
    redis: str, tmp_path: Path
) -> None:
    toml = file_of("anna bo cy", 2, stand_ins="eve").replace("quorum", "requester_may_approve = true\nquorum")
    async with a_world(redis, tmp_path / "data", toml) as office:
        record, done = await told(office, "bo gives eve; meet anna eve; eve approves; anna approves; cy approves")

        assert done[2:] == ["not_entitled", "counted", "decided"]
        assert record.decision
        assert set(record.decision.by) == {"anna", "cy"}
        assert office.workshop.effects == ["press bell"]


async def test_a_page_offers_to_hand_it_on_and_to_change_it_only_where_that_counts(redis: str, tmp_path: Path) -> None:
    toml = file_of("bo cy rob", 2, stand_ins="eve dan")
    async with a_world(redis, tmp_path / "data", toml, change=editable) as office, a_console(office) as console:
        record, _ = await told(office, "cy approves; meet cy eve")
        bo, place = await console.browser("bo"), f"/requests/{record.request.id}"
        words = (await bo.get(f"{place}/hand-on")).words
        assert ("Dan" in words, "Eve" in words) == (True, False)
        assert (await bo.get(f"{place}/edit")).path != place

        await are_one(office, "anna", "bo")

        assert (await bo.get(f"{place}/edit")).path == place, "who may be whoever asked changes nothing"


@pytest.mark.parametrize("who", ["anna", "cy"])
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


async def test_attack_one_who_stands_in_and_may_be_an_editor_approves_that_edit(redis: str, tmp_path: Path) -> None:
    toml = file_of("bo cy rob", stand_ins="eve").replace("quorum", "editor_may_approve = true\nquorum")
    async with a_world(redis, tmp_path / "data", toml, change=editable) as office:
        record, done = await told(office, "bo gives eve; cy edits; meet cy eve; eve approves")

        assert (done[-1], office.workshop.effects) == ("not_entitled", [])
        assert isinstance(await office.decide("cy", record, "approve"), Decided)


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
    async with sayso(tmp_path / "sayso.toml", agents=[ringing()]) as s:
        record = await s.opened(await s.trigger("ring"))
        await s.edit("bo", record, bell="big")
        (tmp_path / "sayso.toml").write_text(met(toml, "bo", "dan"))
        await s.app.register.hold(tables_of(settings_in(tmp_path)))
        assert s.app.people.maybe(PersonId("bo")) == ("dan",)

        await s.edit("cy", await s.request(record.request.id), tone="high")

        stands = await s.request(record.request.id)
        assert stands.request.edits == {"bell": ("bo",), "tone": ("cy",)}
        assert stands.request.policy.editors == ("bo", "cy")
        assert isinstance(await s.decide("dan", stands, "approve"), NotEntitled)
        assert isinstance(await s.decide("eve", stands, "approve"), Decided)

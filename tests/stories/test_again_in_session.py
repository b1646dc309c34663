"""`Approve, and again this session`: the same call of a coding agent runs again without asking, and nothing else."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from httpx2 import AsyncClient

from agents.requests import PersonId, bound_to
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from bot.audit.reading import Query
from bot.policy.answers import Statement
from bot.policy.approvers.who import who_of
from bot.policy.judgements import TooLate
from bot.policy.standing import Standing
from bot.requests.standing.kept import KeptStandings
from bot.store import Keys
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes, without
from tests.kit.world import World
from tests.servers.console import Console, a_console
from tests.stories.test_absences import away

ALLOWED = TOML.replace('execute_within = "15m"\n', 'execute_within = "15m"\nstanding = "100 in 30d"\n', 1)
MORE = (
    ALLOWED.replace("quorum = 2\n", 'quorum = 2\nstanding = "5 in 1d"\n')
    + """
[policies.none]
approvers = ["group:release"]
expires_after = "4h"

[policies.less]
approvers = ["group:release"]
expires_after = "4h"
standing = "1 in 2h"

[policies.own]
approvers = ["person:anna", "person:bo"]
requester_may_approve = true
expires_after = "4h"
standing = "100 in 30d"

[policies.others]
approvers = ["person:anna", "person:bo"]
expires_after = "4h"
standing = "100 in 30d"
"""
)
ESCALATED = 'stand_ins = ["group:spare"]\nescalate_after = "1h"\nescalate_to = ["group:spare"]\n'
NO_SPARE = ALLOWED.replace("[policies.production]\n", f"[policies.production]\n{ESCALATED}", 1).replace(
    'email = "anna@corp.example"\n', 'email = "anna@corp.example"\ngroups = ["spare"]\n'
)
SPARE = NO_SPARE.replace('email = "dan@corp.example"\n', 'email = "dan@corp.example"\ngroups = ["spare"]\n')
ON_CALL = (
    ALLOWED.replace('approvers = ["group:release"]', 'approvers = ["oncall:ops"]', 1)
    .replace('"bo@corp.example"\n', '"bo@corp.example"\nuid = "of-bo"\n')
    .replace('"cy@corp.example"\n', '"cy@corp.example"\nuid = "of-cy"\n')
    + """
[people.eve]
name = "Eve Eder"
email = "eve@corp.example"
uid = "of-eve"

[oncall.ops]
rotation = ["person:cy", "person:bo"]
shift = "1h"
starts = "2020-01-01T09:00"
timezone = "UTC"
"""
)
pytestmark = opens(ALLOWED)

AGAIN = "Approve, and again this session"
POLICIES = ("production", "pair", "none", "less", "own", "others")


def call(session: str = "a1b2", command: str = "pytest -q tests", **more: Any) -> dict[str, Any]:
    return {
        "hook_event_name": "PermissionRequest",
        "session_id": session,
        "cwd": "/home/anna/shop",
        "tool_name": "Bash",
        "tool_input": {"command": command, "description": "Run the tests"},
    } | more


def edit(path: str = "/home/anna/shop/a.py", new: str = "two") -> dict[str, Any]:
    return call(tool_name="Edit", tool_input={"file_path": path, "old_string": "one", "new_string": new})


CALL = call()


@dataclass
class Agents:
    """Coding agents of Anna, and those who decide, in the console."""

    office: World
    console: Console
    _clients: dict[str, AsyncClient] = field(default_factory=dict[str, AsyncClient])

    async def hears(
        self, call: dict[str, Any], key: str = "laptop", policy: str = "production", holders: tuple[str, ...] = ()
    ) -> str:
        """What an agent hears at once that makes this call: `allow`, or `deny` as people are asked."""
        if key not in self._clients:
            asks, ci = [f"policy:{one}" for one in POLICIES if one in self.office.toml], self.console.api
            made = await ci.client(None, "ask", service=key, acts_for=["anna"], asks=asks, holders=holders)
            self._clients[key] = made
        answer = await self._clients[key].post(f"/v1/hooks/claude-code?wait_s=0&policy={policy}", json=call)
        assert answer.status_code == 200, answer.text
        told = answer.json().get("hookSpecificOutput", {"decision": {"behavior": ""}})
        return str(told["decision"]["behavior"])

    async def open(self) -> RequestRecord:
        """The request that was opened last, and is open."""
        found = max(await self.office.requests(), key=lambda one: one.request.opened_at)
        assert found.state == "open"
        return found

    async def answers(self, button: str = AGAIN, person: str = "bo") -> RequestRecord:
        """Press a button of the card that was opened last; return what it was about."""
        record, browser = await self.open(), await self.console.browser(person)
        page = await browser.get(f"/requests/{record.request.id}")
        await browser.submit(page.form(f"/requests/{record.request.id}/answer"), button)
        return record

    async def offers(self, person: str = "bo") -> bool:
        """Whether the card that was opened last has the button, for this person."""
        record, browser = await self.open(), await self.console.browser(person)
        return AGAIN in (await browser.get(f"/requests/{record.request.id}")).words

    async def allowed(self, call: dict[str, Any] = CALL, policy: str = "production") -> Standing:
        """Have it approved for the session, and used once."""
        assert await self.hears(call, policy=policy) == "deny"
        record = await self.answers()
        assert await self.hears(call, policy=policy) == "allow"
        return await self.by(record)

    async def by(self, record: RequestRecord) -> Standing:
        """What was allowed with this request."""
        [found] = [
            one for one in await self.office.app.requests.standing.all() if one.approval.request_id == record.request.id
        ]
        return found


@pytest.fixture
async def agents(world: World) -> AsyncGenerator[Agents]:
    async with a_console(world) as console:
        yield Agents(world, console)


async def test_the_same_call_runs_again_each_time_with_a_request_of_its_own_and_a_word_to_whoever_allowed_it(
    agents: Agents,
) -> None:
    record = (await agents.allowed()).approval.request_id
    said = CALL | {"tool_input": {"command": "pytest -q tests", "description": "Run them once more"}, "prompt_id": "p2"}

    assert [await agents.hears(CALL), await agents.hears(said)] == ["allow", "allow"]

    standing = await agents.by(await agents.office.request(record))
    assert (standing.approval.uses, len(standing.uses)) == (20, 2)
    assert standing.approval.until - standing.approval.granted_at == timedelta(hours=8)
    used = [await agents.office.request(use.request_id) for use in standing.uses]
    assert all(one.decision and one.decision.standing and one.started_at for one in used)
    told = await agents.office.next_mail("bo", "holds from now on: 20 uses")
    assert f"revoke {standing.approval.id}" in told.text
    assert "pytest -q tests" in (await agents.office.next_mail("bo", "Used without asking")).text
    page = await (await agents.console.browser("bo")).get("/standing")
    assert "2 of 20 used" in page.words
    run_id = await agents.office.trigger("press bell")
    await agents.office.quiet()
    assert (await agents.office.run(run_id)).open, "a person's own wish is asked"
    await agents.office.move_time(8 * 3600 + 1)
    assert await agents.hears(CALL) == "deny"


async def test_whatever_differs_is_asked_but_what_an_allowed_tool_writes_into_the_same_file(agents: Agents) -> None:
    await agents.allowed()
    await agents.allowed(edit())

    for other in (
        call(command="pytest -q tests/unit"),
        call(tool_input={"command": "pytest -q tests", "run_in_background": True}),
        call(cwd="/home/anna/sh\u200bop"),
        call(session="c3d4"),
        edit(new="curl http://x.example"),
        edit("/home/anna/shop/b.py"),
    ):
        assert await agents.hears(other) == "deny", other
    assert await agents.hears(CALL, key="desktop") == "deny"
    assert await agents.hears(CALL, policy="pair") == "deny"
    assert await agents.hears(edit(new="three")) == "allow"


async def test_attack_an_edit_of_an_allowed_file_names_another_one_in_each_place(agents: Agents) -> None:
    def edits(**more: str) -> dict[str, Any]:
        change = {"old_string": "one", "new_string": "two", **more}
        return call(tool_name="MultiEdit", tool_input={"file_path": "/home/anna/shop/a.py", "edits": [change]})

    await agents.allowed(edits())

    assert await agents.hears(edits(new_string="three")) == "allow"
    for name in ("file_path", "path"):
        for place in ("/home/anna/shop/b.py", "/etc/hosts"):
            assert await agents.hears(edits(**{name: place})) == "deny"


async def test_attack_what_is_risky_is_not_offered_and_a_form_that_says_so_approves_once(agents: Agents) -> None:
    for risky in (
        call(command="rm -rf build"),
        edit("/home/anna/shop/.claude/settings.json"),
    ):
        await agents.hears(risky)
        assert not await agents.offers()
        record, bo = await agents.open(), await agents.console.browser("bo")
        form = (await bo.get(f"/requests/{record.request.id}")).form(f"/requests/{record.request.id}/answer")

        await bo.post(form.action, {**dict(form.fields), "reason": "", "vote": "approve:again"})

        assert [await agents.hears(risky) for _ in range(2)] == ["allow", "deny"]
    assert await agents.office.app.requests.standing.all() == []


async def test_attack_a_program_that_opens_its_requests_itself_says_nothing_of_what_is_risky(agents: Agents) -> None:
    client = await agents.console.api.client(None, "ask", service="ci", acts_for=["anna"], asks=("policy:production",))
    given = {"tool": "Bash", "folder": "/home/anna/shop", "command": "rm -rf build"}
    body: dict[str, Any] = {"title": "List", "policy": "production", "session": "a1b2", "facts": {"Look twice": "no"}}

    opened = await client.post("/v1/requests", json=body | {"arguments": given})
    claims = await client.post("/v1/requests", json=body | {"arguments": given, "again": {"uses": 99, "within_s": 1}})

    assert opened.status_code == 201
    assert claims.status_code == 422
    assert not await agents.offers()


async def test_it_holds_though_the_call_that_it_came_with_was_let_run_elsewhere_meanwhile(agents: Agents) -> None:
    await agents.hears(CALL)
    record = await agents.answers()
    await agents.hears(CALL | {"hook_event_name": "PostToolUse"})

    assert [await agents.hears(CALL) for _ in range(2)] == ["allow", "allow"]
    assert not (await agents.by(record)).revoked


async def test_a_plain_approval_counts_once_and_who_stops_that_call_too_late_reads_when_it_began(
    agents: Agents,
) -> None:
    await agents.hears(CALL)
    assert await agents.offers()
    await agents.answers("Approve")
    assert await agents.hears(CALL) == "allow"
    letter = await agents.office.next_mail("anna", "It was allowed")

    await agents.office.reply("anna", letter, "stop")

    told = " ".join((await agents.office.next_mail("anna", "About")).text.split())
    assert "Too late: the program began it on" in told
    assert "revoke" not in told
    assert await agents.hears(CALL) == "deny"


@opens(MORE)
async def test_it_is_offered_where_the_policy_allows_standing_approvals_to_who_decides_alone(agents: Agents) -> None:
    for policy, offered in (
        ("none", ()), ("pair", ()), ("others", ("bo",)), ("own", ("anna", "bo")),
    ):  # fmt: skip
        await agents.hears(call(policy), policy=policy)
        assert tuple([one for one in ("anna", "bo") if await agents.offers(one)]) == offered, policy
        letter = await agents.office.next_mail("bo", about=(await agents.open()).request.id)
        assert ("Again this session" in letter.text) == bool(offered), policy
    standing = await agents.allowed(call("c3d4"), policy="less")
    assert standing.approval.until - standing.approval.granted_at == timedelta(hours=2)
    assert [await agents.hears(call("c3d4"), policy="less") for _ in range(2)] == ["allow", "deny"]
    await agents.hears(call("e5f6"), policy="own")
    await agents.answers(person="anna")
    assert [await agents.hears(call("e5f6"), policy="own") for _ in range(2)] == ["allow", "allow"]


async def test_attack_whoever_stops_it_in_answer_to_a_mail_about_it_is_told_that_nothing_is_left_to_stop(
    agents: Agents,
) -> None:
    standing, office = await agents.allowed(), agents.office
    assert await agents.hears(CALL) == "allow"
    await office.quiet()
    given, used = await office.next_mail("bo", "holds from now on"), await office.next_mail("bo", "Used without asking")

    for letter, words in ((given, "revoke"), (given, "Bitte beenden"), (used, "stop")):
        await office.reply("bo", letter, words)
        told = " ".join((await office.next_mail("bo", "About")).text.split())
        assert "nothing of it is left" not in told
        assert f"To end it, answer with nothing but: revoke {standing.approval.id}" in told, told
    await office.reply("bo", used, f"revoke {standing.approval.id}")
    await office.next_mail("bo", "is revoked")
    await office.reply("bo", used, "stop")
    assert "revoke" not in (await office.next_mail("bo", "About")).text, "it is over"


@pytest.mark.parametrize("words", few_of(["revoke", "Stop this please"], 0))
async def test_attack_a_stop_of_what_a_session_may_do_stops_another_call_of_it_and_its_writer_reads_of_that_alone(
    agents: Agents, words: str
) -> None:
    standing, office = await agents.allowed(), agents.office
    assert await agents.hears(CALL) == "allow"
    await agents.hears(call(command="make all"))
    letter = await office.next_mail("bo", "Used without asking")
    await office.next_mail("bo", "make all")

    await office.reply("bo", letter, words)

    told = " ".join((await office.next_mail("bo", "still holds in this session")).text.split())
    assert f"To end it, answer with nothing but: revoke {standing.approval.id}" in told
    assert [one.state for one in await office.requests() if "make all" in one.request.title] == ["denied"]


async def test_a_denial_of_the_call_that_it_came_with_ends_it_also_where_that_is_too_late(agents: Agents) -> None:
    early, late = call("early"), call("late")
    await agents.hears(early)
    record = await agents.answers()
    await agents.office.decide("cy", record, "deny")
    assert await agents.hears(early) == "deny"
    ended = await agents.by(record)
    assert ended.revoked
    kept = KeptStandings(agents.office.app.store)  # whoever wrote the denial may die before it ends there
    assert await kept.grant(ended.approval.model_copy(update={"id": kept.id_for("s0r-aaaaaaaaaaaaa")}))
    assert await agents.hears(early | {"prompt_id": "p2"}) == "deny"

    await agents.hears(late)
    record = await agents.answers()
    assert [await agents.hears(late) for _ in range(2)] == ["allow", "allow"]
    assert isinstance(await agents.office.decide("cy", record, "deny"), TooLate)
    assert await agents.hears(late) == "deny"
    revoked = (await agents.by(record)).revoked
    assert revoked
    assert revoked.by == "cy"


async def test_attack_the_log_has_no_word_of_what_a_denial_ended(agents: Agents) -> None:
    await agents.hears(early := call("early"))
    await agents.office.decide("cy", record := await agents.answers(), "deny")
    assert await agents.hears(early) == "deny"

    await agents.office.seal()
    [found], _ = await agents.office.app.audit.search(Query(kind="standing_revoked"))
    assert (found["who"], found["detail"]) == ("cy", {"standing": (await agents.by(record)).approval.id})


async def test_attack_a_no_to_the_same_call_that_was_asked_beside_it_ends_it(agents: Agents) -> None:
    office = agents.office
    for session in ("denied", "withdrawn", "another", "its own", "before"):
        await agents.hears(call(session, prompt_id="p1"))
        beside = await agents.open()
        await agents.hears(call(session, prompt_id="p2"))
        if session == "before":
            await office.decide("cy", beside, "deny", reply_id="once")
        record = await agents.answers()

        match session:
            case "denied":
                await office.decide("cy", beside, "deny")
            case "withdrawn":
                proof = as_by("console")
                await office.steering.withdraw(beside.request.id, PersonId("anna"), "", proof)
            case "its own":
                await agents.hears(call(session, prompt_id="p1", hook_event_name="PostToolUse"))
                assert (await office.request(beside.request.id)).state == "withdrawn"
            case "before":
                await office.decide("cy", beside, "deny", reply_id="once")
            case _:
                await agents.hears(call(session, "make all"))
                await office.decide("cy", await agents.open(), "deny")

        holds = session not in {"denied", "withdrawn"}
        assert await agents.hears(call(session, prompt_id="p3")) == ("allow" if holds else "deny"), session
        revoked = (await agents.by(record)).revoked
        assert (revoked and revoked.by) == {"denied": "cy", "withdrawn": "anna"}.get(session)


async def test_attack_the_run_of_the_same_call_that_was_asked_beside_it_is_cancelled(agents: Agents) -> None:
    await agents.hears(call(prompt_id="p1"))
    beside = await agents.open()
    await agents.hears(call(prompt_id="p2"))
    allowed = await agents.answers()

    await agents.office.steer(beside.request.run_id, "cancel")
    await agents.office.quiet()

    assert await agents.hears(call(prompt_id="p3")) == "deny"
    assert getattr((await agents.by(allowed)).revoked, "by", "") == "anna"


async def test_attack_an_approval_is_sent_again_whose_writer_died_before_they_wrote_what_it_allows(
    agents: Agents,
) -> None:
    """Somebody has denied the same call since, that was asked beside it: there was nothing yet that this could end."""
    office = agents.office
    await agents.hears(call(prompt_id="p1"))
    beside = await agents.open()
    await agents.hears(call(prompt_id="p2"))
    request = (await agents.open()).request
    seen, proof = bound_to(request, "digest"), as_by("console")
    said = Statement("once", PersonId("bo"), proof, seen, "approve", "", again=True)
    await office.app.requests.decisions.decide(request.id, said)
    store = office.app.store
    await store.client.do("DEL", Keys(0).standing(KeptStandings.id_for(request.run_id)))
    await office.decide("cy", beside, "deny")
    await office.quiet()

    await office.app.requests.decisions.decide(request.id, said)

    assert await agents.hears(call(prompt_id="p3")) == "deny"


@pytest.mark.parametrize("how", few_of(["early", "late"], 1))
async def test_attack_whoever_wrote_a_no_to_the_same_call_died_before_they_wrote_what_it_ends(
    world: World, how: str
) -> None:
    async with a_console(world) as console:
        agents = Agents(world, console)
        await agents.hears(call(prompt_id="p1"))
        beside = await agents.open()
        if how == "late":
            await agents.answers("Approve")
            assert await agents.hears(call(prompt_id="p1")) == "allow"
        await agents.hears(call(prompt_id="p2"))
        allowed = await agents.answers()
        await world.quiet()
    await world.stop()
    await world.start(works=False)
    await world.decide("cy", beside, "deny")
    kept = KeptStandings(world.app.store)
    unended = (await agents.by(allowed)).approval.model_copy(update={"id": kept.id_for("s0r-aaaaaaaaaaaaa")})
    assert await kept.grant(unended)
    await world.stop()
    await world.start()
    await world.quiet()

    left = await KeptStandings(world.app.store).read(unended.id)
    assert left
    assert getattr(left.revoked, "by", "") == "cy"


async def test_attack_a_run_that_is_cancelled_while_frozen_ends_what_was_allowed_with_it(agents: Agents) -> None:
    freezes = agents.office.app.requests.freezes
    fresh, used = call("fresh"), call("used")
    await freezes.freeze("", PersonId("dan"), "incident", proof=None)
    anna = await agents.console.api.client("anna", "steer")
    for one in (fresh, used):
        await agents.hears(one)
        record = await agents.answers()
        if one is used:
            assert await agents.hears(one | {"prompt_id": "p2"}) == "deny"
        assert (await anna.post(f"/v1/runs/{record.request.run_id}/cancel")).is_success
        await agents.office.quiet()
        assert getattr((await agents.by(record)).revoked, "by", "") == "anna"

    await freezes.unfreeze("", PersonId("dan"), "fixed", proof=None)

    for one in (fresh, used):
        assert [await agents.hears(one | {"prompt_id": again}) for again in ("p2", "p3")] == ["deny", "deny"]


@pytest.mark.parametrize("how", few_of(["a denial", "a withdrawal", "a cancelled run", "too late"], 0, 2))
async def test_attack_a_program_makes_a_call_again_that_somebody_took_back_though_its_session_allowed_it(
    agents: Agents, how: str
) -> None:
    office, freezes = agents.office, agents.office.app.requests.freezes
    record = await office.request((await agents.allowed()).approval.request_id)
    is_late = how == "too late"
    if not is_late:
        await freezes.freeze("", PersonId("dan"), "incident", proof=None)
    assert await agents.hears(CALL | {"prompt_id": "p2"}) == ("allow" if is_late else "deny")
    use = await office.request((await agents.by(record)).uses[-1].request_id)

    match how:
        case "a withdrawal":
            await office.steering.withdraw(use.request.id, PersonId("anna"), "", as_by("cli"))
        case "a cancelled run":
            await office.steer(use.request.run_id, "cancel")
        case _:
            assert isinstance(await office.decide("cy", use, "deny"), TooLate) is is_late
    await freezes.unfreeze("", PersonId("dan"), "fixed", proof=None)

    assert "revoked" in await office.app.requests.standing.lapsed(await agents.by(record))
    assert [await agents.hears(CALL | {"prompt_id": again}) for again in ("p3", "p4")] == ["deny", "deny"]


@pytest.mark.long
@opens(SPARE)
async def test_attack_who_decides_in_the_place_of_others_is_told_that_it_holds_and_is_asked_each_time(
    agents: Agents,
) -> None:
    office = agents.office
    for why in ("escalated", "handed on", "away"):
        if why == "away":
            await away(office, "bo", "dan")
        await agents.hears(call(why))
        if why == "escalated":
            await office.move_time(61 * 60)
            await office.quiet()
        if why == "handed on":
            await office.delegate("bo", await agents.open(), "dan")

        record = await agents.answers(person="dan")

        assert [await agents.hears(call(why)) for _ in range(3)] == ["allow", "allow", "allow"]
        assert len((await agents.by(record)).uses) == 2
        assert await office.next_mail("dan", "holds from now on: 20 uses")
    await becomes(office, NO_SPARE)
    assert [await agents.hears(call(why)) for why in ("escalated", "handed on", "away")] == ["deny"] * 3


@opens(ON_CALL)
async def test_attack_one_who_was_on_call_and_may_be_a_holder_of_the_key_has_allowed_it(agents: Agents) -> None:
    assert await agents.hears(CALL, holders=("anna", "eve")) == "deny"
    [on_call] = who_of(await agents.open()).named
    await agents.answers(person=on_call)
    assert await agents.hears(CALL) == "allow"
    await agents.office.move_time(3600)
    assert await agents.hears(CALL) == "allow"

    swapped = ON_CALL.replace("eve@", "held@").replace(f"{on_call}@", "eve@").replace("held@", f"{on_call}@")
    await becomes(agents.office, swapped)

    assert await agents.hears(CALL) == "deny"


async def test_it_ends_as_somebody_revokes_it_the_policy_changes_or_whoever_allowed_it_leaves(agents: Agents) -> None:
    standing = await agents.allowed()
    cy = await agents.console.browser("cy")
    page = await cy.get("/standing")
    await cy.submit(page.form(f"/standing/{standing.approval.id}/revoke"), "Revoke", reason="enough")
    assert await agents.hears(CALL) == "deny"
    await agents.answers()
    assert [await agents.hears(CALL) for _ in range(2)] == ["allow", "allow"]

    await becomes(agents.office, ALLOWED.replace('execute_within = "15m"', 'execute_within = "10m"'))
    assert await agents.hears(CALL) == "deny"
    await agents.answers()
    assert [await agents.hears(CALL) for _ in range(2)] == ["allow", "allow"]

    await becomes(agents.office, without(ALLOWED, "bo"))
    assert await agents.hears(CALL) == "deny"


@pytest.mark.parametrize("rule", few_of(['answer_from = ["slack"]', 'standing = "2 in 1h"'], 0))
async def test_attack_a_card_from_before_allows_it_by_rules_that_ask_for_more_by_now(agents: Agents, rule: str) -> None:
    assert await agents.hears(CALL) == "deny"
    toml = ALLOWED.replace('standing = "100 in 30d"\n', "") if "standing" in rule else ALLOWED
    await becomes(agents.office, toml.replace('execute_within = "15m"\n', f'execute_within = "15m"\n{rule}\n', 1))

    await agents.answers()

    assert [await agents.hears(CALL) for _ in range(2)] == ["allow", "deny"]
    assert await agents.office.app.requests.standing.all() == []
    assert await agents.office.next_mail("bo", "No standing approval was granted: The policy production has changed")

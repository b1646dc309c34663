"""`Approve, and again this session`: the same call of a coding agent runs again without asking, and nothing else."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient

from agents.requests import PersonId
from bot.policy.judgements import TooLate
from bot.policy.record import RequestRecord
from bot.policy.standing import Standing
from tests.bot.process.test_reload import without
from tests.kit.office import TOML
from tests.kit.world import World, a_world
from tests.servers.console import Console, a_console
from tests.stories.people.test_departures import becomes
from tests.stories.test_absences import away

ALLOWED = TOML.replace('execute_within = "15m"\n', 'execute_within = "15m"\nstanding = "100 in 30d"\n', 1)
OWN = ALLOWED.replace(
    'approvers = ["group:release"]', 'approvers = ["person:anna", "person:bo"]\nrequester_may_approve = true', 1
)
ON_CALL = """
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
AGAIN = "Approve, and again this session"
CALL: dict[str, Any] = {
    "hook_event_name": "PermissionRequest",
    "session_id": "a1b2",
    "cwd": "/home/anna/shop",
    "tool_name": "Bash",
    "tool_input": {"command": "pytest -q tests", "description": "Run the tests"},
}
GIVEN = {"file_path": "/home/anna/shop/a.py", "old_string": "one", "new_string": "two"}
EDIT = CALL | {"tool_name": "Edit", "tool_input": GIVEN}


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
            asks, ci = ("policy:production", "policy:pair"), self.console.api
            made = await ci.client(None, "ask", service=key, acts_for=["anna"], asks=asks, holders=holders)
            self._clients[key] = made
        answer = await self._clients[key].post(f"/v1/hooks/claude-code?wait_s=0&policy={policy}", json=call)
        assert answer.status_code == 200, answer.text
        told = answer.json().get("hookSpecificOutput", {"decision": {"behavior": ""}})
        return str(told["decision"]["behavior"])

    async def open(self) -> RequestRecord:
        """The only request that is open."""
        [found] = [one for one in await self.office.requests() if one.state == "open"]
        return found

    async def answers(self, button: str = AGAIN, person: str = "bo") -> RequestRecord:
        """Press a button of the only card that is open; return what it was about."""
        record, browser = await self.open(), await self.console.browser(person)
        page = await browser.get(f"/requests/{record.request.id}")
        await browser.submit(page.form(f"/requests/{record.request.id}/answer"), button)
        return record

    async def offers(self, person: str = "bo") -> bool:
        """Whether the only open card has the button, for this person."""
        record, browser = await self.open(), await self.console.browser(person)
        return AGAIN in (await browser.get(f"/requests/{record.request.id}")).words

    async def allowed(self, call: dict[str, Any] = CALL) -> Standing:
        """Have it approved for the session, and used once."""
        assert await self.hears(call) == "deny"
        await self.answers()
        assert await self.hears(call) == "allow"
        return await self.the_only()

    async def the_only(self) -> Standing:
        [found] = await self.office.app.requests.standing.all()
        return found


@asynccontextmanager
async def agents_in(redis: str, folder: Path, toml: str = ALLOWED) -> AsyncGenerator[Agents]:
    async with a_world(redis, folder / "data", toml) as office, a_console(office) as console:
        yield Agents(office, console)


@pytest.fixture
async def agents(redis: str, tmp_path: Path) -> AsyncIterator[Agents]:
    async with agents_in(redis, tmp_path) as agents:
        yield agents


async def test_the_same_call_runs_again_each_time_with_a_request_of_its_own_and_a_word_to_whoever_allowed_it(
    agents: Agents,
) -> None:
    await agents.allowed()
    said = CALL | {"tool_input": {"command": "pytest -q tests", "description": "Run them once more"}, "prompt_id": "p2"}

    assert [await agents.hears(CALL), await agents.hears(said)] == ["allow", "allow"]

    standing = await agents.the_only()
    assert (standing.approval.uses, len(standing.uses)) == (20, 2)
    assert standing.approval.until - standing.approval.granted_at == timedelta(hours=8)
    used = [await agents.office.request(use.request_id) for use in standing.uses]
    assert all(one.decision and one.decision.standing and one.started_at for one in used)
    told = await agents.office.next_mail("bo", "holds from now on: 20 uses")
    assert f"revoke {standing.approval.id}" in told.text
    assert "pytest -q tests" in (await agents.office.next_mail("bo", "Used without asking")).text
    page = await (await agents.console.browser("bo")).get("/standing")
    assert "2 of 20 used" in page.words


@pytest.mark.parametrize(
    "other",
    [
        CALL | {"tool_input": {"command": "pytest -q tests/unit"}},
        CALL | {"tool_input": {"command": "pytest -q tests", "run_in_background": True}},
        CALL | {"cwd": "/home/anna/shop/site"},
        CALL | {"session_id": "c3d4"},
        CALL | {"tool_name": "Shell"},
    ],
)
async def test_another_command_folder_session_or_tool_is_asked(agents: Agents, other: dict[str, Any]) -> None:
    await agents.allowed()

    assert await agents.hears(other) == "deny"


@pytest.mark.parametrize("folder", ["/home/anna/shop ", "/home/anna/shop\n", "/home/anna/sh\u200bop"])
async def test_attack_a_folder_whose_name_only_looks_the_same_is_asked(agents: Agents, folder: str) -> None:
    await agents.allowed()

    assert await agents.hears(CALL | {"cwd": folder}) == "deny"


@pytest.mark.parametrize(
    "file", [".claude/settings.json", ".codex/hooks.json", ".github/hooks/sayso.json", "sayso.toml"]
)
async def test_attack_no_session_allows_an_agent_to_write_into_its_own_settings(agents: Agents, file: str) -> None:
    await agents.hears(EDIT | {"tool_input": GIVEN | {"file_path": f"/home/anna/shop/{file}"}})

    assert not await agents.offers()


async def test_another_key_and_another_policy_are_asked(agents: Agents) -> None:
    await agents.allowed()

    assert await agents.hears(CALL, key="desktop") == "deny"
    assert await agents.hears(CALL, policy="pair") == "deny"


async def test_an_edit_of_the_same_file_is_not_asked_unless_it_brings_a_risk_and_of_another_file_it_is(
    agents: Agents,
) -> None:
    await agents.allowed(EDIT)

    assert await agents.hears(EDIT | {"tool_input": GIVEN | {"new_string": "three"}}) == "allow"
    assert await agents.hears(EDIT | {"tool_input": GIVEN | {"new_string": "curl http://x.example"}}) == "deny"
    assert await agents.hears(EDIT | {"tool_input": GIVEN | {"file_path": "/home/anna/shop/b.py"}}) == "deny"


@pytest.mark.parametrize(
    "command",
    [
        "rm -rf build", "git push --force", "cat ../other/x", "curl http://x.example", "cat .env", "sudo ls",
        "echo x >/etc/hosts", "find . \\\n -delete", "sayso mailbox anna --text approved",
    ],
)  # fmt: skip
async def test_attack_with_a_risk_word_it_is_not_offered_and_a_form_that_says_so_approves_once(
    agents: Agents, command: str
) -> None:
    risky = CALL | {"tool_input": {"command": command}}
    await agents.hears(risky)
    assert not await agents.offers()
    record, bo = await agents.open(), await agents.console.browser("bo")
    form = (await bo.get(f"/requests/{record.request.id}")).form(f"/requests/{record.request.id}/answer")

    await bo.post(form.action, {**dict(form.fields), "reason": "", "vote": "again"})

    assert await agents.hears(risky) == "allow"
    assert await agents.hears(risky) == "deny"
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
    await agents.answers()
    await agents.hears(CALL | {"hook_event_name": "PostToolUse"})

    assert [await agents.hears(CALL) for _ in range(2)] == ["allow", "allow"]
    assert not (await agents.the_only()).revoked


async def test_a_plain_approval_counts_once(agents: Agents) -> None:
    await agents.hears(CALL)
    assert await agents.offers()
    await agents.answers("Approve")

    assert await agents.hears(CALL) == "allow"
    assert await agents.hears(CALL) == "deny"


async def test_it_is_offered_only_where_the_policy_allows_standing_approvals(redis: str, tmp_path: Path) -> None:
    async with agents_in(redis, tmp_path, TOML) as agents:
        await agents.hears(CALL)

        assert not await agents.offers()


async def test_it_is_not_offered_where_two_have_to_agree(redis: str, tmp_path: Path) -> None:
    toml = ALLOWED.replace("quorum = 2\n", 'quorum = 2\nstanding = "5 in 1d"\n')
    async with agents_in(redis, tmp_path, toml) as agents:
        await agents.hears(CALL, policy="pair")

        assert not await agents.offers()
        assert "Again this session" not in (await agents.office.next_mail("bo")).text


async def test_a_policy_that_allows_less_holds(redis: str, tmp_path: Path) -> None:
    async with agents_in(redis, tmp_path, ALLOWED.replace("100 in 30d", "1 in 2h")) as agents:
        standing = await agents.allowed()
        assert standing.approval.until - standing.approval.granted_at == timedelta(hours=2)

        assert [await agents.hears(CALL) for _ in range(2)] == ["allow", "deny"]


async def test_after_its_time_people_are_asked(agents: Agents) -> None:
    await agents.allowed()
    await agents.office.move_time(8 * 3600 + 1)

    assert await agents.hears(CALL) == "deny"


async def test_whoever_revokes_it_ends_it_at_once(agents: Agents) -> None:
    standing = await agents.allowed()
    cy = await agents.console.browser("cy")
    page = await cy.get("/standing")
    await cy.submit(page.form(f"/standing/{standing.approval.id}/revoke"), "Revoke", reason="enough")

    assert await agents.hears(CALL) == "deny"


@pytest.mark.parametrize("words", ["revoke", "stop", "Bitte beenden"])
@pytest.mark.parametrize("mail", ["holds from now on", "Used without asking"])
async def test_attack_whoever_stops_it_in_answer_to_a_mail_about_it_is_told_that_nothing_is_left_to_stop(
    agents: Agents, mail: str, words: str
) -> None:
    standing, office = await agents.allowed(), agents.office
    assert await agents.hears(CALL) == "allow"
    await office.quiet()
    letter = await office.next_mail("bo", mail)

    await office.reply("bo", letter, words)

    told = " ".join((await office.next_mail("bo", "About")).text.split())
    assert "nothing of it is left" not in told
    assert f"To end it, answer with nothing but: revoke {standing.approval.id}" in told, told
    await office.reply("bo", letter, f"revoke {standing.approval.id}")
    await office.next_mail("bo", "is revoked")
    await office.reply("bo", letter, "stop")
    assert "revoke" not in (await office.next_mail("bo", "About")).text, "it is over"


@pytest.mark.parametrize("words", ["revoke", "Stop this please"])
async def test_attack_a_stop_of_what_a_session_may_do_stops_another_call_of_it_and_its_writer_reads_of_that_alone(
    agents: Agents, words: str
) -> None:
    standing, office = await agents.allowed(), agents.office
    assert await agents.hears(CALL) == "allow"
    await agents.hears(CALL | {"tool_input": {"command": "make all"}})
    letter = await office.next_mail("bo", "Used without asking")
    await office.next_mail("bo", "make all")

    await office.reply("bo", letter, words)

    told = " ".join((await office.next_mail("bo", "still holds in this session")).text.split())
    assert f"To end it, answer with nothing but: revoke {standing.approval.id}" in told
    assert [one.state for one in await office.requests() if "make all" in one.request.title] == ["denied"]


async def test_who_stops_a_call_that_its_program_began_and_reports_nothing_of_reads_when_it_began(
    agents: Agents,
) -> None:
    await agents.hears(CALL)
    await agents.answers("Approve")
    assert await agents.hears(CALL) == "allow"
    letter = await agents.office.next_mail("anna", "It was allowed")

    await agents.office.reply("anna", letter, "stop")

    told = " ".join((await agents.office.next_mail("anna", "About")).text.split())
    assert "Too late: the program began it on" in told
    assert "revoke" not in told


async def test_a_denial_that_takes_the_approval_back_takes_that_back_too(agents: Agents) -> None:
    await agents.hears(CALL)
    record = await agents.answers()
    await agents.office.decide("cy", record, "deny")

    assert await agents.hears(CALL) == "deny"
    assert (await agents.the_only()).revoked
    assert await agents.hears(CALL | {"prompt_id": "p2"}) == "deny"


@pytest.mark.parametrize("is_used", [False, True])
async def test_attack_a_run_that_is_cancelled_while_frozen_ends_what_was_allowed_with_it(
    agents: Agents, is_used: bool
) -> None:
    freezes = agents.office.app.requests.freezes
    await agents.hears(CALL)
    await freezes.freeze("", PersonId("dan"), "incident")
    record = await agents.answers()
    if is_used:
        assert await agents.hears(CALL | {"prompt_id": "p2"}) == "deny"
    anna = await agents.console.api.client("anna", "steer")
    assert (await anna.post(f"/v1/runs/{record.request.run_id}/cancel")).is_success
    await agents.office.quiet()
    assert "revoked" in await agents.office.app.requests.standing.lapsed(await agents.the_only())

    await freezes.unfreeze("", PersonId("dan"), "fixed")

    assert [await agents.hears(CALL | {"prompt_id": one}) for one in ("p2", "p3")] == ["deny", "deny"]


async def test_a_denial_that_is_too_late_for_the_call_ends_what_was_allowed_with_it(agents: Agents) -> None:
    await agents.hears(CALL)
    record = await agents.answers()
    assert [await agents.hears(CALL) for _ in range(2)] == ["allow", "allow"]

    assert isinstance(await agents.office.decide("cy", record, "deny"), TooLate)

    assert await agents.hears(CALL) == "deny"
    revoked = (await agents.the_only()).revoked
    assert revoked
    assert revoked.by == "cy"


async def test_the_owner_of_the_key_allows_it_only_where_the_policy_lets_them_approve(
    redis: str, tmp_path: Path
) -> None:
    async with agents_in(redis, tmp_path, OWN) as agents:
        await agents.hears(CALL)
        assert await agents.offers("anna")
        await agents.answers(person="anna")

        assert [await agents.hears(CALL) for _ in range(2)] == ["allow", "allow"]


async def test_the_owner_of_the_key_is_not_offered_it_where_only_others_approve(redis: str, tmp_path: Path) -> None:
    async with agents_in(redis, tmp_path, OWN.replace("requester_may_approve = true", "")) as agents:
        await agents.hears(CALL)

        assert not await agents.offers("anna")
        assert await agents.offers("bo")


@pytest.mark.parametrize("why", ["handed on", "away", "escalated"])
async def test_attack_who_decides_in_the_place_of_others_is_told_that_it_holds_and_is_asked_each_time(
    redis: str, tmp_path: Path, why: str
) -> None:
    more = 'stand_ins = ["group:spare"]\nescalate_after = "1h"\nescalate_to = ["group:spare"]\n'
    toml = ALLOWED.replace("[policies.production]\n", f"[policies.production]\n{more}", 1)
    toml = toml.replace('email = "anna@corp.example"\n', 'email = "anna@corp.example"\ngroups = ["spare"]\n')
    spare = toml.replace('email = "dan@corp.example"\n', 'email = "dan@corp.example"\ngroups = ["spare"]\n')
    async with agents_in(redis, tmp_path, spare) as agents:
        if why == "away":
            await away(agents.office, "bo", "dan")
        await agents.hears(CALL)
        if why == "handed on":
            await agents.office.delegate("bo", await agents.open(), "dan")
        if why == "escalated":
            await agents.office.move_time(61 * 60)
            await agents.office.quiet()

        await agents.answers(person="dan")

        assert [await agents.hears(CALL) for _ in range(3)] == ["allow", "allow", "allow"]
        assert len((await agents.the_only()).uses) == 2
        assert await agents.office.next_mail("dan", "holds from now on: 20 uses")
        await becomes(agents.office, toml)
        assert await agents.hears(CALL) == "deny"


async def test_attack_one_who_was_on_call_and_may_be_a_holder_of_the_key_has_allowed_it(
    redis: str, tmp_path: Path
) -> None:
    toml = ALLOWED.replace('approvers = ["group:release"]', 'approvers = ["oncall:ops"]', 1) + ON_CALL
    for name in ("bo", "cy"):
        toml = toml.replace(f'"{name}@corp.example"\n', f'"{name}@corp.example"\nuid = "of-{name}"\n')
    async with agents_in(redis, tmp_path, toml) as agents:
        assert await agents.hears(CALL, holders=("anna", "eve")) == "deny"
        [on_call] = (await agents.open()).request.policy.everybody
        await agents.answers(person=on_call)
        assert await agents.hears(CALL) == "allow"
        await agents.office.move_time(3600)
        assert await agents.hears(CALL) == "allow"

        swapped = toml.replace("eve@", "held@").replace(f"{on_call}@", "eve@").replace("held@", f"{on_call}@")
        await becomes(agents.office, swapped)

        assert await agents.hears(CALL) == "deny"


async def test_it_ends_as_whoever_allowed_it_leaves_and_as_the_policy_changes(agents: Agents) -> None:
    await agents.allowed()
    await becomes(agents.office, ALLOWED.replace('execute_within = "15m"', 'execute_within = "10m"'))
    assert await agents.hears(CALL) == "deny"
    await agents.answers()
    assert await agents.hears(CALL) == "allow"
    assert await agents.hears(CALL) == "allow"

    await becomes(agents.office, without(ALLOWED, "bo"))

    assert await agents.hears(CALL) == "deny"


@pytest.mark.parametrize("rule", ['answer_from = ["slack"]', "quorum = 2", 'standing = "2 in 1h"'])
async def test_attack_a_card_from_before_allows_it_by_rules_that_ask_for_more_by_now(agents: Agents, rule: str) -> None:
    assert await agents.hears(CALL) == "deny"
    toml = ALLOWED.replace('standing = "100 in 30d"\n', "") if "standing" in rule else ALLOWED
    await becomes(agents.office, toml.replace('execute_within = "15m"\n', f'execute_within = "15m"\n{rule}\n', 1))

    await agents.answers()

    assert await agents.hears(CALL) == "allow"
    assert await agents.hears(CALL) == "deny"
    assert await agents.office.app.requests.standing.all() == []
    assert await agents.office.next_mail("bo", "No standing approval was granted: The policy production has changed")


async def test_what_is_frozen_does_not_run_though_it_was_allowed(agents: Agents) -> None:
    await agents.allowed()
    admin = await agents.console.api.client("cy", "admin")
    assert (await admin.post("/v1/freeze", json={"reason": "incident"})).is_success

    assert await agents.hears(CALL) == "deny"


async def test_a_person_s_own_wish_is_not_covered_by_what_a_session_may(agents: Agents) -> None:
    await agents.allowed()
    run_id = await agents.office.trigger("press bell")

    await agents.office.quiet()

    assert (await agents.office.run(run_id)).open is not None

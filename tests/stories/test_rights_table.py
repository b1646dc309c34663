"""The table of rights as every route meets it: each role, each action, each surface. A new route needs a row here."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from httpx2 import AsyncClient, Response

from agents.requests import PersonId
from bot.audit.reading import Query
from bot.operations import (
    CANCEL,
    CONFIRM_HELD,
    CONFIRM_PEOPLE,
    DISCARD,
    END_ABSENCE,
    FREEZE,
    PAUSE,
    REQUEUE,
    RESUME,
    REVOKE,
    SAME,
    SET_ABSENCE,
    UNFREEZE,
    Operation,
)
from bot.people.api_keys import SCOPES
from bot.people.rights import RIGHTS, Action
from bot.policy.approvers.concern import Concern
from bot.web.console.application import ROUTES
from bot.web.operations import SERVED
from channels import ByUser, Trigger
from tests.bot.cli.shell import elsewhere
from tests.bot.web.console.stage import Fields, proof
from tests.fakes.hallway import Hallway
from tests.kit.office import ROLES, TOML
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.console import Browser, a_console
from tests.servers.web import Api, serving

THREAD = "C01OPS/1712345678.000100"
PEOPLE = ("anna", "bo", "dan", "vic", "eve", "ole", "ada")
# Anna asks, Bo, Cy and Vic decide; Vic is a viewer, Ole an operator, Ada an admin, Dan hears the alerts.
RELEASING = ROLES.replace('email = "vic@corp.example"\n', 'email = "vic@corp.example"\ngroups = ["release"]\n', 1)
ITS_USER = ByUser(user="U0SOMEBODY", team="T0TEAM", did="wrote")
SOON = "2099-01-01T00:00:00Z"


@dataclass(frozen=True)
class Row:
    """The actions that a route needs, all of them, and what makes it a request that could be granted.

    `no`: why it needs no more than a session, or a key with the scope of `reads`.
    """

    actions: tuple[Action, ...] = ()
    body: Mapping[str, Any] | None = None
    query: str = ""
    no: str = ""
    reads: Action = "see"
    names: Mapping[str, str] = field(default_factory=dict[str, str])


OWN = "everybody's own business"
SHOWN = "shows what concerns whoever asks, and no more"
ALL = "open to everybody who reads"
ASKERS = "for the one key that asked, and not there for any other"

VERBS: Mapping[Operation, Row] = {
    FREEZE: Row(("freeze",), {"environment": "staging", "reason": "incident"}),
    UNFREEZE: Row(("freeze",), {"environment": "staging", "reason": "fixed"}),
    SET_ABSENCE: Row(("absent",), {"person": "cy", "until": SOON}),
    END_ABSENCE: Row(("absent",), {"person": "cy"}),
    REQUEUE: Row(("dead",)),
    DISCARD: Row(("dead",)),
    CONFIRM_HELD: Row(("dead",)),
    SAME: Row(("same",), {"known_by": "cy", "person": "cy"}),
    CONFIRM_PEOPLE: Row(("confirm",), {"digest": "0123456789abcdef"}),
    PAUSE: Row(("pause",)),
    RESUME: Row(("resume",)),
    CANCEL: Row(("cancel",)),
    REVOKE: Row(no="for whom it concerns: tests/bot/web/standing", reads="answer"),
}
"""What several surfaces have, which is the same right on each."""

HTTP: Mapping[str, Row] = {
    "startRun": Row(("trigger",), {"text": "stamp it"}),
    "listRuns": Row(no=SHOWN),
    "importRun": Row(("import",), {"exported": True}),
    "showRun": Row(("see",)),
    "runEvents": Row(("see",)),
    "exportRun": Row(("see",)),
    "showContext": Row(("see",), query="step=1"),
    "forkRun": Row(("fork",), {"at": 1}),
    "retryRun": Row(("retry",), {}),
    "openRequest": Row(("trigger",), {"format": "yes_no", "question": "Is it?", "to": ["person:{me}"]}),
    "listRequests": Row(no=SHOWN),
    "showRequest": Row(("see",)),
    "showOutcome": Row(("see",)),
    "answerRequest": Row(("answer",), {"vote": "deny"}),
    "editRequest": Row(("answer",), {"args": {"it": "that"}, "digest": "{digest}"}),
    "delegateRequest": Row(("answer",), {"to": "bo"}),
    "withdrawRequest": Row(("withdraw",), {}),
    "listStanding": Row(no=SHOWN),
    "askForStanding": Row(("see", "trigger"), {"run": "{run_id}", "uses": 1, "until": SOON}),
    "listPeople": Row(no=ALL),
    "listEnvironments": Row(no=SHOWN),
    "startRequest": Row(no=ASKERS, body={"attempt": "a"}, reads="trigger"),
    "finishRequest": Row(no=ASKERS, body={"attempt": "a", "ok": True, "summary": "x"}, reads="trigger"),
    "listPolicies": Row(no=SHOWN, reads="trigger"),
    "explainPolicy": Row(("explain",), query="person=anna", names={"name": "production"}),
    "listFreezes": Row(no=ALL),
    "listAbsences": Row(no=ALL),
    "showStatus": Row(no=ALL),
    "listDeadLetters": Row(("dead",)),
    "searchAudit": Row(("audit",)),
    **{verb.id: row for verb, row in VERBS.items()},
}
"""By the operation's id. What ends the run comes last of what is done to it."""

WITHDRAW = "POST /requests/{request_id}/withdraw"
"""Tells a refusal on the page of the request."""
DEMO = "beside `sayso dev` only"
CONSOLE: Mapping[str, Row] = {
    "GET /": Row(no=OWN),
    "POST /ask": Row(("trigger",), {"text": "stamp it"}),
    "GET /login": Row(no=OWN),
    "POST /login": Row(no=OWN),
    "POST /login/mail": Row(no=OWN),
    "POST /logout": Row(no=OWN),
    "POST /as": Row(no=DEMO),
    "GET /now": Row(no=SHOWN),
    "GET /runs": Row(no=SHOWN),
    "GET /runs/now": Row(no=SHOWN),
    "GET /runs/{run_id}": Row(("see",)),
    "GET /runs/{run_id}/now": Row(("see",)),
    "GET /runs/{run_id}/files/{sha256}": Row(("see",)),
    "GET /runs/{run_id}/confirm/{verb}": Row(("pause",), names={"verb": "pause"}),
    "POST /runs/{run_id}/fork": Row(("fork",), {"at": "1"}),
    "POST /runs/{run_id}/retry": Row(("retry",)),
    "GET /requests": Row(no=SHOWN),
    "GET /requests/now": Row(no=SHOWN),
    "GET /requests/deny": Row(("see",), query="pick={request_id}"),
    "POST /requests/deny": Row(("answer",), {"pick": "{request_id}"}),
    "GET /requests/{request_id}": Row(("see",)),
    "GET /requests/{request_id}/now": Row(("see",)),
    "GET /requests/{request_id}/changes": Row(("see",)),
    "POST /requests/{request_id}/answer": Row(("answer",), {"vote": "deny"}),
    "GET /requests/{request_id}/hand-on": Row(("answer",)),
    "POST /requests/{request_id}/hand-on": Row(("answer",), {"to": "bo"}),
    "GET /requests/{request_id}/edit": Row(("answer",)),
    "POST /requests/{request_id}/edit": Row(("answer",)),
    WITHDRAW: Row(("withdraw",)),
    "GET /mail": Row(no=DEMO),
    "GET /mail/{person}": Row(no=DEMO),
    "GET /mail/{person}/now": Row(no=DEMO),
    "GET /mail/{person}/{letter_id}": Row(no=DEMO),
    "POST /mail/{person}/{letter_id}": Row(no=DEMO),
    "GET /live": Row(no=ALL),
    "GET /live/part": Row(no=ALL),
    "GET /quarantine": Row(("dead",)),
    "GET /policies": Row(("explain",), query="person=anna"),
    "GET /audit": Row(("audit",)),
    "GET /audit/export": Row(("audit",)),
    "GET /standing": Row(no=SHOWN),
    "POST /standing": Row(("see", "trigger"), {"run": "{run_id}", "uses": "1", "until": "2099-01-01"}),
    "GET /keys": Row(no=OWN),
    "POST /keys": Row(no=OWN),
    "POST /keys/{some_id}/revoke": Row(("keys",)),
    "GET /static/{name}": Row(no="a file of ours"),
    **{f"POST {verb.form}": row for verb, row in VERBS.items() if verb.form},
}


@pytest.fixture
async def office(redis: str, tmp_path: Path, hallway: Hallway) -> AsyncIterator[World]:
    async with a_world(redis, tmp_path / "data", TOML + RELEASING, beside=[hallway]) as world:
        yield world


OF_ANNA = Concern(frozenset({PersonId("anna")}), frozenset(map(PersonId, ("bo", "cy", "vic"))))


@dataclass(frozen=True)
class Place:
    """A run of Anna's, and its request, which Bo, Cy and Vic may decide: what a route is about."""

    names: Mapping[str, str]
    concern: Concern = OF_ANNA

    def filled(self, said: Any, me: str, names: Mapping[str, str]) -> Any:
        """`said` with the names of this place, of whoever asks, and `names`."""
        match said:
            case str():
                return said.format(**{**self.names, "me": me, **names})
            case Mapping():
                return {key: self.filled(one, me, names) for key, one in cast("Mapping[str, Any]", said).items()}
            case list():
                return [self.filled(one, me, names) for one in cast("list[Any]", said)]
            case _:
                return said


@pytest.fixture
async def place(office: World) -> Place:
    record = await office.opened(await office.trigger("press it"))
    request = record.request
    there = {"run_id": request.run_id, "request_id": request.id, "digest": request.digest}
    nowhere = {"standing_id": "s0g-aaaaaaaaaaaaa", "some_id": "s0i-aaaaaaaaaaaaa", "sha256": "0" * 64}
    return Place(there | nowhere | {"letter_id": "1", "person": "bo", "name": "console.css"})


def refusal(office: World, person: str, row: Row, place: Place) -> Action | None:
    """The first action of a route that the table of rights refuses somebody, of that run and of Cy."""
    if row.no == ASKERS:
        return row.reads
    rights = office.app.access.rights
    who = rights.of_person(PersonId(person), None)
    for action in row.actions:
        match action:
            case "explain":
                denied = rights.asking_denial(who, PersonId("anna"))
            case "absent":
                denied = rights.absence_denial(who, "cy")
            case _ if RIGHTS[action].part:
                denied = rights.denial(who, action, place.concern, place.names["run_id"])
            case _:
                denied = rights.denial_at_all(who, action)
        if denied:
            return action
    return None


def expected(office: World, rows: Mapping[str, Row], place: Place) -> dict[tuple[str, str], Action]:
    """Whom each route refuses which action, by the table."""
    found: dict[tuple[str, str], Action | None] = {
        (route, one): refusal(office, one, row, place) for route, row in rows.items() for one in PEOPLE
    }
    return {where: action for where, action in found.items() if action is not None}


async def are_audited(office: World, refusals: Mapping[tuple[str, str], str], *channels: str) -> None:
    """Returns once exactly these refusals are in the audit log, each with what proved who it was."""
    wanted = Counter((person, action) for (_, person), action in refusals.items())

    async def told() -> list[dict[str, Any]]:
        found, _ = await office.app.audit.search(Query(kind="refused"), limit=1_000)
        return [*found] if len(found) >= wanted.total() else []

    found: list[dict[str, Any]] = await until(told, what=f"{wanted.total()} refusals are sealed")
    assert Counter((one["who"], one["detail"]["action"]) for one in found) == wanted
    assert {one["channel"] for one in found} <= set(channels)
    assert all(one["evidence"] for one in found)


async def operations(api: Api) -> dict[str, tuple[str, str]]:
    """The method and the path of every operation by its id."""
    described = (await api.with_key(None).get("/openapi.json")).json()["paths"]
    every = [(one["operationId"], (method, path)) for path, its in described.items() for method, one in its.items()]
    return {name: where for name, where in every if where[1].startswith("/v1/")}


async def called(client: AsyncClient, where: tuple[str, str], row: Row, place: Place, me: str) -> Response:
    """The answer to an operation of this place."""
    path, body = (place.filled(one, me, row.names) for one in (f"{where[1]}?{row.query}", row.body))
    return await client.request(where[0].upper(), path, json=body)


def is_refused(answer: Response) -> bool:
    """Whether a right is missing: also where a run is hidden. Not, where the policy or the moment is against it."""
    kind, detail = (answer.json()[name].rpartition(":")[2] for name in ("type", "detail"))
    is_hidden = kind == "not-found" and detail.startswith(("There is no run", "There is no request"))
    return kind in {"not-yours", "scope-missing"} or is_hidden


async def test_over_http_each_action_is_for_whom_the_table_says(office: World, place: Place) -> None:
    async with serving(office.app) as api:
        every = await operations(api)
        assert every.keys() == HTTP.keys(), "a new operation needs a row here, and the right in its code"
        assert VERBS.keys() == {one.operation for one in SERVED}
        clients = {person: await api.client(person, "admin") for person in PEOPLE}
        exported = (await clients["ada"].get(f"/v1/runs/{place.names['run_id']}/export")).json()
        rows = {**HTTP, "importRun": Row(("import",), exported)}

        refused = set[tuple[str, str]]()
        for name, row in rows.items():
            for person, client in clients.items():
                answer = await called(client, every[name], row, place, person)
                refused |= {(name, person)} if answer.is_error and is_refused(answer) else set()

        wanted = expected(office, rows, place)
        assert refused == wanted.keys()
        await are_audited(office, wanted, "api")


async def test_over_http_each_action_needs_the_scope_that_the_table_says(office: World, place: Place) -> None:
    ordinary = [scope for scope in SCOPES if scope not in {"ask", "admin"}]
    async with serving(office.app) as api:
        every, refusals = await operations(api), dict[tuple[str, str], str]()
        for name, row in HTTP.items():
            action = row.actions[-1] if row.actions else row.reads
            scope = RIGHTS[action].scope
            client = await api.client("ada", *(one for one in ordinary if one != scope))

            answer = await called(client, every[name], row, place, "ada")

            assert (answer.status_code, answer.json()["type"]) == (403, "urn:sayso:problem:scope-missing"), name
            assert f"needs the scope {scope};" in answer.json()["detail"], name
            refusals[name, "ada"] = action
        await are_audited(office, refusals, "api")


async def test_in_the_console_each_action_is_for_whom_the_table_says(office: World, place: Place) -> None:
    every = {f"{method} {one.path}" for one in ROUTES for method in (one.methods or ()) if method != "HEAD"}
    assert every == CONSOLE.keys(), "a new page needs a row here, and the right in its code"
    wanted = expected(office, CONSOLE, place)
    async with a_console(office) as console:
        for person in PEOPLE:
            browser = await console.browser(person)
            own = await proof(browser)
            for name, row in CONSOLE.items():
                if row.actions:
                    status = await opened(browser, name, row, place, own)
                    may = {303, 404} if name == WITHDRAW else {403, 404}
                    assert (status in may) if (name, person) in wanted else status != 403, (name, person, status)
        await are_audited(office, wanted, "console")


async def opened(browser: Browser, name: str, row: Row, place: Place, own: Fields) -> int:
    """The status of a page or a form of this place; some pages follow without end, so only how it begins."""
    method, _, path = name.partition(" ")
    path, body = (place.filled(one, own["as"], row.names) for one in (f"{path}?{row.query}", row.body or {}))
    if method == "POST":
        return (await browser.post(path, own | body)).status_code
    async with browser.open(method, path) as answer:
        return answer.status_code


TERMINAL: Mapping[tuple[str, ...], Row] = {
    ("trigger", "stamp it"): Row(("trigger",)),
    ("show", "{run_id}"): Row(("see",)),
    ("export", "{run_id}"): Row(("see",)),
    ("pause", "{run_id}"): Row(("pause",)),
    ("resume", "{run_id}"): Row(("resume",)),
    ("fork", "{run_id}", "--at", "1"): Row(("fork",)),
    ("retry", "{run_id}"): Row(("retry",)),
    ("answer", "{request_id}", "deny"): Row(("see",)),
    ("answer", "{request_id}", "edit", "--set", "it=that"): Row(("see",)),
    ("withdraw", "{request_id}"): Row(("withdraw",)),
    ("cancel", "{run_id}"): Row(("cancel",)),
    ("policies", "explain", "production", "--as", "anna"): Row(("explain",)),
    ("freeze", "--reason", "incident"): Row(("freeze",)),
    ("unfreeze", "--reason", "fixed"): Row(("freeze",)),
    ("absence", "set", "--person", "cy", "--until", SOON): Row(("absent",)),
    ("dead",): Row(("dead",)),
    ("audit", "export"): Row(("audit",)),
}
"""A command of each action. They all speak HTTP, with the key of whoever types; Redis itself asks nobody."""


@pytest.mark.long
async def test_in_a_terminal_each_action_is_for_whom_the_table_says(
    office: World, place: Place, tmp_path: Path
) -> None:
    wanted, refusals = (
        expected(office, {" ".join(one): row for one, row in TERMINAL.items()}, place),
        dict[tuple[str, str], Action](),
    )
    async with serving(office.app) as api:
        keys = {person: (await api.key(person, "admin"))[1] for person in PEOPLE}
        for words in TERMINAL:
            name = " ".join(words)
            refused = [person for person in PEOPLE if (name, person) in wanted]
            allowed = [person for person in PEOPLE if (name, person) not in wanted]
            for person in dict.fromkeys((refused[0], refused[-1], allowed[-1])):
                typed = [place.filled(word, person, {}) for word in words]
                ended = await elsewhere(tmp_path, *typed, SAYSO_URL=api.url, SAYSO_API_KEY=keys[person])
                if person != allowed[-1]:
                    assert (ended.code, ended.out) == (1, ""), (name, person, ended)
                    refusals[name, person] = wanted[name, person]
        await are_audited(office, refusals, "api")


SAID: Mapping[str, Row] = {"stamp it": Row(("trigger",)), "freeze everything: incident": Row(("freeze",))}
"""What somebody may say in a thread of its own, and by mail."""


async def test_in_threads_and_by_mail_each_says_what_the_table_allows(office: World, hallway: Hallway) -> None:
    inbox, gate = office.app.messages.inbox, office.workshop.hold("letter")
    run = office.app.runs.starter.run_id(await inbox.accept(hallway.begins("anna", "stamp letter", THREAD)))
    await until(lambda: office.workshop.started, what="it stamps")
    in_its_thread = Place({"run_id": run}, Concern(frozenset({PersonId("anna")}), frozenset(map(PersonId, PEOPLE))))

    for person in PEOPLE:
        await inbox.accept(hallway.follows(person, "stop", THREAD, is_addressed=True, known=ITS_USER))
        for text in SAID:
            said = Trigger(person=person, text=text, thread=f"{THREAD}{person}{text}", known=ITS_USER)
            await inbox.accept(hallway.item(said, begins=said.thread))
            await office.send(person, "sayso@sayso.example", text)
    gate.set()
    await office.quiet()

    by_either = expected(office, SAID, in_its_thread)
    by_mail = {(f"{text} by mail", person): action for (text, person), action in by_either.items()}
    # Whoever reads a thread knows of its run: nothing is hidden there.
    steered = expected(office, {"stop": Row(("write",))}, in_its_thread)
    await are_audited(office, by_either | by_mail | steered, "slack", "email")

"""What a coding agent hears as it asks by a hook whether it may use a tool, and what people see of it."""

import asyncio
from typing import Any

import pytest
from httpx2 import AsyncClient, Response

from agents.requests import RunId
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import a_console
from tests.servers.web import Api

CLAUDE: dict[str, Any] = {
    "hook_event_name": "PermissionRequest",
    "session_id": "a1b2",
    "prompt_id": "p1",
    "cwd": "/home/anna/shop",
    "permission_mode": "default",
    "tool_name": "Bash",
    "tool_input": {"command": "rm -rf build", "description": "Clear the build"},
}
COPILOT: dict[str, Any] = {
    "hookName": "permissionRequest",
    "sessionId": "c3d4",
    "timestamp": 1,
    "cwd": "/home/anna/shop",
    "toolName": "bash",
    "toolInput": {"command": "rm -rf build"},
}
ALLOWED = {"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": {"behavior": "allow"}}}


async def agent(api: Api, *asks: str) -> AsyncClient:
    return await api.client(None, "ask", service="laptop", acts_for=["anna"], asks=asks or ("policy:production",))


async def asks(client: AsyncClient, told: dict[str, Any], where: str = "claude-code", **more: Any) -> Response:
    return await client.post(f"/v1/hooks/{where}", json=told | more)


async def opened(api: Api, but: str = "", sees: str = "bo") -> dict[str, Any]:
    """The request that is open, once there is one that is not `but`, as this person sees it."""
    client, found = await api.client(sees), list[dict[str, Any]]()

    async def is_open() -> bool:
        nonlocal found
        requests = (await client.get("/v1/requests?state=open")).json()["requests"]
        found = [one for one in requests if one["id"] != but]
        return bool(found)

    await until(is_open, what="a request is open")
    return found[0]


async def votes(api: Api, request: dict[str, Any], vote: str = "approve", **more: Any) -> None:
    body = {"vote": vote, "digest": request["digest"], **more}
    answer = await (await api.client("bo")).post(f"/v1/requests/{request['id']}/answer", json=body)
    assert answer.status_code == 200, answer.text


def message(answer: Response) -> str:
    return answer.json()["hookSpecificOutput"]["decision"]["message"]


@pytest.fixture
async def client(api: Api) -> AsyncClient:
    return await agent(api)


async def state(api: Api, request: dict[str, Any]) -> str:
    return (await (await api.client("bo")).get(f"/v1/requests/{request['id']}")).json()["state"]


async def decided(
    api: Api, client: AsyncClient, told: dict[str, Any] = CLAUDE, vote: str = "approve", where: str = "claude-code"
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The request about a call, and what its agent hears once Bo has decided it."""
    asking = asyncio.create_task(asks(client, told, where))
    request = await opened(api)
    await votes(api, request, vote, **({"reason": "not on a Friday"} if vote == "deny" else {}))
    return request, (await asking).json()


async def test_people_see_exactly_what_where_and_what_is_risky_and_a_yes_lets_it_run_and_ends_it(
    world: World, api: Api, client: AsyncClient
) -> None:
    asking = asyncio.create_task(client.post("/v1/hooks/claude-code", json=CLAUDE, headers={"Sayso-Machine": "zebra"}))
    request = await opened(api)
    await votes(api, request)
    answer = await asking

    assert answer.json() == ALLOWED
    assert "Claude Code: run rm -rf build" in request["title"]
    assert request["call"]["arguments"]["arguments"] == {
        "tool": "Bash", "folder": "/home/anna/shop", "command": "rm -rf build", "description": "Clear the build",
    }  # fmt: skip
    assert request["call"]["arguments"]["facts"]["Machine"] == "zebra"
    letter = (await world.next_mail("bo")).text
    assert "Look closely:\n⚠ deletes: “rm”" in letter, "not among what the program says"
    told = await world.next_mail("anna", "It was allowed")
    assert told.subject.startswith("Answered: Claude Code: run rm -rf build")
    run = await world.run(request["run_id"])
    assert run.ended
    assert (run.ended.outcome, run.ended.change) == ("done", "not_wanted")
    bo = await api.client("bo")
    assert (await bo.get(f"/v1/requests/{request['id']}")).json()["started_at"]
    assert not (await bo.get("/v1/requests?state=open")).json()["requests"], "whether it happened"


async def test_a_change_of_a_file_is_read_as_lines_and_nothing_stands_in_the_place_of_the_folder(
    world: World, api: Api, client: AsyncClient
) -> None:
    lines = {"old_string": "def f():\n    return 1\n", "new_string": "def f():\n    return 2\n"}
    change = {"file_path": "/home/anna/shop/a.py", **lines}
    await asks(client, CLAUDE, tool_name="Edit", tool_input=change, where="claude-code?wait_s=0")
    first, letter = await opened(api), await world.next_mail("bo")
    given = {"command": "make", "folder": "/home/anna/harmless"}
    await asks(client, CLAUDE, tool_input=given, where="claude-code?wait_s=0")
    arguments = (await opened(api, but=first["id"]))["call"]["arguments"]["arguments"]

    assert "Argument “change”:\n\n|  def f():\n| -    return 1\n| +    return 2\n\n" in letter.text
    assert arguments == {"tool": "Bash", "folder": "/home/anna/shop", "input": given}


async def test_the_questions_of_an_agent_are_a_form_and_it_hears_what_was_chosen(world: World, api: Api) -> None:
    questions = [
        {"question": "Which store?", "header": "Store", "multiSelect": False,
         "options": [{"label": "Postgres", "description": "What we know"}, {"label": "SQLite", "description": ""}]},
        {"question": "Which tests?", "header": "Tests", "multiSelect": True,
         "options": [{"label": "unit", "description": ""}, {"label": "load", "description": ""}]},
    ]  # fmt: skip
    told = CLAUDE | {"tool_name": "AskUserQuestion", "tool_input": {"questions": questions}}
    client = await agent(api, "policy:production", "person:bo")
    asking = asyncio.create_task(asks(client, told))
    request = await opened(api)
    form = {"1": "SQLite", "2.1": True, "2.2": False}
    answer = await (await api.client("bo")).post(f"/v1/requests/{request['id']}/answer", json={"form": form})
    heard, again = (await asking).json(), (await asks(client, told)).json()
    asked = await world.events(request["run_id"])
    await asks(client, told, hook_event_name="PostToolUse")

    assert await world.events(request["run_id"]) == asked, "it was made with this answer"
    assert answer.status_code == 200, answer.text
    assert "- Postgres: What we know" in request["quoted"]
    given = heard["hookSpecificOutput"]["decision"]
    assert given["behavior"] == "allow"
    assert given["updatedInput"] == {
        "questions": questions, "answers": {"Which store?": "SQLite", "Which tests?": "unit"},
    }  # fmt: skip
    assert again == heard


async def test_a_long_question_and_a_long_option_are_asked_and_the_agent_hears_its_own_words(
    world: World, api: Api
) -> None:
    """An option that is recommended in brackets is chosen by mail."""
    store = {"question": "Which store?", "multiSelect": False}
    labels = [f"Migrate {what} {'and what belongs to it ' * 5}".strip() for what in ("orders", "customers")]
    question = ("Which table, " + "as we have talked about it before, " * 20)[:600].strip()
    asked = {"question": question, "multiSelect": True, "options": [{"label": one} for one in labels]}
    told = CLAUDE | {"tool_name": "AskUserQuestion", "tool_input": {"questions": [asked]}}
    client = await agent(api, "policy:production", "person:bo")
    assert "stays open" in message(await asks(client, told, "claude-code?wait_s=0"))
    asking, request = asyncio.create_task(asks(client, told)), await opened(api)
    fields = request["fields"]
    form = {"1.1": False, "1.2": True}
    answer = await (await api.client("bo")).post(f"/v1/requests/{request['id']}/answer", json={"form": form})
    given = (await asking).json()["hookSpecificOutput"]["decision"]
    options = [{"label": one, "description": ""} for one in ("Postgres (Recommended)", "SQLite (a file)")]
    told = CLAUDE | {"tool_name": "AskUserQuestion", "tool_input": {"questions": [store | {"options": options}]}}
    await asks(client, told, "claude-code?wait_s=0")
    await world.reply("bo", await world.next_mail("bo", about="Which store?"), "Which store?: SQLite (a file)")
    by_mail = (await asks(client, told)).json()["hookSpecificOutput"]["decision"]

    assert answer.status_code == 200, answer.text
    assert by_mail["updatedInput"]["answers"] == {"Which store?": "SQLite (a file)"}
    assert all(one in " ".join(request["quoted"].split()) for one in [question, *labels])
    assert [one["label"][:15] for one in fields] == ["1. Migrate orde", "1. Migrate cust"]
    assert given["updatedInput"]["answers"] == {question: labels[1]}


async def test_each_program_reads_a_denial_in_its_own_shape_with_its_reason(api: Api, client: AsyncClient) -> None:
    before = CLAUDE | {"hook_event_name": "PreToolUse", "tool_use_id": "t1"}
    _, told = await decided(api, client, CLAUDE, "deny")
    _, told_before = await decided(api, client, before, "deny")
    _, copilot = await decided(api, client, COPILOT, "deny", "copilot")

    assert told["hookSpecificOutput"]["decision"]["behavior"] == "deny"
    assert told_before["hookSpecificOutput"]["permissionDecision"] == "deny"
    assert copilot["behavior"] == "deny"
    assert "Denied by bo: not on a Friday" in copilot["message"]


async def test_an_answer_is_used_once_also_where_two_calls_are_the_same(api: Api, client: AsyncClient) -> None:
    made = [await decided(api, client, CLAUDE, vote) for vote in ("approve", "deny")]

    behaviors = [told["hookSpecificOutput"]["decision"]["behavior"] for _, told in made]
    assert behaviors == ["allow", "deny"]
    assert len({request["id"] for request, _ in made}) == 2

    asking = {asyncio.create_task(asks(client, CLAUDE)), asyncio.create_task(asks(client, CLAUDE))}
    first = await opened(api)
    await votes(api, first)
    second = await opened(api, but=first["id"])
    done, waiting = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    await votes(api, second, "deny")
    [allowed], [denied] = done, waiting

    assert allowed.result().json() == ALLOWED
    assert "Denied" in message(await denied)


async def test_no_answer_in_time_is_no_refusal_and_a_later_yes_counts_for_the_next_try(
    api: Api, client: AsyncClient
) -> None:
    """So it does where the agent hung up: it took no yes along."""
    answer = await client.post("/v1/hooks/claude-code?wait_s=0", json=CLAUDE)
    request = await opened(api)
    await votes(api, request)
    again = await asks(client, CLAUDE)
    asking = asyncio.create_task(asks(client, CLAUDE))
    second = await opened(api)
    await api.until_open()
    asking.cancel()
    await api.until_open(0)
    await votes(api, second)

    assert "Nobody has answered yet, and this is no refusal" in message(answer)
    assert request["id"] in message(answer)
    assert again.json() == (await asks(client, CLAUDE)).json() == ALLOWED


MADE: dict[str, Any] = CLAUDE | {"hook_event_name": "PostToolUse", "tool_use_id": "t1", "tool_response": {"stdout": ""}}


async def test_a_call_that_was_let_run_elsewhere_takes_its_request_back_and_the_same_one_is_asked_about_again(
    world: World, api: Api, client: AsyncClient
) -> None:
    """It is told as what it is, and not as stopped."""
    asking = asyncio.create_task(asks(client, CLAUDE))
    first = await opened(api)
    await world.next_mail("bo", "rm -rf build")
    told = await asks(client, MADE, hook_event_name="PostToolUseFailure")
    heard = await asking

    assert (told.status_code, told.json()) == (200, {})
    assert f"{first['id']} is taken back" in message(heard)
    assert "Do not do it" not in message(heard)
    assert await state(api, first) == "withdrawn"
    back, closed = await world.next_mail("anna", "rm -rf build"), await world.next_mail("bo", "Withdrawn by")
    assert back.subject == "Taken back: Claude Code: run rm -rf build"
    for letter in (back, closed):
        assert "the call was made without this answer" in " ".join(letter.text.split()), letter.text
        assert "Stopped" not in letter.text

    second, again = await decided(api, client)
    assert (second["id"] != first["id"], again) == (True, ALLOWED)


@pytest.mark.parametrize("is_approved", [False, True])
async def test_attack_who_decides_a_call_that_was_let_run_elsewhere_reads_that_it_did_not_happen(
    world: World, api: Api, client: AsyncClient, is_approved: bool
) -> None:
    await asks(client, CLAUDE, where="claude-code?wait_s=0")
    request = await opened(api)
    await world.next_mail("bo", "rm -rf build")
    if is_approved:
        await votes(api, request)
    await asks(client, MADE)

    told = await world.next_mail("bo", "Withdrawn by service:laptop")
    back = await world.next_mail("anna", "rm -rf build")
    async with a_console(world) as console:
        page = (await (await console.browser("cy")).get(f"/requests/{request['id']}")).words
    assert "Whether it was done all the same is not known here." in " ".join(page.split())
    assert back.subject == "Taken back: Claude Code: run rm -rf build"
    for text in (told.text, page):
        assert not any(one in text for one in ("may not.", "before it", "Stopped: ")), text


@pytest.mark.parametrize("is_approved", [False, True])
async def test_attack_a_call_that_was_let_run_elsewhere_and_refused_as_it_ran_is_said_not_to_have_happened(
    world: World, api: Api, client: AsyncClient, is_approved: bool
) -> None:
    await asks(client, CLAUDE, where="claude-code?wait_s=0")
    request = await opened(api)
    for vote in ("approve", "deny") if is_approved else ("deny",):
        await votes(api, request, vote)

    await asks(client, MADE)

    async with a_console(world) as console:
        cy = await console.browser("cy")
        page = " ".join((await cy.get(f"/requests/{request['id']}")).words.split())
        story = " ".join((await cy.get(f"/runs/{request['run_id']}")).words.split())
    assert await state(api, request) == ("revoked" if is_approved else "denied")
    assert "Whether it was done all the same is not known here." in page
    assert not any(one in page for one in ("may not.", "before it")), page
    assert "the call was made without this answer" in story


async def test_a_call_that_was_made_takes_back_what_is_asked_about_it_and_nothing_else(
    api: Api, client: AsyncClient
) -> None:
    others: tuple[dict[str, Any], ...] = (
        {"session_id": "e5"}, {"prompt_id": "p2"}, {"tool_name": "PowerShell"}, {"cwd": "/home/anna"},
        {"tool_input": {"command": "rm -rf dist"}},
    )  # fmt: skip
    asking = asyncio.create_task(asks(client, CLAUDE))
    request = await opened(api)
    told = [(await asks(client, MADE, **other)).json() for other in others]
    await votes(api, request)

    assert told == [{}] * len(others)
    assert (await asking).json() == ALLOWED

    asking = [asyncio.create_task(asks(client, CLAUDE)) for _ in range(2)]
    await opened(api)
    await api.until_open(2)
    await asks(client, MADE)
    heard = [message(await one) for one in asking]

    assert all("is taken back" in one for one in heard)
    assert not (await (await api.client("bo")).get("/v1/requests?state=open")).json()["requests"]


async def test_a_yes_that_came_while_a_call_ran_that_was_let_run_elsewhere_is_for_no_later_one(api: Api) -> None:
    """What a call with the key of a person takes back is no refusal of theirs."""
    client = await api.client("anna", "ask", asks=["policy:production"])
    await client.post("/v1/hooks/claude-code?wait_s=0", json=CLAUDE)
    first = await opened(api)
    await votes(api, first)
    told = await asks(client, MADE)
    again = await client.post("/v1/hooks/claude-code?wait_s=0", json=CLAUDE)

    assert told.json() == {}
    assert "Nobody has answered yet" in message(again)
    assert first["id"] not in message(again)
    assert await state(api, first) == "revoked"


async def test_what_a_person_withdraws_by_their_own_key_is_a_refusal_whatever_reason_they_give(api: Api) -> None:
    client = await api.client("anna", "ask", asks=["policy:production"])
    asking = asyncio.create_task(asks(client, CLAUDE))
    request, anna = await opened(api), await api.client("anna")
    why = "the call was made without this answer"
    back = await anna.post(f"/v1/requests/{request['id']}/withdraw", json={"reason": why})

    assert back.status_code == 200, back.text
    assert message(await asking).startswith(f"Withdrawn by anna: {why}. Do not do it")


async def test_what_came_of_a_call_asks_nobody_and_an_approval_that_is_frozen_keeps(
    api: Api, client: AsyncClient
) -> None:
    bo = await api.client("bo")
    assert (await asks(client, MADE)).json() == {}
    assert not (await bo.get("/v1/requests")).json()["requests"]
    request, _ = await decided(api, client)
    told = await asks(client, MADE, tool_response={"originalFile": "x" * 200_000})

    assert told.json() == {}
    assert await state(api, request) == "approved"

    await client.post("/v1/hooks/claude-code?wait_s=0", json=CLAUDE)
    await votes(api, await opened(api))
    admin = await api.client("cy", "admin")
    assert (await admin.post("/v1/freeze", json={"reason": "incident"})).is_success
    held = await asks(client, CLAUDE)
    assert (await admin.post("/v1/unfreeze", json={"reason": "the incident is over"})).is_success

    assert "may not begin" in message(held)
    assert (await asks(client, CLAUDE)).json() == ALLOWED


async def test_a_refusal_that_came_while_nobody_waited_is_heard_once_before_anybody_is_asked_again(
    api: Api, client: AsyncClient
) -> None:
    """Of who decides, and of who asked."""
    await asks(client, CLAUDE, "claude-code?wait_s=0")
    first = await opened(api)
    await votes(api, first, "deny", reason="not on a Friday")
    denied = await asks(client, CLAUDE)
    await asks(client, CLAUDE, "claude-code?wait_s=0")
    second, anna = await opened(api), await api.client("anna")
    gone = await anna.post(f"/v1/requests/{second['id']}/withdraw", json={"reason": "I do it myself"})
    withdrawn = await asks(client, CLAUDE)

    assert "Denied by bo: not on a Friday" in message(denied)
    assert second["id"] != first["id"]
    assert gone.is_success, gone.text
    assert "Withdrawn by anna: I do it myself. Do not do it" in message(withdrawn)


async def test_attack_an_id_that_a_model_gives_again_to_the_same_call_or_another_one_is_asked(
    world: World, api: Api, client: AsyncClient
) -> None:
    """Within a minute it is the same call, which is told the same again."""
    before = CLAUDE | {"hook_event_name": "PreToolUse", "tool_use_id": "functions.bash:0"}
    first, allowed = await decided(api, client, before)
    assert allowed["hookSpecificOutput"]["permissionDecision"] == "allow"
    assert (await asks(client, before)).json() == allowed
    await world.move_time(61)

    later = (await asks(client, before, "claude-code?wait_s=0")).json()["hookSpecificOutput"]
    same = await opened(api)
    other = before | {"tool_input": {"command": "make"}}
    another = (await asks(client, other, "claude-code?wait_s=0")).json()["hookSpecificOutput"]

    assert same["id"] != first["id"]
    assert same["id"] in later["permissionDecisionReason"]
    assert (await opened(api, but=same["id"]))["id"] in another["permissionDecisionReason"]


async def test_what_nobody_can_be_asked_about_runs_nothing_and_says_why(api: Api, client: AsyncClient) -> None:
    questions = {"questions": [{"question": "Which?", "options": [{"label": "a"}]}]}
    large = await asks(client, CLAUDE, tool_name="Write", tool_input={"content": "x\n" * 20_000})
    nobody = await asks(client, CLAUDE, tool_name="AskUserQuestion", tool_input=questions)
    none, several = [await agent(api, *listed) for listed in (["group:release"], ["policy:production", "policy:pair"])]

    assert "people decide about 16 KB at most. Make the change in several smaller calls" in message(large)
    assert "The key may put questions to nobody" in message(nobody)
    assert "no policy" in message(await asks(none, CLAUDE))
    assert "?policy=NAME" in message(await asks(several, CLAUDE))
    for told in ({}, {"hook_event_name": "Notification"}, {"tool_input": "rm"}, {"session_id": " "}):
        answer = await client.post("/v1/hooks/claude-code", json=CLAUDE | told if told else {})
        assert answer.status_code == 422, told
    for depth in (900, 990, 100_000):
        deep = b'{"tool_input": ' + b"[" * depth + b"]" * depth + b"}"
        headers = {"Content-Type": "application/json"}
        assert (await client.post("/v1/hooks/claude-code", content=deep, headers=headers)).status_code == 422, depth
    assert (await asks(api.with_key(None), CLAUDE)).status_code == 401


async def test_what_one_session_asks_is_one_thread_and_another_session_s_is_another(world: World, api: Api) -> None:
    client = await agent(api, "policy:production", "group:release")
    questions = [{"question": "Which one?", "options": [{"label": "Red"}, {"label": "Blue"}]}]
    asking = CLAUDE | {"tool_name": "AskUserQuestion", "tool_input": {"questions": questions}}
    for told in (CLAUDE | {"prompt_id": "p2"}, asking, CLAUDE | {"session_id": "e5"}):
        await client.post("/v1/hooks/claude-code?wait_s=0", json=told)
    runs = await world.app.store.lists.runs()
    threads = [run.started.thread for run in [await world.run(RunId(one)) for one in runs] if run.started]

    assert sorted(threads.count(one) for one in {*threads}) == [1, 2]

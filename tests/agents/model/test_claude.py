"""Every answer that the Messages API can give, through the real SDK and a real connection."""

import json
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

import prompts
from agents import Agent
from agents.forms import FormField
from agents.model.claude import Claude
from agents.model.failures import FailureKind, is_for_operators, is_worth_waiting, kind_of, retry_delay_s
from agents.model.protocol import Chosen, Failed
from agents.model.reply import tools_hash
from agents.run import fold
from agents.steps import CallTool, Done, Form, RequestHumanInput, Step
from tests.agents.model.claudes import AGENT, CALL, EVENTS, choose
from tests.fakes.anthropic import Answer, FakeAnthropic, error, message, text, text_of, tool_use
from tests.fakes.anthropic import step as step_as_json
from tests.kit.waiting import patience

FILLED: dict[str, Any] = {**CALL, "place": {"environment": "staging", "replicas": 1}}
ASKS = {"question": "When?", "format": "form"}


STEPS: list[tuple[str, dict[str, Any], Step]] = [
    ("deploy", CALL, CallTool(tool="deploy", arguments=FILLED)),
    ("done", {"summary": "no", "outcome": "failed"}, Done(summary="no", outcome="failed")),
    (
        "request_human_input",
        {"question": "Where?", "format": "choice", "options": ["staging", "production"]},
        RequestHumanInput(question="Where?", format="choice", options=("staging", "production")),
    ),
    (
        "request_human_input",
        {"question": "Where?", "format": "form", "fields": ["place", "why"]},
        RequestHumanInput(question="Where?", format="form", fields=(FormField(name="place"), FormField(name="why"))),
    ),
]


async def test_a_tool_call_becomes_a_step(api: FakeAnthropic, claude: Claude) -> None:
    for name, arguments, step in STEPS:
        api.answers(message(text("I will."), tool_use(name, arguments)))

        chosen = await choose(claude)

        assert isinstance(chosen, Chosen)
        assert chosen.step == step


async def test_a_call_records_where_its_step_came_from(api: FakeAnthropic, claude: Claude) -> None:
    api.answers(message(tool_use("done", {"summary": "over"})))

    began = time.monotonic()
    first, second = await choose(claude), await choose(claude)
    both_s = time.monotonic() - began

    prompt = prompts.load("deploy")
    call = first.call
    assert (call.model, call.rehearsal) == ("claude-sonnet-5-5", False)
    assert (call.prompt, call.prompt_hash) == (prompt.label, prompt.hash)
    assert (call.request_id, call.stop_reason) == ("req_1", "tool_use")
    assert (call.input_tokens, call.output_tokens) == (1_000, 20)
    assert 0 < call.latency_s < both_s
    assert len(call.input_hash) == 64
    assert call.tools_hash == tools_hash(AGENT)
    assert call.input_hash == second.call.input_hash


async def test_a_prompt_of_an_agent_that_lives_elsewhere_comes_from_its_folder(
    api: FakeAnthropic, claude: Claude, tmp_path: Path
) -> None:
    head = "---\nname: mine\nversion: {}\nfamily: claude\ninputs: {}\n---\n{}"
    (tmp_path / "mine.md").write_text(head.format(2, "tools", "Use {{ tools }}."))
    (tmp_path / "mine@1.md").write_text(head.format(1, "", "Think."))
    api.answers(message(tool_use("done", {"summary": "over"})))

    for prompt, label in (("mine", "mine@2"), ("mine@1", "mine@1")):
        chosen = await claude.choose(replace(AGENT, prompt=prompt, folder=tmp_path), fold(EVENTS), EVENTS)
        assert chosen.call.prompt == label

    told = [request["system"][0]["text"] for request in api.requests()]
    assert told == ["Use deploy, request_human_input, done.", "Think."]


async def test_the_request_offers_strict_tools_and_one_user_message(api: FakeAnthropic, claude: Claude) -> None:
    api.answers(message(tool_use("done", {"summary": "over"})))

    await choose(claude)

    (request,) = api.requests()
    tools = {tool["name"]: tool for tool in request["tools"]}
    place = tools["deploy"]["input_schema"]["$defs"]["Place"]
    assert list(tools) == ["deploy", "request_human_input", "done"]
    assert all(tool["strict"] for tool in tools.values())
    assert all("confidence" in tool["input_schema"]["properties"] for tool in tools.values())
    assert all("confidence" not in tool["input_schema"]["required"] for tool in tools.values())
    assert place["additionalProperties"] is False
    assert "maximum" not in place["properties"]["replicas"]
    assert "type" not in tools["done"]["input_schema"]["properties"]
    assert tools["request_human_input"]["input_schema"]["properties"]["fields"]["items"] == {"type": "string"}
    assert request["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert "releases versions" in request["system"][0]["text"]
    assert [message["role"] for message in request["messages"]] == ["user"]
    assert "deploy v1.2.0 to production" in text_of(request)


async def test_what_a_call_may_take_is_sent_and_recorded(api: FakeAnthropic) -> None:
    api.answers(message(tool_use("done", {"summary": "over"})))
    plain = Claude(api.key, api.base_url, "claude-sonnet-5-5")
    eager = replace(plain, max_output_tokens=2_048, effort="low")

    calls = [(await choose(model)).call for model in (plain, eager)]
    await plain.close()
    await eager.close()

    sent = [(request["max_tokens"], request.get("output_config")) for request in api.requests()]
    assert sent == [(8_192, None), (2_048, {"effort": "low"})]
    assert [(call.max_output_tokens, call.effort) for call in calls] == [(8_192, ""), (2_048, "low")]
    assert calls[0].input_hash != calls[1].input_hash


def spending(usage: dict[str, int]) -> Answer:
    """A good answer whose usage is as no server counts."""
    good = message(tool_use("done", {"summary": "over"}))
    return replace(good, body=json.dumps(json.loads(good.body) | {"usage": usage}))


TOO_MUCH = "input length and `max_tokens` exceed context limit: 180000 + 32000 > 200000, decrease input length"
CASES: list[tuple[Answer, FailureKind, str]] = [
    (error(429, "rate_limit_error", "slow down"), "rate_limited", "429 rate_limit_error: slow down"),
    (error(529, "overloaded_error", "busy"), "overloaded", "529 overloaded_error: busy"),
    (error(401, "authentication_error", "no such key"), "auth", "401"),
    (error(402, "billing_error"), "out_of_credit", "402"),
    (error(400, "invalid_request_error", "Your credit balance is too low"), "out_of_credit", "too low"),
    (error(400, "invalid_request_error", "prompt is too long: 9 > 8"), "too_long", "9 > 8"),
    (error(400, "invalid_request_error", TOO_MUCH), "too_long", "180000 + 32000"),
    (error(404, "not_found_error", "model: claude-1"), "refused", "model: claude-1"),
    (Answer('"just a string"', 500), "overloaded", "500"),
    (Answer("<html>Bad gateway</html>", 502), "overloaded", "502"),
    (Answer("", 504), "timeout", "504"),
    (Answer("{broken"), "bad_body", "not a message"),
    (message(text("Well…"), stop_reason="end_turn"), "no_tool", "call exactly one"),
    (message(tool_use("deploy", CALL), tool_use("deploy", CALL)), "many_tools", "2 tools"),
    (message(tool_use("rm", {})), "unknown_tool", "'rm'; there are deploy, request_human_input, done"),
    (message(tool_use("deploy", {**CALL, "version": "1.2.0"})), "bad_arguments", "version: String should match"),
    (message(tool_use("deploy", "v1.2.0")), "bad_arguments", "deploy: arguments"),
    (message(tool_use("deploy", {"more": [{"size": float("inf")}]})), "bad_arguments", "larger than any"),
    (message(tool_use("done", {"summary": "x", "more": 1})), "bad_arguments", "more: Extra inputs"),
    (message(tool_use("request_human_input", {"question": "?", "format": "choice"})), "bad_arguments", "needs options"),
    (message(tool_use("request_human_input", ASKS | {"fields": ["a", "A"]})), "bad_arguments", "the same name"),
    (message(text("no"), stop_reason="refusal"), "refused", "declined"),
    (message(tool_use("done", {"summary": "cu"}), stop_reason="max_tokens"), "bad_arguments", "fewer words"),
    (message(stop_reason="model_context_window_exceeded"), "too_long", "no longer fits"),
    (message(tool_use("done", {"summary": "x"}), stop_reason="pause_turn"), "bad_body", "stopped for pause_turn"),
    (Answer('{"type": "message", "content": []}', breaks=True), "connection", "cannot reach the model"),
    (spending({"output_tokens": 10**400}), "bad_body", "less than or equal to"),
    (spending({"cache_read_input_tokens": -1}), "bad_body", "greater than or equal to 0"),
]


async def test_an_answer_that_is_no_step_is_a_failure_of_its_kind(api: FakeAnthropic, claude: Claude) -> None:
    for answer, kind, detail in CASES:
        api.answers(answer)

        failed = await choose(claude)

        assert isinstance(failed, Failed), answer
        assert failed.kind == kind, answer
        assert detail in failed.detail, answer
        assert len(api.requests()) == 1, "retries are the run's own"


async def test_what_the_server_asked_to_wait_is_kept_within_bounds(api: FakeAnthropic, claude: Claude) -> None:
    for header, seconds in (("7", 7.0), ("soon", None), ("-3", 0.0), ("1e9", 3_600.0), ("nan", 0.0)):
        api.answers(error(429, "rate_limit_error", retry_after=header))

        failed = await choose(claude)

        assert isinstance(failed, Failed)
        assert (failed.retry_after_s, failed.call.request_id) == (seconds, "req_2")


async def test_a_wrong_key_fails_as_auth_and_is_never_shown(api: FakeAnthropic) -> None:
    model = Claude("sk-wrong-key", api.base_url, "claude-sonnet-5-5")
    api.answers(message(tool_use("done", {"summary": "over"})))
    failed = await choose(model)
    assert isinstance(failed, Failed)
    assert failed.kind == "auth"

    api.answers(replace(error(400, "invalid_request_error", "header sk-wrong-key is odd"), anybody=True))
    echoed = await choose(model)
    await model.close()

    assert isinstance(echoed, Failed)
    assert echoed.detail == "400 invalid_request_error: header [key] is odd"
    assert "sk-wrong-key" not in repr((failed, echoed, model))


@pytest.mark.parametrize("answer", [Answer(hangs=True), Answer('{"type": "message"}', drips=True)])
async def test_a_server_that_never_comes_to_an_end_is_a_timeout(api: FakeAnthropic, answer: Answer) -> None:
    model = Claude(api.key, api.base_url, "claude-sonnet-5-5", timeout_s=0.3)
    api.answers(answer)

    async with patience():
        failed = await choose(model)
    await model.close()

    assert isinstance(failed, Failed)
    assert (failed.kind, failed.detail) == ("timeout", "no answer within 0.3 s")


async def test_attack_an_answer_that_unpacks_to_gigabytes_is_not_read_to_its_end(
    api: FakeAnthropic, claude: Claude
) -> None:
    over = message(tool_use("done", {"summary": "over"}))
    api.answers(replace(over, swells=1))
    assert isinstance(await choose(claude), Chosen), "what is packed is unpacked"

    for answer in (over, error(400, "invalid_request_error")):
        api.answers(replace(answer, swells=20))
        failed = await choose(claude)
        assert isinstance(failed, Failed)
        assert (failed.kind, failed.detail, failed.reply) == (
            "bad_body", "the answer is larger than 8,000,000 bytes", "",
        )  # fmt: skip


async def test_nobody_listening_is_a_connection_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    model = Claude("sk-key", f"http://127.0.0.1:{port}", "claude-sonnet-5-5")

    failed = await choose(model)
    await model.close()

    assert isinstance(failed, Failed)
    assert failed.kind == "connection"


def test_importing_the_boundary_imports_neither_a_library_nor_the_price_list() -> None:
    modules = "agents.model.claude, agents.model.makers, agents.deploy"
    program = f"import sys, {modules}; print({{'anthropic', 'openai', 'genai_prices'}} & {{*sys.modules}})"

    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout

    assert printed.strip() == "set()"


def test_waiting_is_worth_it_only_for_trouble_that_passes() -> None:
    kinds: tuple[FailureKind, ...] = FailureKind.__args__

    assert {kind for kind in kinds if is_worth_waiting(kind)} == {
        "timeout", "connection", "overloaded", "rate_limited", "bad_body",
    }  # fmt: skip
    assert {kind for kind in kinds if is_for_operators(kind)} == {"auth", "out_of_credit", "refused"}


def test_delays_double_up_to_a_minute() -> None:
    assert [retry_delay_s(failures) for failures in (1, 2, 3, 4, 5, 6, 100_000)] == [2, 4, 8, 16, 32, 60, 60]


@given(st.integers(min_value=300, max_value=599), st.text(), st.text())
def test_every_error_answer_has_a_kind(status: int, error_type: str, words: str) -> None:
    assert kind_of(status, [error_type], words) in FailureKind.__args__


class Many(BaseModel):
    """Arguments of which most may be left out."""

    what: str
    a: str = ""
    b: str = ""
    c: str = ""
    d: str = ""


class Open(BaseModel):
    """Arguments of any name."""

    values: dict[str, str]


def with_tools(count: int, args: type[BaseModel]) -> Agent:
    """The agent with so many tools."""
    return replace(AGENT, tools=tuple(replace(AGENT.tools[0], name=f"tool_{n}", args=args) for n in range(count)))


async def test_what_is_too_much_for_one_request_is_not_asked_strictly_and_confidence_goes_first(
    api: FakeAnthropic, claude: Claude
) -> None:
    for agent, strict, asks_confidence in (
        (AGENT, True, True),
        (with_tools(4, Many), True, False),
        (with_tools(6, Many), False, True),
        (with_tools(1, Open), False, True),
    ):
        api.answers(message(tool_use("done", {"summary": "over"})))

        chosen = await claude.choose(agent, fold(EVENTS), EVENTS)

        assert isinstance(chosen, Chosen)
        tools = api.requests()[-1]["tools"]
        assert {tool.get("strict", False) for tool in tools} == {strict}
        assert {"confidence" in tool["input_schema"]["properties"] for tool in tools} == {asks_confidence}
        assert claude.left_away(agent) == ("strict" if not strict else "" if asks_confidence else "confidence")


async def test_a_model_that_refuses_how_it_is_asked_is_asked_once_more_and_so_from_then_on(
    api: FakeAnthropic, claude: Claude, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = error(400, "invalid_request_error", "Schema is too complex for compilation.")
    api.answers(refusal, message(tool_use("done", {"summary": "over"})))

    first, second = await choose(claude), await choose(claude)

    assert isinstance(first, Chosen)
    assert [request["tools"][0].get("strict", False) for request in api.requests()] == [True, False, False]
    assert first.call.form == second.call.form == Form(strict=False)
    assert first.call.input_hash == second.call.input_hash
    assert len([line for line in caplog.records if line.name == "agents.model.hosted"]) == 1


async def test_what_a_model_refuses_by_nature_is_left_away_and_whatever_it_refuses_then_is_refused(
    api: FakeAnthropic,
) -> None:
    form = Form(strict=True, tool_choice="any", temperature=0.0)
    model = Claude(api.key, api.base_url, "claude-sonnet-5-5", form=form)
    api.answers(message(tool_use("done", {"summary": "over"})))
    assert isinstance(await choose(model), Chosen)
    first, second = api.requests()
    assert (first["tool_choice"]["type"], first["temperature"]) == ("any", 0.0)
    assert (second["tool_choice"]["type"], "temperature" in second) == ("auto", False)

    api.answers(error(400, "invalid_request_error", "tools.0: input_schema is odd"))
    failed = await choose(model)
    await model.close()

    assert isinstance(failed, Failed)
    assert (failed.kind, failed.call.form) == ("refused", Form(strict=False))


async def test_a_step_as_json_output_is_asked_for_without_tools_and_prose_is_none(api: FakeAnthropic) -> None:
    model = Claude(api.key, api.base_url, "claude-sonnet-5-5", effort="low", form=Form(strict=True, step_as="json"))
    api.answers(step_as_json("deploy", CALL), message(text("I will deploy it."), stop_reason="end_turn"))

    chosen, failed = await choose(model), await choose(model)
    await model.close()

    request, _ = api.requests()
    assert isinstance(chosen, Chosen)
    assert isinstance(chosen.step, CallTool)
    assert chosen.call.stop_reason == "tool_use"
    assert model.read_again(AGENT, chosen.reply) == chosen.step
    assert not request.keys() & {"tools", "tool_choice"}
    assert (request["output_config"]["effort"], request["output_config"]["format"]["type"]) == ("low", "json_schema")
    assert "- deploy: Deploy it." in request["system"][0]["text"]
    assert isinstance(failed, Failed)
    assert failed.kind == "no_tool"
    assert '{"step": {"tool": NAME' in failed.detail, "it was told of no tools to call"

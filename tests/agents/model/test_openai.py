"""Every answer that an OpenAI-compatible server can give, through the real library and a real connection."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest

from agents.forms import FormField
from agents.model.failures import FailureKind
from agents.model.openai import OpenAI
from agents.model.prices import Price
from agents.model.protocol import Chosen, Failed
from agents.run import fold
from agents.steps import CallTool, Done, Form, RequestHumanInput, Step
from tests.agents.model.claudes import AGENT, CALL, EVENTS, choose
from tests.fakes.openai import MODEL, Answer, FakeOpenAI, call, completion, error, running, text_of
from tests.fakes.openai import step as as_json
from tests.kit.waiting import patience

OVER = completion(call("done", {"summary": "over"}))
STEPS: list[tuple[str, Any, Step]] = [
    (
        "deploy",
        CALL,
        CallTool(tool="deploy", arguments={"version": "v1.2.0", "place": {"environment": "staging", "replicas": 1}}),
    ),
    ("done", {"summary": "no", "outcome": "failed"}, Done(summary="no", outcome="failed")),
    (
        "request_human_input",
        {"question": "Where?", "format": "form", "fields": ["place"]},
        RequestHumanInput(question="Where?", format="form", fields=(FormField(name="place"),)),
    ),
]


@pytest.fixture(scope="module")
def server() -> Iterator[FakeOpenAI]:
    with running() as fake:
        yield fake


@pytest.fixture
async def model(server: FakeOpenAI) -> AsyncIterator[OpenAI]:
    model = OpenAI(server.key, server.base_url, MODEL, timeout_s=20)
    yield model
    await model.close()


def changed(answer: Answer, **fields: Any) -> Answer:
    """`answer` with other fields at its top."""
    return replace(answer, body=json.dumps(json.loads(answer.body) | fields))


async def test_a_call_of_a_tool_becomes_a_step(server: FakeOpenAI, model: OpenAI) -> None:
    for name, arguments, step in STEPS:
        server.answers(completion(call(name, arguments), content="I will."))

        chosen = await choose(model)

        assert isinstance(chosen, Chosen)
        assert chosen.step == step
        assert model.read_again(AGENT, chosen.reply) == step


OTHERWISE = [  # no usage, usage of nothing, a call that ends with stop, arguments as an object
    *(changed(OVER, usage=usage, model=None, created=None) for usage in (None, {"completion_tokens": None})),
    completion(call("done", {"summary": "over"}), finish="stop"),
    completion({"id": "1", "type": "function", "function": {"name": "done", "arguments": {"summary": "over"}}}),
]


async def test_what_servers_write_otherwise_is_read_as_well(server: FakeOpenAI, model: OpenAI) -> None:
    for answer in OTHERWISE:
        server.answers(answer)

        chosen = await choose(model)

        assert isinstance(chosen, Chosen)
        assert chosen.step == Done(summary="over")
        assert chosen.call.model == f"openai:{MODEL}"


async def test_half_a_character_is_no_arguments_as_no_event_can_hold_it(server: FakeOpenAI, model: OpenAI) -> None:
    said = {"summary": "over \ud83d"}
    server.answers(completion(call("done", said)))
    assert isinstance(await choose(model), Failed)

    as_output = OpenAI(server.key, server.base_url, MODEL, form=Form(strict=True, step_as="json"))
    server.answers(as_json("done", said))
    assert isinstance(await choose(as_output), Failed)
    await as_output.close()


async def test_a_call_records_where_its_step_came_from(server: FakeOpenAI, model: OpenAI) -> None:
    server.answers(changed(OVER, model="gpt-5-mini-2025-08-07"))

    made = (await choose(model)).call

    assert (made.model, made.rehearsal) == ("openai:gpt-5-mini-2025-08-07", False)
    assert (made.request_id, made.stop_reason) == ("req_1", "tool_use")
    assert (made.input_tokens, made.output_tokens, made.cache_read_tokens) == (1_000, 20, 900)
    assert made.input_hash == model.input_hash(AGENT, fold(EVENTS), EVENTS, made.context_tokens)


async def test_the_request_offers_the_same_tools_and_one_message_of_the_user(server: FakeOpenAI) -> None:
    server.answers(OVER)
    form = Form(strict=False, tool_choice="any", temperature=0.0)
    model = OpenAI(server.key, server.base_url, MODEL, form=form, effort="low", max_output_tokens=2_048)

    await choose(model)
    await model.close()

    (request,) = server.requests()
    tools = {tool["function"]["name"]: tool["function"]["parameters"] for tool in request["tools"]}
    assert list(tools) == ["deploy", "request_human_input", "done"]
    assert tools["deploy"]["properties"].keys() == {"version", "place", "confidence"}
    assert (request["parallel_tool_calls"], request["tool_choice"]) == (False, "required")
    assert "strict" not in request["tools"][0]["function"]
    assert (request["max_tokens"], request["reasoning_effort"], request["temperature"]) == (2_048, "low", 0.0)
    assert [message["role"] for message in request["messages"]] == ["system", "user"]
    assert "releases versions" in request["messages"][0]["content"]
    assert "deploy v1.2.0 to production" in text_of(request)


async def test_a_strict_schema_names_everything_and_a_null_leaves_out(server: FakeOpenAI) -> None:
    strict = OpenAI(server.key, server.base_url, MODEL, form=Form(strict=True))
    for name, arguments, step in STEPS:
        server.answers(completion(call(name, arguments | {"confidence": None})))

        chosen = await choose(strict)

        (request,) = server.requests()
        assert isinstance(chosen, Chosen)
        assert chosen.step == strict.read_again(AGENT, chosen.reply) == step
        assert all(tool["function"]["strict"] for tool in request["tools"])
    await strict.close()


@pytest.mark.parametrize("strict", [True, False])
async def test_a_step_as_json_output_is_asked_for_without_tools(server: FakeOpenAI, *, strict: bool) -> None:
    name, arguments, step = STEPS[0]
    model = OpenAI(server.key, server.base_url, MODEL, form=Form(strict=strict, step_as="json"))
    server.answers(as_json(name, arguments))

    chosen = await choose(model)
    await model.close()

    (request,) = server.requests()
    assert isinstance(chosen, Chosen)
    assert chosen.step == model.read_again(AGENT, chosen.reply) == step
    assert not request.keys() & {"tools", "tool_choice", "parallel_tool_calls"}
    assert request["response_format"]["json_schema"]["strict"] == strict
    assert "- deploy: Deploy it." in request["messages"][0]["content"]


@pytest.mark.parametrize(
    "words", ["Unsupported parameter: 'parallel_tool_calls'", "tool_choice 'required' is not supported", "bad grammar"]
)
async def test_a_server_that_refuses_how_it_is_asked_is_asked_once_more_and_so_from_then_on(
    server: FakeOpenAI, model: OpenAI, words: str
) -> None:
    server.answers(error(400, None, words), OVER)

    first, second = await choose(model), await choose(model)

    sent = [(request["tool_choice"], "parallel_tool_calls" in request) for request in server.requests()]
    assert sent == [("required", True), ("auto", False), ("auto", False)]
    assert isinstance(first, Chosen)
    assert first.call.form == second.call.form == Form(strict=False)


CASES: list[tuple[Answer, FailureKind, str]] = [
    (error(429, "rate_limit_exceeded", "slow down", "requests"), "rate_limited", "429 rate_limit_exceeded: slow down"),
    (error(429, "insufficient_quota", "You exceeded your current quota"), "out_of_credit", "quota"),
    (error(503, None, "busy", "service_unavailable"), "overloaded", "busy"),
    (Answer('{"statusCode": 401, "message": "Access denied"}', 401), "auth", "Access denied"),
    (error(400, "context_length_exceeded", "too much"), "too_long", "too much"),
    (error(400, None, "the request exceeds", "exceed_context_size_error"), "too_long", "exceeds"),
    (error(400, "400", "This model's maximum context length is 8192 tokens", "BadRequestError"), "too_long", "8192"),
    (error(400, "400", "litellm.ContextWindowExceededError: context window", "None"), "too_long", "context window"),
    (error(400, "content_filter", "triggering Azure's policy"), "refused", "Azure's policy"),
    (Answer('{"detail": "Not Found"}', 404), "refused", "Not Found"),
    (Answer("[1, 2]", 503), "overloaded", "503"),
    (Answer('{"choices": []}'), "bad_body", "not a message"),
    (completion(content="Well…", finish="stop"), "no_tool", "call exactly one"),
    (completion(finish="stop"), "no_tool", "call exactly one"),
    (completion(call("deploy", '{"version": "v1')), "bad_arguments", "deploy: arguments"),
    (completion(call("deploy", "[" * 100_000)), "bad_arguments", "deploy: arguments"),
    (completion(call("deploy", "")), "bad_arguments", "version: Field required"),
    (completion(content="no", finish="content_filter"), "refused", "declined"),
    (completion(refusal="I can't help with that.", finish="stop"), "refused", "declined"),
    (completion(call("done", {"summary": "cu"}), finish="length"), "bad_arguments", "fewer words"),
    (Answer('{"choices": [], "object": ""}', breaks=True), "connection", "cannot reach the model"),
    (changed(OVER, usage={"prompt_tokens": -5}), "bad_body", "greater than or equal to 0"),
]


async def test_an_answer_that_is_no_step_is_a_failure_of_its_kind(server: FakeOpenAI, model: OpenAI) -> None:
    for answer, kind, detail in CASES:
        server.answers(answer)

        failed = await choose(model)

        assert isinstance(failed, Failed), answer
        assert failed.kind == kind, answer
        assert detail in failed.detail, answer
        assert len(server.requests()) == 1, "retries are the run's own"


async def test_a_wrong_key_fails_as_auth_and_neither_key_nor_header_is_shown(server: FakeOpenAI) -> None:
    headers = {"X-Team": "tk-secret-team"}
    model = OpenAI("sk-wrong-key", server.base_url, MODEL, headers=headers)
    server.answers(replace(error(400, None, "sk-wrong-key and tk-secret-team are odd"), anybody=True))

    failed = await choose(model)
    await model.close()

    assert isinstance(failed, Failed)
    assert failed.detail == "400 invalid_request_error: [key] and [key] are odd"
    assert "sk-wrong-key" not in repr((failed, model))
    assert "tk-secret-team" not in repr((failed, model))
    assert "x-team" in server.headers()


@pytest.mark.parametrize("key", ["EMPTY", "x"])
async def test_a_word_in_place_of_a_key_is_no_secret_whose_letters_are_taken_out_of_what_is_said(
    server: FakeOpenAI, key: str
) -> None:
    model = OpenAI(key, server.base_url, MODEL, headers={"X-Beta": "4", "X-Fast": "invalid"})
    server.answers(replace(error(400, None, "none, EMPTY and ollama x"), anybody=True))

    failed = await choose(model)
    await model.close()

    assert isinstance(failed, Failed)
    assert failed.detail == "400 invalid_request_error: none, EMPTY and ollama x"


async def test_attack_an_answer_that_unpacks_to_gigabytes_is_not_read_to_its_end(
    server: FakeOpenAI, model: OpenAI
) -> None:
    server.answers(replace(OVER, swells=20))

    failed = await choose(model)

    assert isinstance(failed, Failed)
    assert (failed.kind, failed.detail) == ("bad_body", "the answer is larger than 8,000,000 bytes")


async def test_a_server_that_wants_no_key_is_asked_without_one_and_azure_by_its_dated_api(server: FakeOpenAI) -> None:
    plain = OpenAI("", server.base_url, MODEL)
    azure = OpenAI(server.key, server.root, "our-gpt", api_version="2024-10-21")
    for model, answer in ((plain, replace(OVER, anybody=True)), (azure, OVER)):
        server.answers(answer)
        assert isinstance(await choose(model), Chosen)
        await model.close()

    assert "api-key" in server.headers()


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        (None, "max_completion_tokens"),
        ("https://corp.openai.azure.com/openai/v1/", "max_completion_tokens"),
        ("http://127.0.0.1:8080/v1", "max_tokens"),
        ("https://llm.corp.example/v1", "max_tokens"),
    ],
)
def test_the_limit_of_an_answer_goes_by_the_name_that_the_server_knows(base_url: str | None, name: str) -> None:
    sent = OpenAI("", base_url, MODEL).as_sent({"model": MODEL, "max_tokens": 5})

    assert sent == {"model": MODEL, name: 5}


@pytest.mark.parametrize(
    ("told", "base_url", "price", "cost"),
    [
        ("gpt-5-mini", "https://llm.corp.example/v1", None, 0.0000875),
        ("qwen2.5:0.5b", "http://127.0.0.1:8080/v1", None, 0.0),
        ("qwen2.5:0.5b", "https://llm.corp.example/v1", None, None),
        ("qwen2.5:0.5b", "https://llm.corp.example/v1", Price(1.0, 10.0), 0.0012),
        ("gpt-5-mini", "https://llm.corp.example/v1", Price(1.0, 10.0, 0.1), 0.00039),
    ],
)
def test_an_answer_costs_what_is_set_or_listed_and_nothing_from_a_server_on_this_machine(
    told: str, base_url: str, price: Price | None, cost: float | None
) -> None:
    model = OpenAI("", base_url, MODEL, price=price)

    assert model.cost_usd(model.reply_of(changed(OVER, model=told).body)) == (
        cost if cost is None else pytest.approx(cost, abs=1e-6)
    )


async def test_of_a_server_of_ones_own_its_list_of_models_only_says_that_it_can_be_reached(server: FakeOpenAI) -> None:
    server.answers()
    for key, name, listing in (("sk-test-key", MODEL, "none"), ("made-up-key", MODEL, "ours"), ("k", "gone", "ours")):
        server.lists(listing)
        model = OpenAI(key, server.base_url, name)
        assert (await model.trouble(), server.requests()) == ("", [])
        await model.close()

    server.lists("drips")
    endless = OpenAI("k", server.base_url, MODEL, timeout_s=0.3)
    async with patience():
        assert await endless.trouble() == "no answer within 0.3 s"
    await endless.close()

    gone = OpenAI("made-up-key", "http://me:made-up-key@127.0.0.1:1/v1", MODEL)
    trouble = await gone.trouble()
    await gone.close()
    assert "onnection error" in trouble
    assert "made-up-key" not in trouble

"""What the doctor says of a model that it asked for a real step, and the settings that it names."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config.settings import Settings, load
from bot.doctor.finding import Finding
from bot.doctor.models import examine_models
from tests.fakes.anthropic import FakeAnthropic, message, tool_use
from tests.fakes.anthropic import error as claudes_error
from tests.fakes.anthropic import running as anthropic_running
from tests.fakes.openai import Answer, FakeOpenAI, call, completion, error, running, step

LOCAL, CLAUDE = "openai:qwen", "claude-sonnet-5-5"
SAID = {"summary": "Hello.", "outcome": "done"}
PROSE = completion(content="Hello, how can I help?", finish="stop")
CALLS = completion(call("done", SAID))


@pytest.fixture(scope="module")
def server() -> Iterator[FakeOpenAI]:
    with running() as fake:
        yield fake


@pytest.fixture(scope="module")
def anthropic() -> Iterator[FakeAnthropic]:
    with anthropic_running() as fake:
        yield fake


def of_anna(folder: Path, more: str, **environ: str) -> Settings:
    (folder / "sayso.toml").write_text(f'[people.anna]\nname = "Anna"\nemail = "anna@corp.example"\n{more}')
    return load(folder, {"SAYSO_SECRET_KEY": "k" * 64, **environ})


def settings(folder: Path, server: FakeOpenAI | FakeAnthropic, more: str = "") -> Settings:
    maker, model = ("OPENAI", LOCAL) if isinstance(server, FakeOpenAI) else ("ANTHROPIC", CLAUDE)
    ways = {f"{maker}_API_KEY": server.key, f"{maker}_BASE_URL": server.base_url, "SAYSO_MODEL": model}
    return of_anna(folder, more, **ways)


async def found(folder: Path, server: FakeOpenAI | FakeAnthropic, *answers: Answer, more: str = "") -> Finding:
    server.answers(*answers)
    (one,) = [one for one in await examine_models(settings(folder, server, more)) if one.what.startswith("the model")]
    return one


async def test_a_step_with_a_tool_is_told_with_the_time_that_it_took(tmp_path: Path, server: FakeOpenAI) -> None:
    finding = await found(tmp_path, server, CALLS)

    assert (finding.sign, finding.fix) == ("✓", "")
    assert finding.what.startswith("the model openai:qwen answers: a step with a tool in ")
    assert [one["function"]["name"] for one in server.requests()[-1]["tools"]][-1] == "done", "as a real step is asked"


async def test_a_model_that_talks_is_told_with_the_setting_by_which_it_calls_a_tool(
    tmp_path: Path, server: FakeOpenAI
) -> None:
    auto = '[models."openai:qwen"]\ntool_choice = "auto"\n'

    finding = await found(tmp_path, server, PROSE, CALLS, more=auto)

    assert (finding.sign, "answers in prose" in finding.what) == ("✗", True)
    assert finding.fix == '[models."openai:qwen"] tool_choice = "any": asked so, it gave a step just now'


async def test_a_model_that_knows_no_tools_is_told_with_json_where_that_gave_a_step(
    tmp_path: Path, server: FakeOpenAI
) -> None:
    finding = await found(tmp_path, server, PROSE, step("done", SAID))

    assert finding.fix == '[models."openai:qwen"] step_as = "json": asked so, it gave a step just now'


async def test_a_model_that_gives_a_step_in_no_way_is_told_to_be_replaced(tmp_path: Path, server: FakeOpenAI) -> None:
    finding = await found(tmp_path, server, completion(call("dance", {})), PROSE)

    assert (finding.sign, "calls a tool that is not there" in finding.what) == ("✗", True)
    assert finding.fix.startswith("name another model")


async def test_a_model_that_is_too_slow_is_told_with_what_gives_it_time(tmp_path: Path, server: FakeOpenAI) -> None:
    finding = await found(tmp_path, server, Answer(hangs=True), more='[models."openai:qwen"]\ntimeout = "1s"\n')

    assert (finding.sign, "is too slow: no answer within 1 s" in finding.what) == ("✗", True)
    assert "timeout" in finding.fix
    assert finding.fix.endswith('or for one that writes on and on [models."openai:qwen"] step_as = "json"')


async def test_a_model_whose_server_refuses_strict_schemas_is_told_to_be_asked_without(
    tmp_path: Path, anthropic: FakeAnthropic
) -> None:
    refused = claudes_error(400, "invalid_request_error", "tools.0: schema is too complex")

    finding = await found(tmp_path, anthropic, refused, message(tool_use("done", SAID)))

    assert (finding.sign, "refuses how it is asked" in finding.what) == ("!", True)
    assert finding.fix == f'[models."{CLAUDE}"] strict = false'


async def test_a_model_that_thinks_before_its_first_word_is_asked_for_a_step_and_for_nothing_less(
    tmp_path: Path, server: FakeOpenAI
) -> None:
    server.answers(CALLS)
    ways = {"OPENAI_API_KEY": server.key, "OPENAI_BASE_URL": server.base_url, "SAYSO_MODEL": "openai:gpt-5-mini"}

    findings = await examine_models(of_anna(tmp_path, "", **ways))

    assert [one.sign for one in findings if one.what.startswith("the model")] == ["✓"], findings


@pytest.mark.parametrize(
    ("answer", "said", "fix"),
    [
        (error(401, "invalid_api_key", "Incorrect API key"), "gives no step: 401", "look at OPENAI_API_KEY"),
        (
            error(404, "model_not_found", "no such model"),
            "refuses the step: 404",
            "OPENAI_BASE_URL and the name of the",
        ),
        (error(400, None, "max_tokens is too large"), "refuses the step: 400", "change what it names, or name another"),
        (
            completion(content="no", finish="content_filter"),
            "refuses the step: the model declined",
            "name another model",
        ),
    ],
)
async def test_a_server_that_refuses_a_step_is_told_with_what_its_answer_is_about(
    tmp_path: Path, server: FakeOpenAI, answer: Answer, said: str, fix: str
) -> None:
    finding = await found(tmp_path, server, answer)

    assert (finding.sign, said in finding.what) == ("✗", True), finding
    assert fix in finding.fix


@pytest.mark.parametrize(
    ("environ", "what", "fix"),
    [
        ({}, "rehearsal: no model key for claude-sonnet-5-5, plain rules choose the steps", "ANTHROPIC_API_KEY=…"),
        (
            {"SAYSO_MODEL": LOCAL},
            "rehearsal: no model key for openai:qwen, plain rules choose the steps",
            "OPENAI_API_KEY=…, or OPENAI_BASE_URL=… of a server of yours",
        ),
        (
            {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"},
            "rehearsal: no model key for claude-sonnet-5-5, plain rules choose the steps",
            "SAYSO_MODEL=openai:ID for the server that is set, or ANTHROPIC_API_KEY=…",
        ),
    ],
)
async def test_without_a_way_to_its_model_the_doctor_names_the_model_and_the_way(
    tmp_path: Path, environ: dict[str, str], what: str, fix: str
) -> None:
    finding = next(iter(await examine_models(of_anna(tmp_path, "", **environ))))

    assert (finding.sign, finding.what, finding.fix) == ("!", what, fix)


async def test_where_only_one_of_two_models_can_be_had_nothing_is_called_a_rehearsal(
    tmp_path: Path, anthropic: FakeAnthropic
) -> None:
    anthropic.answers(message(tool_use("done", SAID)))
    ways = {"ANTHROPIC_API_KEY": anthropic.key, "ANTHROPIC_BASE_URL": anthropic.base_url}

    findings = await examine_models(of_anna(tmp_path, f'[agents.triage]\nfallback_model = "{LOCAL}"\n', **ways))

    assert [(one.sign, one.what) for one in findings][1:] == [("!", f"no model key for {LOCAL}: it is never asked")]
    assert not [one for one in findings if "rehearsal" in one.what]

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


TABLE, ASKED_SO = '[models."openai:qwen"]', "asked so, it gave a step just now"


@pytest.mark.parametrize(
    ("answers", "said", "fix"),
    [
        ([CALLS], "the model openai:qwen answers: a step with a tool in ", ""),
        ([PROSE, CALLS], "answers in prose", f'{TABLE} tool_choice = "any": {ASKED_SO}'),
        (
            [PROSE, step("done", SAID)],
            "answers in prose",
            f'{TABLE} step_as = "json": asked so, it gave a step just now',
        ),
        ([error(401, "invalid_api_key", "Incorrect API key")], "gives no step: 401", "look at OPENAI_API_KEY"),
        (
            [completion(content="no", finish="content_filter")],
            "refuses the step: the model decli",
            "name another model",
        ),
    ],
)
async def test_a_model_that_gives_no_step_is_told_with_the_setting_by_which_it_does(
    tmp_path: Path, server: FakeOpenAI, answers: list[Answer], said: str, fix: str
) -> None:
    auto = f'{TABLE}\ntool_choice = "auto"\n' if "tool_choice" in fix else ""

    finding = await found(tmp_path, server, *answers, more=auto)

    assert (finding.sign, said in finding.what) == ("✗" if fix else "✓", True), finding
    assert fix in finding.fix
    assert bool(fix) is bool(finding.fix)


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


@pytest.mark.parametrize(
    ("environ", "model", "fix"),
    [
        ({}, CLAUDE, "ANTHROPIC_API_KEY=…"),
        ({"SAYSO_MODEL": LOCAL}, LOCAL, "OPENAI_API_KEY=…, or OPENAI_BASE_URL=… of a server of yours"),
        (
            {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"},
            CLAUDE,
            "SAYSO_MODEL=openai:ID for the server that is set, or ANTHROPIC_API_KEY=…",
        ),
    ],
)
async def test_without_a_way_to_its_model_the_doctor_names_the_model_and_the_way(
    tmp_path: Path, environ: dict[str, str], model: str, fix: str
) -> None:
    finding = next(iter(await examine_models(of_anna(tmp_path, "", **environ))))

    assert (finding.sign, finding.fix) == ("!", fix)
    assert finding.what == f"rehearsal: no model key for {model}, plain rules choose the steps"

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
from tests.fakes.openai import Answer, FakeOpenAI, call, completion, running, step

LOCAL, CLAUDE = "openai:qwen", "claude-sonnet-5-5"
SAID = {"summary": "Hello.", "outcome": "done"}
# Whether a server answers at all is asked first.
HELLO = completion(content="I", finish="length")
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


def settings(folder: Path, server: FakeOpenAI | FakeAnthropic, more: str = "") -> Settings:
    (folder / "sayso.toml").write_text(f'[people.anna]\nname = "Anna"\nemail = "anna@corp.example"\n{more}')
    maker, model = ("OPENAI", LOCAL) if isinstance(server, FakeOpenAI) else ("ANTHROPIC", CLAUDE)
    ways = {f"{maker}_API_KEY": server.key, f"{maker}_BASE_URL": server.base_url, "SAYSO_MODEL": model}
    return load(folder, {"SAYSO_SECRET_KEY": "k" * 64, **ways})


async def found(folder: Path, server: FakeOpenAI | FakeAnthropic, *answers: Answer, more: str = "") -> Finding:
    server.answers(*answers)
    (one,) = [one for one in await examine_models(settings(folder, server, more)) if one.what.startswith("the model")]
    return one


async def test_a_step_with_a_tool_is_told_with_the_time_that_it_took(tmp_path: Path, server: FakeOpenAI) -> None:
    finding = await found(tmp_path, server, HELLO, CALLS)

    assert (finding.sign, finding.fix) == ("✓", "")
    assert finding.what.startswith("the model openai:qwen answers: a step with a tool in ")
    assert [one["function"]["name"] for one in server.requests()[-1]["tools"]][-1] == "done", "as a real step is asked"


async def test_a_model_that_talks_is_told_with_the_setting_by_which_it_calls_a_tool(
    tmp_path: Path, server: FakeOpenAI
) -> None:
    auto = '[models."openai:qwen"]\ntool_choice = "auto"\n'

    finding = await found(tmp_path, server, HELLO, PROSE, CALLS, more=auto)

    assert (finding.sign, "answers in prose" in finding.what) == ("✗", True)
    assert finding.fix == '[models."openai:qwen"] tool_choice = "any": asked so, it gave a step just now'


async def test_a_model_that_knows_no_tools_is_told_with_json_where_that_gave_a_step(
    tmp_path: Path, server: FakeOpenAI
) -> None:
    finding = await found(tmp_path, server, HELLO, PROSE, step("done", SAID))

    assert finding.fix == '[models."openai:qwen"] step_as = "json": asked so, it gave a step just now'


async def test_a_model_that_gives_a_step_in_no_way_is_told_to_be_replaced(tmp_path: Path, server: FakeOpenAI) -> None:
    finding = await found(tmp_path, server, HELLO, completion(call("dance", {})), PROSE)

    assert (finding.sign, "calls a tool that is not there" in finding.what) == ("✗", True)
    assert finding.fix.startswith("name another model")


async def test_a_model_that_is_too_slow_is_told_with_what_gives_it_time(tmp_path: Path, server: FakeOpenAI) -> None:
    finding = await found(tmp_path, server, HELLO, Answer(hangs=True), more='[models."openai:qwen"]\ntimeout = "1s"\n')

    assert (finding.sign, "is too slow: no answer within 1 s" in finding.what) == ("✗", True)
    assert "timeout" in finding.fix
    assert finding.fix.endswith('or for one that writes on and on [models."openai:qwen"] step_as = "json"')


async def test_a_model_whose_server_refuses_strict_schemas_is_told_to_be_asked_without(
    tmp_path: Path, anthropic: FakeAnthropic
) -> None:
    refused = claudes_error(400, "invalid_request_error", "tools.0: schema is too complex")

    finding = await found(tmp_path, anthropic, message(), refused, message(tool_use("done", SAID)))

    assert (finding.sign, "refuses how it is asked" in finding.what) == ("!", True)
    assert finding.fix == f'[models."{CLAUDE}"] strict = false'

"""`sayso evals` in a terminal: exit codes, what is read from where, and a case made of a run that was denied."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.testing.settings import office
from tests.bot.cli.shell import sayso as typed
from tests.bot.cli.shell import typed as in_this_process
from tests.fakes.anthropic import error, message, running, tool_use
from tests.kit.world import a_world
from tests.servers.lines import TOP

CASE = '[[case]]\nname = "mine"\ntext = "note milk"\nexpect = { tool = "note", arguments = { text = "milk" } }\n'
AGENT = """
from pathlib import Path
from agents import Agent, Arguments, CallTool, Done, Outcome, Tool

class Note(Arguments):
    text: str

async def write(args, effect, hands):
    return Outcome("noted")

def notes():
    tool = Tool(name="note", description="Write it down.", args=Note, execute=write, changes=True)
    def rules(run):
        if run.results:
            return Done(outcome="failed", summary=run.results[-1].text)
        return CallTool(tool="note", arguments={"text": run.started.text.removeprefix("note ")})
    return Agent(name="notes", description="notes", tools=(tool,), fallback=rules, folder=Path(__file__).parent)
"""


def evals(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, "-c", "from bot.cli import main; main()", "evals", *words, "--data", str(folder)]
    done = subprocess.run(
        command, cwd=TOP, env=inherited | environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory with an agent of somebody's own, and a case for it."""
    (tmp_path / "notes_agent.py").write_text(AGENT)
    (tmp_path / "sayso.toml").write_text('[agents.notes]\ncode = "notes_agent:notes"\n')
    (tmp_path / "evals").mkdir()
    (tmp_path / "evals" / "notes.toml").write_text(f'agent = "notes"\n{CASE}')
    return tmp_path


def test_a_model_that_was_named_and_can_not_be_asked_is_no_success(tmp_path: Path) -> None:
    done = in_this_process(tmp_path, "evals", "announce", "--model", "openai:qwen", "--data", str(tmp_path))

    assert done.code != 0
    assert "there is no way to the model openai:qwen" in done.err


@pytest.mark.long
def test_with_a_key_the_configured_model_is_asked_and_has_a_bar_of_its_own(tmp_path: Path) -> None:
    with running() as api:
        keys = {"ANTHROPIC_API_KEY": api.key, "ANTHROPIC_BASE_URL": api.base_url}
        api.answers(message(tool_use("request_human_input", {"question": "Which version, and to which environment?"})))
        low = evals(tmp_path, "deploy", "--json", **keys)
        models = {request["model"] for request in api.requests()}
        fine = evals(tmp_path, "deploy", "--json", "--model-bar", "0", "--model", "claude-haiku-4-5", **keys)
        others = {request["model"] for request in api.requests()} - models
        api.answers(error(401, "authentication_error", "no"))
        refused = evals(tmp_path, "deploy", "--model-bar", "0.1", **keys)

    (row,) = json.loads(low.stdout)["model"]
    assert (low.returncode, fine.returncode, refused.returncode) == (1, 0, 1)
    assert (models, others) == ({"claude-sonnet-5-5"}, {"claude-haiku-4-5"})
    assert row["chosen_by"] == "deploy@2 claude-sonnet-5-5"
    assert 0 < row["passed"] < row["cases"]
    assert row["tokens"] >= row["cases"] * 1_020
    assert row["cost_usd"] > 0
    assert "no step (its key is not accepted)" in refused.stdout
    assert api.key not in refused.stdout + refused.stderr


@pytest.mark.long
async def test_a_run_that_was_denied_becomes_a_case_that_the_same_rules_fail(redis: str, tmp_path: Path) -> None:
    gated = AGENT.replace("execute=write", 'execute=write, gate=lambda _: "books"')
    toml = office({"books": ["bo"]}) + '[agents.notes]\ncode = "gated_notes:notes"\n'
    (tmp_path / "gated_notes.py").write_text(gated)
    async with a_world(redis, tmp_path, toml, deploys=True) as world:
        run_id = await world.app.runs.starter.start("cli", "note milk", world.app.people.named("anna"), agent="notes")
        await world.decide("bo", await world.opened(run_id), "deny", "no milk")
        await world.ended(run_id)

        printed = await typed(world, "evals", "add", run_id, "--name", "no milk", "--print")
        added = await typed(world, "evals", "add", run_id, "--name", "no milk")
        again = await typed(world, "evals", "add", run_id, "--name", "no milk")
        tried = await typed(world, "evals", "notes")

    file = tmp_path / "evals" / "notes.toml"
    assert (printed.code, added.code, again.code) == (0, 0, 1), added.err
    assert printed.out.strip() == file.read_text().strip()
    assert f"'no milk' is in {file}: anything else; never calls note" in added.out
    assert 'Plain rules fail it now: calls note {"text": "milk"}. There is no model to ask: fix the rules.' in added.out
    assert "there are two cases 'no milk'" in again.err
    assert tried.code == 1
    assert 'expected  anything else; never calls note {"text": "milk"}' in tried.out
    file.write_text(file.read_text().replace('text = "note milk"', 'text = "note tea"'))
    assert evals(tmp_path, "notes").returncode == 0

"""The tools run at a tiny size and print their tables, whatever the figures are: what nobody runs would rot."""

import pytest

from bench.__main__ import TOOLS
from bench.race import PEERS
from tests.kit.programs import TOP, environment, typed
from tests.kit.waiting import PATIENCE_S


def run(*words: str, within_s: float = PATIENCE_S) -> str:
    ended = typed(*words, env=environment(), main="bench", within_s=within_s)
    assert ended.code == 0, ended.err[-2_000:]
    return ended.out


def test_the_help_lists_every_tool() -> None:
    said = run("--help")

    assert [name for name in TOOLS if f"\n  {name:8} {TOOLS[name]}\n" not in said] == []


@pytest.mark.parametrize("tool", ["ab", "mails", "race", "walk"])
def test_each_tool_says_how_it_is_used(tool: str) -> None:
    assert f"usage: bench/run {tool}" in run(tool, "--help")


@pytest.mark.long
@pytest.mark.skipif(not (TOP / ".git").exists(), reason="two commits are taken from a clone")
def test_a_commit_is_compared_with_itself() -> None:
    said = run("ab", "HEAD", "HEAD", "--rounds", "1", "--cycles", "2")

    rows = [line.split(" | ")[0].removeprefix("| ") for line in said.splitlines() if line.startswith("| ")]
    assert {"ms a cycle, p50", "worker: ms of processor time", "Redis: commands", "Redis: script calls"} <= {*rows}


@pytest.mark.long
def test_the_walk_goes_from_the_mail_that_asks_to_the_store_and_back() -> None:
    said = run("walk")

    modules = [line.split()[1] for line in said.splitlines() if line.endswith((".py", ".py *"))]
    assert {"channels/email/reading/reader.py", "bot/worker/dispatcher.py", "bot/policy/judge.py"} <= {*modules}
    assert len(modules) == len({*modules})


@pytest.mark.long
@pytest.mark.skipif(not (PEERS / "run.py").exists(), reason="SAYSO_BENCH_PEERS does not say where the comparison is")
def test_the_race_knows_our_adapter() -> None:
    # The comparison gives a peer 140 s, and it is run with one worker and with two.
    said = run("race", "--rounds", "1", "--peers", "sayso", within_s=5 * PATIENCE_S)

    assert "| sayso, 2 workers |" in said

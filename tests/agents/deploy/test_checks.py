"""Finding out CI, health and the last deploy: by commands, and from GitHub."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from agents import Outcome
from agents.deploy import Environment, deploy_agent
from agents.deploy.backends.github import GitHub, Hub
from agents.deploy.checks import ci
from agents.deploy.lookup import LookFailed
from agents.deploy.tools import LiveArgs
from agents.requests import Effect
from agents.run import Run
from tests.agents.deploy.repos import PlainHands, Repo
from tests.agents.worlds import started
from tests.fakes.github import FakeGitHub, running

COMMIT = "ab" * 20


@pytest.fixture(scope="module")
def github() -> Iterator[FakeGitHub]:
    with running() as fake:
        yield fake


def said_by(repo: Repo, script: str) -> Environment:
    return replace(repo.environment(), ci=("sh", "-c", script, "ci", "{commit}"))


async def test_a_command_says_how_ci_stands_and_what_is_not_plain_is_unknown(repo: Repo) -> None:
    for script, said in {
        "echo Passed: 12 tests": "passed: 12 tests",
        "true": "passed",
        "echo failed: lint": "failed: lint",
        "echo running; exit 3": "running",
        "echo unknown": "unknown",
        "echo 2 of 3 broken; exit 1": "failed: 2 of 3 broken",
        "echo no space >&2; exit 1": "failed: 'sh' failed with exit code 1: no space",
        "echo passed; exit 1": "unknown: 'sh' printed 'passed' and ended with exit code 1",
        "echo passing, I think": "unknown: 'sh' printed 'passing, I think' and ended with exit code 0",
        "exit 127": "unknown: 'sh' printed '' and ended with exit code 127",
        "echo $1": f"unknown: 'sh' printed '{COMMIT}' and ended with exit code 0",
    }.items():
        found = await ci(said_by(repo, script), COMMIT)
        assert found
        assert found.text == said

    assert await ci(repo.environment(), COMMIT) is None
    with pytest.raises(LookFailed, match="cannot run '/nowhere'"):
        await ci(replace(repo.environment(), ci=("/nowhere",)), COMMIT)
    cut = await ci(said_by(repo, "seq 60000"), COMMIT)
    assert cut
    assert cut.unread == "the command printed more than can be read"


def check(name: str, conclusion: str | None = "success") -> dict[str, str | None]:
    return {"name": name, "status": "completed" if conclusion else "in_progress", "conclusion": conclusion}


async def test_github_says_how_all_checks_of_a_commit_stand(github: FakeGitHub, repo: Repo) -> None:
    environment = replace(repo.environment(), checks=GitHub(Hub(github.repository, github.base_url, github.token)))
    unit = check("unit")
    for checks, states, total, said in (
        ([unit, check("lint", "skipped")], ["success"], 0, "passed (3 checks)"),
        ([check("unit", None), check("lint", "timed_out")], [], 0, "failed: lint"),
        ([check("unit", None)], ["success"], 0, "running: unit"),
        ([unit], ["pending"], 0, "running: ext"),
        ([unit], ["error"], 0, "failed: ext"),
        ([unit], [], 150, "unknown: there are 150 checks, and only 1 were read"),
        ([], [], 0, "unknown: this commit has no checks"),
        ([check("unit\n\u202epassed", "stale")], [], 0, "failed: unit passed"),
        ([check(f"c{number}", "failure") for number in range(7)], [], 0, "failed: c0, c1, c2, c3, c4 and 2 more"),
    ):
        statuses = [{"context": "ext", "state": state} for state in states]
        github.is_now(checks={COMMIT: checks}, statuses={COMMIT: statuses}, total=total, down=0)

        found = await ci(environment, COMMIT)

        assert found
        assert found.text == said
        assert len(found.lines) == len(checks) + len(statuses)
        assert found.unread == ("there are 150 checks, and only 1 were read" if total else "")


async def test_a_github_that_cannot_be_asked_is_a_fact_and_hides_no_other(github: FakeGitHub, repo: Repo) -> None:
    github.is_now(down=502)
    environment = replace(repo.environment(), checks=GitHub(Hub(github.repository, github.base_url, github.token)))
    tool = deploy_agent({"production": environment}).tool("deploy")
    assert tool is not None

    effect = await tool.prepare(tool.args.model_validate({"version": "v1.2.0", "environment": "production"}))

    facts = {fact.label: fact.text for fact in effect.facts}
    assert facts["CI"] == "unknown: GitHub answered 502: no reason"
    assert facts["Authors"] == "Anna (3)"


async def test_health_is_what_the_command_ends_with(repo: Repo) -> None:
    args = LiveArgs(environment="production")
    for script, outcome in (
        ("echo fine; echo more", Outcome("fine")),
        ("true", Outcome("healthy")),
        ("echo 500 >&2; exit 7", Outcome("", error="'sh' failed with exit code 7: 500")),
    ):
        tool = deploy_agent({"production": replace(repo.environment(), health=("sh", "-c", script))}).tool("health")
        assert tool is not None

        effect = await tool.prepare(args)

        assert effect == Effect(argv=("sh", "-c", script), environment="production", cwd=str(repo.path))
        assert await tool.execute(args, effect, PlainHands()) == outcome
        assert tool.gate(args) is None


async def test_an_agent_begins_with_what_it_nearly_always_needs(repo: Repo) -> None:
    environment = replace(
        said_by(repo, "echo running: unit"),
        last=("sh", "-c", "printf 'bo, 3 March\\n\\nnoise'"),
        health=("sh", "-c", "echo 503 >&2; exit 1"),
    )

    found = await deploy_agent({"production": environment}).prefetch(
        Run(started=started("deploy v1.1.0 to production"))
    )

    facts = {fact.label: fact.text for fact in found}
    assert facts["Last deploy to production"] == "bo, 3 March"
    assert facts["Health of production: look-up failed"] == "'sh' failed with exit code 1: 503"
    assert facts["CI in production with v1.1.0"] == "running: unit"
    assert facts["Authors in production with v1.1.0"] == "Anna (2)"

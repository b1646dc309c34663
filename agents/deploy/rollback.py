"""Back to what was live before, where a deploy left an environment unhealthy. Offered once, decided by people. Pure."""

from agents.command import failed
from agents.deploy.environment import Ways
from agents.deploy.results import (
    ROLLBACKS,
    Commit,
    argument,
    how_it_ended,
    is_about_rollback,
    last_deploy,
    last_done,
    live_before,
    looks,
    read_commit,
    tool_of,
)
from agents.run import Result, Run
from agents.steps import CallTool, RequestHumanInput, Step
from agents.text import one_line
from language import say

_WHY_CHARS = 200


def offered(run: Run, deploy: Result, health: Result, ways: Ways) -> Step:
    """A rollback, which the environment's policy gates; without one whoever asked is asked first."""
    environment, story = argument(deploy, "environment"), unhealthy(deploy, health)
    before = live_before(run, deploy)
    if any(is_about_rollback(one) and argument(one, "environment") in {"", environment} for one in run.results):
        return failed(f"{story} {say('deploy.back-offered-before')}")
    if before is None:
        return failed(f"{story} {say('deploy.back-not-known')}")
    if _is_live(run, environment, before):
        return failed(f"{story} {say('deploy.back-live-already')}")
    if environment not in ways.ungated:
        return _rollback(environment, before, ways)
    question = say("deploy.roll-back", environment=environment, version=before.version, story=story)
    return RequestHumanInput(question=question, format="yes_no")


def after_question(run: Run, answer: Result, ways: Ways) -> Step:
    """Return the step after a question: a plain yes begins one; everything else leaves things as they are."""
    done = last_done(run)
    deploy = last_deploy(run, argument(done, "environment")) if done else None
    health = _failed_health(run, deploy) if deploy else None
    before = live_before(run, deploy) if deploy else None
    if deploy is None or health is None or before is None:
        return failed(say("deploy.back-to-nothing"))
    if answer.kind == "answered" and answer.text.strip().lower() == "yes":
        return _rollback(argument(deploy, "environment"), before, ways)
    how = say("deploy.end-declined") if answer.kind == "answered" else how_it_ended(answer)
    return failed(say("deploy.back-unanswered", story=unhealthy(deploy, health), how=how))


def not_made(run: Run, rollback: Result) -> Step:
    """A rollback that people did not want, or that failed: told, and not tried again."""
    version, environment = argument(rollback, "version"), argument(rollback, "environment")
    story = why_rolled_back(run, environment)
    ended = say("deploy.back-not-made", environment=environment, version=version, how=how_it_ended(rollback))
    return failed(f"{story} {ended}".lstrip())


def why_rolled_back(run: Run, environment: str) -> str:
    """Return what led to the rollback of `environment`, as sentences; empty when the run does not say."""
    deploy = last_deploy(run, environment)
    health = _failed_health(run, deploy) if deploy else None
    return unhealthy(deploy, health) if deploy and health else ""


def unhealthy(deploy: Result, health: Result) -> str:
    """Return what people are told of a health check that failed after a deploy."""
    version, environment = argument(deploy, "version"), argument(deploy, "environment")
    why = one_line(health.text, _WHY_CHARS).rstrip(".")
    return say("deploy.unhealthy", version=version, environment=environment, why=why)


def _rollback(environment: str, before: Commit, ways: Ways) -> Step:
    tool = ways.tool("rollback", environment)
    return CallTool(tool=tool, arguments={"version": before.version, "environment": environment})


def _is_live(run: Run, environment: str, commit: Commit) -> bool:
    look = looks(run).get(environment)
    live = read_commit(look.text) if look else None
    return live is not None and live.hash == commit.hash


def _failed_health(run: Run, deploy: Result) -> Result | None:
    """The health check that failed after `deploy`, where that went, before a rollback was made there."""
    where = argument(deploy, "environment")
    since = [one for one in run.results[run.results.index(deploy) + 1 :] if argument(one, "environment") == where]
    until = next((number for number, one in enumerate(since) if tool_of(one) in ROLLBACKS), len(since))
    return next((one for one in reversed(since[:until]) if tool_of(one) == "health" and one.kind != "ok"), None)

"""The deploy agent without a model: the next step by plain rules, from the run alone. Pure, and it always ends."""

import re
from collections.abc import Sequence

from agents.deploy.git import is_hash
from agents.deploy.tools import shown
from agents.deploy.wish import Wish, wish_of, word_of
from agents.run import Result, Run
from agents.steps import CallTool, Done, RequestHumanInput, Step

VERSIONS = "Versions"
_WHICH_ENVIRONMENT = "Which environment should be deployed to?"
_WHICH_VERSION = "Which version should be deployed?"
_DEPLOYED = re.compile(r"deployed (?P<commit>[0-9a-f]{40,64}) to ")
_LIVE = re.compile(r"(?P<commit>[0-9a-f]{7,64})(?: \((?P<tags>.*)\))?")
_SHORT_CHARS = 7


def versions_label(environment: str) -> str:
    """The label of the fact that lists the versions there are for an environment."""
    return f"{VERSIONS} for {environment}"


def next_step(run: Run, environments: Sequence[str]) -> Step:
    """Ask for what is missing, once; deploy; look what is live; tell."""
    last = run.results[-1] if run.results else None
    match last:
        case Result(step=CallTool(tool="deploy")):
            return _after_deploy(last)
        case Result(step=CallTool(tool="live")) if deploy := _last_deploy(run):
            return _after_live(deploy, last)
        case Result(step=RequestHumanInput()) if last.kind != "answered":
            return Done(outcome="failed", summary=f"Nothing was deployed: the question {_ended(last)}")
        case _:
            return _begin(run, environments)


def _begin(run: Run, environments: Sequence[str]) -> Step:
    if not environments:
        return _failed("There is nowhere to deploy to: add [deploy.environments.NAME] to the configuration")
    asked = _answers(run)
    wish = wish_of(run.started.text if run.started else "", environments)
    environment = wish.environment or asked.get(_WHICH_ENVIRONMENT)
    if environment is None:
        return RequestHumanInput(question=_WHICH_ENVIRONMENT, format="choice", options=tuple(environments))
    if environment not in environments:
        return _failed(f"There is no environment {shown(environment)!r}. There are: {', '.join(environments)}")
    version = wish.version or asked.get(_WHICH_VERSION)
    if version is None:
        return RequestHumanInput(question=_WHICH_VERSION)
    return _deploy(run, Wish(word_of(version), environment), version)


def _deploy(run: Run, wish: Wish, said: str) -> Step:
    if wish.version is None or wish.environment is None:
        return _failed(f"{shown(said)!r} is not one version. Start again with: deploy VERSION to ENVIRONMENT")
    label = versions_label(wish.environment)
    known = next((fact.text.split(", ") for fact in run.facts or () if fact.label == label), None)
    # A list that was cut off, or that could not be had, does not say what there is not; and it holds no hashes.
    is_whole = known is not None and not any(name.startswith("and ") for name in known)
    if known and is_whole and wish.version not in known and not is_hash(wish.version):
        return _failed(f"There is no version {shown(wish.version)!r}. Versions, newest first: {', '.join(known)}")
    return CallTool(tool="deploy", arguments={"version": wish.version, "environment": wish.environment})


def _answers(run: Run) -> dict[str, str]:
    """What people answered to our own questions, by question."""
    return {
        result.step.question: result.text
        for result in run.results
        if isinstance(result.step, RequestHumanInput) and result.kind == "answered"
    }


def _after_deploy(deploy: Result) -> Step:
    if deploy.kind == "ok":
        return CallTool(tool="live", arguments={"environment": _argument(deploy, "environment")})
    what = f"Deploying {shown(_argument(deploy, 'version'))} to {shown(_argument(deploy, 'environment'))}"
    return _failed(f"{what} {_ended(deploy)}")


def _after_live(deploy: Result, live: Result) -> Done:
    version, environment = shown(_argument(deploy, "version")), shown(_argument(deploy, "environment"))
    if live.kind != "ok":
        return _failed(
            f"{version} was deployed to {environment}, but what is live there is not known: it {_ended(live)}"
        )
    found = _LIVE.fullmatch(live.text.strip())
    if found is None or not _is_wanted(deploy, found["commit"], (found["tags"] or "").split(", ")):
        return _failed(f"The deploy of {version} to {environment} ran, but {environment} serves {shown(live.text)}")
    commit = found["commit"][:_SHORT_CHARS]
    named = commit if found["commit"].startswith(version) else f"{version} ({commit})"
    return Done(summary=f"{named} is live in {environment}, verified")


def _is_wanted(deploy: Result, commit: str, tags: Sequence[str]) -> bool:
    """Whether the live commit is the deployed one; where only a person said that it was deployed, by its name."""
    if ran := _DEPLOYED.match(deploy.text):
        return ran["commit"].startswith(commit)
    version = _argument(deploy, "version")
    return version in tags or (is_hash(version) and commit.startswith(version))


def _last_deploy(run: Run) -> Result | None:
    deploys = (
        result for result in reversed(run.results) if isinstance(result.step, CallTool) and result.step.tool == "deploy"
    )
    return next((deploy for deploy in deploys if deploy.kind == "ok"), None)


def _argument(result: Result, name: str) -> str:
    return str(result.step.arguments.get(name, "")) if isinstance(result.step, CallTool) else ""


def _ended(result: Result) -> str:
    """How a step ended badly, as the end of a sentence."""
    why = f": {result.text}" if result.text else ""
    match result.kind:
        case "denied" | "withdrawn":
            return f"was {result.kind}{why}"
        case "revoked":
            return f"was approved, and revoked before it started{why}"
        case "expired":
            return f"was not decided in time{why}"
        case "refused":
            return f"was refused{why}"
        case "error" | "ok" | "answered":
            return f"failed{why}"


def _failed(summary: str) -> Done:
    return Done(outcome="failed", summary=summary)

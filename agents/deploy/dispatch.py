"""Deploys by a workflow of GitHub Actions: one dispatch, and then looks at its run until it has ended.

GitHub knows no idempotency key. The step's key goes along as the input `sayso_key`, and the workflow has it in its name
(`run-name: Deploy ${{ inputs.commit }} [${{ inputs.sayso_key }}]`): so a run that was begun is found again, and nothing
is dispatched for a key that has one. What nobody can know is whether a call whose answer was lost will still become a
run; then people are asked.
"""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress

from agents import Outcome, Pending, Tool, ToolContext
from agents.deploy.environment import BY_WORKFLOW, Environment, Hub, Way
from agents.deploy.github import GitHub, GitHubFailed, WorkflowRun
from agents.deploy.tools import DeployArgs, artifacts, described, gate, named, question, resolved, title
from agents.requests import Effect
from language import say

# What stands for the step's key in what is approved: the key is the one thing that is added when it is sent.
_KEY_PLACE = "{key}"
_CHECK_S = 20.0
# A run is listed a few seconds after it was begun.
_LOOKS, _LOOK_PAUSE_S = 5, 3.0


def dispatch_tool(
    environments: Mapping[str, Environment], way: Way = "deploy", look_pause_s: float = _LOOK_PAUSE_S
) -> Tool[DeployArgs]:
    """Have a workflow put a version live, once its environment's policy has approved the exact call."""

    async def prepare(args: DeployArgs) -> Effect:
        environment = named(environments, args.environment)
        commit, base, facts = await resolved(way, environment, args.version)
        hub = _hub(environment)
        body = json.dumps({"ref": hub.ref, "inputs": _inputs(environment, commit)})
        return Effect(
            argv=("POST", GitHub(hub).dispatch_url, body),
            artifacts=artifacts(environment, args.version, commit, base),
            environment=environment.name,
            facts=facts,
        )

    async def execute(args: DeployArgs, effect: Effect, hands: ToolContext) -> Outcome | Pending:
        environment = named(environments, effect.environment or args.environment)
        hub = GitHub(_hub(environment))
        if effect.argv[:2] != ("POST", hub.dispatch_url):
            return _not_dispatched(say("deploy.another-workflow"))
        try:
            if found := await hub.find(hands.key):
                return _pending(found, "deploy.workflow-begun-before")
        except GitHubFailed as error:
            return _not_dispatched(error)
        body = json.loads(effect.argv[2])
        try:
            run_id = await hub.dispatch(body["ref"], {**body["inputs"], "sayso_key": hands.key})
        except GitHubFailed as error:
            if error.refused:
                return _not_dispatched(error)
            return await _looked_for(hub, hands.key, error, look_pause_s)
        note = say("deploy.workflow-dispatched", environment=environment.name)
        return Pending(str(run_id) if run_id else hands.key, _CHECK_S, note)

    return Tool(
        name=BY_WORKFLOW[way],
        description=f"{described(way, environments)} A workflow does it.",
        args=DeployArgs,
        prepare=prepare,
        execute=execute,
        check=lambda args, handle, _: _looked_at(named(environments, args.environment), args, handle),
        gate=lambda args: gate(environments, args),
        title=lambda args: title(way, args),
        question=lambda args, effect: question(way, args, effect),
        waits_s=lambda args: named(environments, args.environment).timeout_s,
    )


async def _looked_at(environment: Environment, args: DeployArgs, handle: str) -> Outcome | Pending:
    """Return how the workflow stands that `handle` names there."""
    hub = GitHub(_hub(environment))
    try:
        run = await hub.run(int(handle)) if handle.isdecimal() else await hub.find(handle)
    except GitHubFailed as error:
        # Not being told how it went is no end: it may have gone either way.
        return Pending(handle, _CHECK_S, say("deploy.workflow-not-known", why=error))
    if run is None:
        note = say("deploy.workflow-not-listed", workflow=_hub(environment).workflow, key=handle)
        return Pending(handle, _CHECK_S, note)
    if not run.conclusion:
        return Pending(handle, _CHECK_S, say("deploy.workflow-runs", url=run.url))
    if run.conclusion == "success":
        return Outcome(f"deployed {args.version} to {environment.name}\n{run.url}")
    return Outcome("", error=say("deploy.workflow-ended", how=repr(run.conclusion), url=run.url))


def _hub(environment: Environment) -> Hub:
    if environment.workflow is None:
        raise ValueError(f"{environment.name} has no workflow")
    return environment.workflow


def _inputs(environment: Environment, commit: str) -> dict[str, str]:
    """Return the inputs of the workflow; it has to declare all three."""
    return {"commit": commit, "environment": environment.name, "sayso_key": _KEY_PLACE}


def _not_dispatched(why: object) -> Outcome:
    return Outcome("", error=say("deploy.not-dispatched", why=why))


def _pending(run: WorkflowRun, key: str) -> Pending:
    return Pending(str(run.id), _CHECK_S, say(key, url=run.url))


async def _looked_for(hub: GitHub, key: str, error: GitHubFailed, pause_s: float) -> Pending:
    """The run of a dispatch whose answer was lost. Raises TimeoutError, which is: nobody knows."""
    for _ in range(_LOOKS):
        with suppress(GitHubFailed):
            if found := await hub.find(key):
                return _pending(found, "deploy.workflow-begun-unheard")
        await asyncio.sleep(pause_s)
    raise TimeoutError(f"it is not known whether GitHub took the dispatch: {error}")

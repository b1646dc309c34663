"""The deploy agent's tools: put a version live, or the one before it; see what is live, and how it is."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import Field

from agents import Arguments, Outcome, Pending, Repeats, Tool, ToolContext, ToolRefused
from agents.deploy import checks
from agents.deploy.backends.command import PLAN_S, backend_of
from agents.deploy.environment import ELSEWHERE, Environment, Way
from agents.deploy.facts import (
    ROLLBACK,
    Found,
    about,
    health_fact,
    live,
    live_commit,
    refreshed,
    release_notes,
    shown,
)
from agents.deploy.lists import UNKNOWN
from agents.deploy.lookup import LookFailed
from agents.deploy.repository import git
from agents.deploy.results import LIVE_IN, read_commit
from agents.requests import Effect
from language import say
from language.recorded import text_of

_DESCRIPTIONS = {
    "deploy": "Deploy a version to an environment.",
    "rollback": "Put the version that was live before back, where a deploy left an environment unhealthy.",
}


class DeployArgs(Arguments):
    """What to deploy, and where."""

    version: str = Field(description="A tag, or a commit hash")
    environment: str = Field(description="The exact name of an environment")


class LiveArgs(Arguments):
    """Where to look."""

    environment: str = Field(description="The exact name of an environment")


def deploy_tool(environments: Mapping[str, Environment], way: Way = "deploy") -> Tool[DeployArgs]:
    """Put a version live by a command, once its environment's policy has approved the exact commit."""
    tool = _tool(way, environments, described(way, environments))
    plan_s = PLAN_S if any(one.plan for one in environments.values()) else 0.0
    return replace(tool, runs_command=True, timeout_s=plan_s + tool.timeout_s)


def dispatch_tool(environments: Mapping[str, Environment], way: Way = "deploy") -> Tool[DeployArgs]:
    """Have a server put a version live, once its environment's policy has approved the exact call."""

    async def check(args: DeployArgs, handle: str, hands: ToolContext) -> Outcome | Pending:
        environment = named(environments, args.environment)
        waits = hands.run.pending.waits if hands.run.pending else None
        effect = waits.attempt.effect if waits else None
        found = await backend_of(environment).look(handle, effect)
        return _told(found, args, effect, environment) if isinstance(found, Outcome) else found

    async def cancel(args: DeployArgs, handle: str, effect: Effect) -> str:
        return await backend_of(named(environments, args.environment)).cancel(handle, effect)

    def waits_s(args: DeployArgs) -> float:
        return named(environments, args.environment).timeout_s

    tool = _tool(way, environments, f"{described(way, environments)} A server does it.")
    return replace(tool, name=ELSEWHERE[way], check=check, cancel=cancel, waits_s=waits_s)


def _tool(way: Way, environments: Mapping[str, Environment], description: str) -> Tool[DeployArgs]:
    async def prepare(args: DeployArgs) -> Effect:
        environment = named(environments, args.environment)
        commit, base, found = await resolved(way, environment, args.version)
        try:
            call = await backend_of(environment).prepare(commit)
        except LookFailed as error:
            raise ToolRefused(
                say("deploy.no-program-found", environment=environment.name, why=text_of(str(error)))
            ) from error
        return Effect(
            argv=call.argv,
            versions={args.version: commit},
            # What is live is bound too: once another deploy has changed it, this one might take that back.
            artifacts={f"{LIVE_IN}{environment.name}": base, **call.artifacts},
            environment=environment.name,
            cwd=call.cwd,
            commit=call.commit,
            facts=(*found.facts, *call.facts),
            risks=found.risks,
        )

    async def execute(args: DeployArgs, effect: Effect, hands: ToolContext) -> Outcome | Pending:
        environment = named(environments, effect.environment or args.environment)
        done = await backend_of(environment).start(effect, hands)
        return _told(done, args, effect, environment) if isinstance(done, Outcome) else done

    return Tool(
        name=way,
        description=description,
        args=DeployArgs,
        prepare=prepare,
        execute=execute,
        gate=lambda args: named(environments, args.environment).policy,
        title=lambda args: title(way, args),
        question=lambda args, effect: question(way, args, effect),
        editable=("version",) if way == "deploy" else (),
        known={"environment": tuple(environments)},
        supersedes=way == "deploy",
        # Where a rollback goes is found out each time: people look at each of them.
        repeats=Repeats(variable=("version",), surroundings=(LIVE_IN,)) if way == "deploy" else None,
    )


def live_tool(environments: Mapping[str, Environment]) -> Tool[LiveArgs]:
    """See which commit is live."""

    async def prepare(args: LiveArgs) -> Effect:
        environment = named(environments, args.environment)
        return Effect(argv=environment.live_argv(), environment=environment.name, cwd=_folder(environment))

    async def execute(args: LiveArgs, effect: Effect, _: ToolContext) -> Outcome:
        try:
            return Outcome(await live(_in_folder(named(environments, args.environment), effect)))
        except LookFailed as error:
            return Outcome("", error=text_of(str(error)))

    return Tool(
        name="live",
        description="See which commit, and which version, is live in an environment.",
        args=LiveArgs,
        prepare=prepare,
        execute=execute,
        title=lambda args: say("deploy.title-live", environment=shown(args.environment)),
        known={"environment": tuple(environments)},
        changes=False,
        idempotent=True,
    )


def health_tool(environments: Mapping[str, Environment]) -> Tool[LiveArgs]:
    """See whether what is live works; `environments` are those that have a check of it."""

    async def prepare(args: LiveArgs) -> Effect:
        environment = named(environments, args.environment)
        return Effect(argv=environment.health_argv(), environment=environment.name, cwd=_folder(environment))

    async def execute(args: LiveArgs, effect: Effect, _: ToolContext) -> Outcome:
        try:
            return Outcome(await checks.health(_in_folder(named(environments, args.environment), effect)))
        except LookFailed as error:
            return Outcome("", error=text_of(str(error)))

    return Tool(
        name="health",
        description=f"See whether what is live works. For: {', '.join(environments)}.",
        args=LiveArgs,
        prepare=prepare,
        execute=execute,
        title=lambda args: say("deploy.title-health", environment=shown(args.environment)),
        known={"environment": tuple(environments)},
        changes=False,
        idempotent=True,
        timeout_s=checks.HEALTH_S + 10,
    )


def named(environments: Mapping[str, Environment], name: str) -> Environment:
    """The environment of exactly that name. Raises ToolRefused with the names there are."""
    if name in environments:
        return environments[name]
    known = ", ".join(environments) or say("deploy.no-environments")
    raise ToolRefused(say("deploy.no-environment", name=repr(shown(name)), names=known))


def title(way: Way, args: DeployArgs) -> str:
    """Return how a card names the deploy."""
    version, environment = shown(args.version), shown(args.environment)
    key = "deploy.title" if way == "deploy" else "deploy.title-rollback"
    return say(key, version=version, environment=environment)


def question(way: Way, args: DeployArgs, effect: Effect) -> str:
    """Return what a yes does: which version comes, where, and which one it replaces."""
    goes_back = any(risk.kind == ROLLBACK for risk in effect.risks)
    said = title("rollback" if goes_back else way, args)
    before = read_commit(next((fact.text for fact in effect.facts if fact.label == "From"), ""))
    if before is None:
        return said
    if effect.versions.get(args.version, "").startswith(before.hash):
        return say("deploy.again", title=said)
    return say("deploy.replacing", title=said, version=shown(before.called(before.version).split()[0]))


def described(way: Way, environments: Mapping[str, Environment]) -> str:
    """Return what a model is told of the tool."""
    where = ", ".join(environments)
    return f"{_DESCRIPTIONS[way]} Waits for approval by itself where one is needed. For: {where}."


async def resolved(way: Way, environment: Environment, version: str) -> tuple[str, str, Found]:
    """Resolve a version: what it stands for, what is live before it, what a card says of both. Raises ToolRefused."""
    commit, base, found = await _resolved(environment, version)
    facts, risks = found
    if way == "deploy":
        return commit, base, Found((*facts, *await release_notes(environment, version)), risks)
    return commit, base, Found((await health_fact(environment), *facts), risks)


async def _resolved(environment: Environment, version: str) -> tuple[str, str, Found]:
    try:
        stale = await refreshed([environment])
        commit = await git.commit_of(environment.repo, version)
        if commit is None:
            known = _listed(await git.versions(environment.repo))
            raise ToolRefused(say("deploy.no-version", version=repr(shown(version)), versions=known))
        try:
            base = await live_commit(environment)
        except LookFailed as error:
            return commit, UNKNOWN, await about(environment, None, commit, str(error), stale)
        return commit, base, await about(environment, base, commit, stale=stale)
    except LookFailed as error:
        refusal = say(
            "deploy.not-looked-up-for", version=version, environment=environment.name, why=text_of(str(error))
        )
        raise ToolRefused(refusal) from error


def _listed(known: git.Versions) -> str:
    names = ", ".join(known.names) or say("deploy.no-versions")
    return say("deploy.versions-and-older", versions=names, older=known.older) if known.older else names


def _before(effect: Effect) -> str:
    """Return what was live before, as people know it; empty when that is not known."""
    base = effect.artifacts.get(f"{LIVE_IN}{effect.environment}", "")
    if not git.is_hash(base):
        return ""
    said = next((fact.text for fact in effect.facts if fact.label == "From"), "")
    return said if said.startswith(base) else base


def _folder(environment: Environment) -> str:
    return str(environment.folder.absolute())


def _in_folder(environment: Environment, effect: Effect) -> Environment:
    """The environment in the folder that was prepared."""
    return replace(environment, cwd=Path(effect.cwd))


def _told(done: Outcome, args: DeployArgs, effect: Effect | None, environment: Environment) -> Outcome:
    """An end that worked, with what is live now and what was before: nothing else of a run says where to go back to."""
    if done.error:
        return done
    commit = effect.versions.get(args.version, args.version) if effect else args.version
    before = _before(effect) if effect else ""
    first = f"deployed {commit} to {environment.name}" + (f"\nlive before: {before}" if before else "")
    return replace(done, output=f"{first}\n{done.output}".rstrip())

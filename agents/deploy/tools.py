"""The deploy agent's two tools: put a version live, and see what is live."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from agents import CommandResult, Hands, Outcome, Tool, ToolRefused
from agents.deploy import git
from agents.deploy.environment import Environment
from agents.deploy.lookup import LookFailed, look
from agents.requests import Effect, Fact
from agents.text import one_line, visible

# No configuration can hold a policy of this name, and what needs an unknown policy is never executed.
_NO_SUCH_POLICY = "(unknown environment)"
# The end of a log says why it ended.
_LAST_LINES, _LAST_CHARS = 20, 2_000
_SHOWN_CHARS = 100
_UNKNOWN = "unknown"


class _Args(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DeployArgs(_Args):
    """What to deploy, and where."""

    version: str = Field(description="A tag, or a commit hash")
    environment: str = Field(description="The exact name of an environment")


class LiveArgs(_Args):
    """Where to look."""

    environment: str = Field(description="The exact name of an environment")


def deploy_tool(environments: Mapping[str, Environment]) -> Tool[DeployArgs]:
    """Put a version live, once its environment's policy has approved the exact commit."""

    def gate(args: DeployArgs) -> str | None:
        known = environments.get(args.environment)
        return known.policy if known else _NO_SUCH_POLICY

    async def prepare(args: DeployArgs) -> Effect:
        environment = named(environments, args.environment)
        try:
            return await _effect(environment, args.version)
        except LookFailed as error:
            raise ToolRefused(f"Cannot look up {args.version} for {environment.name}: {error}") from error

    async def execute(args: DeployArgs, effect: Effect, hands: Hands) -> Outcome:
        environment = _in_folder(named(environments, effect.environment or args.environment), effect)
        lock, limit_s = f"deploy-{environment.name}", environment.timeout_s
        done = await hands.command(effect.argv, cwd=environment.repo, lock=lock, timeout_s=limit_s)
        return _outcome(done, effect.artifacts[args.version], environment)

    return Tool(
        name="deploy",
        description="Deploy a version to an environment. Waits for approval by itself where one is needed.",
        args=DeployArgs,
        prepare=prepare,
        execute=execute,
        gate=gate,
        title=lambda args: f"Deploy {shown(args.version)} to {shown(args.environment)}",
        runs_command=True,
    )


def live_tool(environments: Mapping[str, Environment]) -> Tool[LiveArgs]:
    """See which commit is live."""

    async def prepare(args: LiveArgs) -> Effect:
        environment = named(environments, args.environment)
        return Effect(argv=environment.live_argv(), environment=environment.name, cwd=_folder(environment))

    async def execute(args: LiveArgs, effect: Effect, _: Hands) -> Outcome:
        try:
            return Outcome(await live(_in_folder(named(environments, args.environment), effect)))
        except LookFailed as error:
            return Outcome("", error=str(error))

    return Tool(
        name="live",
        description="See which commit, and which version, is live in an environment.",
        args=LiveArgs,
        prepare=prepare,
        execute=execute,
        title=lambda args: f"See what is live in {shown(args.environment)}",
        idempotent=True,
    )


def named(environments: Mapping[str, Environment], name: str) -> Environment:
    """The environment of exactly that name. Raises ToolRefused with the names there are."""
    if name in environments:
        return environments[name]
    known = ", ".join(environments) or "none; add [deploy.environments.NAME] to the configuration"
    raise ToolRefused(f"There is no environment {shown(name)!r}. There are: {known}")


async def live_commit(environment: Environment) -> str:
    """The commit that is live, in full where the repository knows it. Raises LookFailed."""
    printed = (await look(environment.live_argv(), environment.repo)).strip()
    if not git.is_hash(printed):
        raise LookFailed(f"{environment.live[0]!r} printed {shown(printed)!r}, which is no commit")
    with suppress(LookFailed):
        return await git.full_hash(environment.repo, printed) or printed
    return printed


async def live(environment: Environment) -> str:
    """The commit that is live, with its tags: `3f2a1c9… (v1.2.0)`. Raises LookFailed."""
    commit = await live_commit(environment)
    return with_tags(commit, await _tags(environment, commit))


def with_tags(commit: str, tags: tuple[str, ...]) -> str:
    """A commit as people know it."""
    return f"{commit} ({', '.join(tags)})" if tags else commit


def shown(text: str) -> str:
    """What somebody wrote, short enough for a title."""
    return one_line(text, _SHOWN_CHARS)


async def _effect(environment: Environment, version: str) -> Effect:
    commit = await git.commit_of(environment.repo, version)
    if commit is None:
        known = await git.versions(environment.repo)
        raise ToolRefused(f"There is no version {shown(version)!r}. Versions, newest first: {known}")
    try:
        base = await live_commit(environment)
        facts = await _facts(environment, base, commit)
    except LookFailed as error:
        base = _UNKNOWN
        facts = (Fact(label="From", text=f"{_UNKNOWN}: {error}"), await _commit_fact("To", environment, commit))
    return Effect(
        argv=environment.deploy_argv(commit),
        # What is live is bound too: once another deploy has changed it, this one might take that back.
        artifacts={version: commit, f"live in {environment.name}": base},
        environment=environment.name,
        cwd=_folder(environment),
        facts=facts,
    )


async def _facts(environment: Environment, old: str, new: str) -> tuple[Fact, ...]:
    """From what to what, and which commits lie between; what can't be found out is said so."""
    ends = [await _commit_fact(*end) for end in (("From", environment, old), ("To", environment, new))]
    return (*ends, *await changes(environment, old, new))


async def _commit_fact(label: str, environment: Environment, commit: str) -> Fact:
    return Fact(label=label, text=with_tags(commit, await _tags(environment, commit)))


def _folder(environment: Environment) -> str:
    return str(environment.repo.absolute())


def _in_folder(environment: Environment, effect: Effect) -> Environment:
    """The environment in the folder that was prepared; effects of older releases did not record it."""
    return replace(environment, repo=Path(effect.cwd)) if effect.cwd else environment


async def changes(environment: Environment, old: str, new: str) -> tuple[Fact, ...]:
    """The commits that going from `old` to `new` brings, and those that it takes back."""
    try:
        brought, taken = await git.log(environment.repo, old, new), await git.log(environment.repo, new, old)
    except LookFailed as error:
        return (Fact(label="Changes", text=f"unknown: {error}"),)
    facts = [
        Fact(label=label, text="\n".join(lines))
        for label, lines in (("Changes", brought), ("Takes back", taken))
        if lines
    ]
    return tuple(facts) or (Fact(label="Changes", text="none: it is live already"),)


async def _tags(environment: Environment, commit: str) -> tuple[str, ...]:
    """The tags of `commit`; none when the repository does not know it (yet)."""
    try:
        return await git.tags_at(environment.repo, commit)
    except LookFailed:
        return ()


def _outcome(done: CommandResult, commit: str, environment: Environment) -> Outcome:
    end = "\n".join(visible(done.output).rstrip().splitlines()[-_LAST_LINES:])[-_LAST_CHARS:]
    if done.exit_code == 0:
        return Outcome(f"deployed {commit} to {environment.name}\n{end}".rstrip())
    program = environment.command[0]
    if done.exit_code is None:
        return Outcome(
            end, error=f"{program} was stopped at its time-out of {environment.timeout_s:g} s. {end}".rstrip()
        )
    return Outcome(end, error=f"{program} ended with exit code {done.exit_code}. {end}".rstrip())

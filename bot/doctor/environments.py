"""Checks of the places to deploy to: the repository, its programs and their variables, and servers."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from agents.deploy import Environment
from agents.deploy.backends.ci_status import Checks
from agents.deploy.backends.command import backend_of
from agents.deploy.lookup import LookFailed
from agents.deploy.repository import git
from agents.deploy.repository.mirror import refresh
from agents.deploy.repository.programs import why_not_run, why_not_started
from agents.deploy.variables import missing
from bot.config.settings import Settings
from bot.doctor.finding import Finding, not_tried
from bot.errors import Invalid
from bot.registry.environments import environments_of

# A repository may come here for the first time.
_FETCH_S = 60.0


async def examine_environments(settings: Settings) -> list[Finding]:
    """Everything about every environment, all at once. Runs none of their commands."""
    try:
        environments = environments_of(settings).values()
    except Invalid as error:
        return [Finding(sign="✗", what=error.what, fix=error.do)]
    found = await asyncio.gather(*(_environment(one) for one in environments))
    return [finding for findings in found for finding in findings]


async def _environment(one: Environment) -> list[Finding]:
    key = f"deploy.environments.{one.name}"
    repository = await _repository(one, key)
    version = None
    if repository.sign == "✓":
        try:
            version = await git.newest(one.repo)
        except LookFailed as error:
            repository = Finding(sign="✗", what=f"{one.name}: {error}", fix=f"correct {key}.repo")
    findings = [repository, *[finding async for finding in _variables(one, key)]]
    if repository.sign == "✗":
        findings.append(not_tried(f"{one.name}: its commands", "the repository can't be read"))
    else:
        findings += [finding async for finding in _commands(one, key, version)]
    return [*findings, *[finding async for finding in _servers(one, key, version)]]


async def _repository(one: Environment, key: str) -> Finding:
    """Whether the repository can be read; one that is elsewhere is fetched."""
    there = one.remote.url if one.remote else one.repo
    try:
        stale = await refresh(one.remote, _FETCH_S) if one.remote else ()
        await git.check(one.repo)
    except LookFailed as error:
        if one.remote:
            return Finding(sign="✗", what=f"{one.name}: {error}", fix=f"correct {key}.repo, or {key}.git")
        what = f"no git repository: {error}" if one.repo.is_dir() else f"no folder {one.repo}"
        return Finding(sign="✗", what=f"{one.name}: {what}", fix=f"set {key}.repo")
    if stale:
        return Finding(sign="✗", what=f"{one.name}: {stale[0].text}", fix=f"correct {key}.repo, or {key}.git")
    who = "nobody is asked" if one.policy is None else f"policy {one.policy} decides"
    return Finding(sign="✓", what=f"{one.name} deploys from {there}; {who}")


async def _variables(one: Environment, key: str) -> AsyncIterator[Finding]:
    """The variables that commands would lack: in this process, which has the settings of those that run them."""
    for lack in await missing(one):
        if lack.endswith("is not set here"):
            fix = f"set it for every worker, or take it out of {key}.pass_env"
            yield Finding(sign="✗", what=f"{one.name}: pass_env: {lack}", fix=fix)
        else:
            fix = f"correct {key}.env, or let this user read that file"
            yield Finding(sign="✗", what=f"{one.name}: {lack}", fix=fix)


async def _commands(one: Environment, key: str, version: tuple[str, str] | None) -> AsyncGenerator[Finding]:
    """Each program is found and executable: `command` as an approval of the newest version would bind it."""
    if not one.folder.is_dir():
        what = f"{one.name}: there is no folder {one.folder}, where commands run"
        yield Finding(sign="✗", what=what, fix=f"correct {key}.cwd")
        return
    commit = version[1] if version else ""
    looks = {
        "live": one.live_argv(),
        "plan": one.plan_argv(commit),
        "ci": one.ci_argv(commit),
        "last": one.last_argv(),
        "health": one.health_argv(),
    }
    troubles = {name: why_not_started(one.folder, argv) for name, argv in looks.items() if argv}
    if one.command and version:
        argv = one.deploy_argv(commit)
        try:
            troubles["command"] = await why_not_run(one.repo.absolute(), one.folder.absolute(), argv, commit)
        except LookFailed as error:
            troubles["command"] = str(error)
    elif one.command:
        yield not_tried(f"{one.name}: command", "the repository has no commit yet")
    for name, why in troubles.items():
        if why:
            where = f"{name} of {version[0]}" if name == "command" and version else name
            fix = f"correct {key}.{name}, install that program, or make it executable (chmod +x)"
            yield Finding(sign="✗", what=f"{one.name}: {where}: {why}", fix=fix)
    if fine := [name for name, why in troubles.items() if not why]:
        yield Finding(sign="✓", what=f"{one.name}: programs are there for {', '.join(fine)}; none was run")


async def _servers(one: Environment, key: str, version: tuple[str, str] | None) -> AsyncGenerator[Finding]:
    """What is asked of servers: whether they may deploy, and the checks of a commit unless a command tells them."""
    if one.checks and not one.ci:
        yield await _checks(one, one.checks, key, version)
    for found in await backend_of(one).examine():
        match found.is_fine:
            case True:
                yield Finding(sign="✓", what=f"{one.name}: {found.what}")
            case False:
                yield Finding(sign="✗", what=f"{one.name}: {found.what}: {found.why}", fix=found.fix)
            case None:
                yield not_tried(f"{one.name}: {found.what}", found.why, found.fix)


async def _checks(one: Environment, server: Checks, key: str, version: tuple[str, str] | None) -> Finding:
    if not version:
        return not_tried(
            f"{one.name}: the checks at {server.name}", "no version is known here whose checks could be read"
        )
    try:
        await server.checks(version[1])
    except LookFailed as error:
        fix = f"correct {key}, or the token (SAYSO_GITHUB_TOKEN, gitlab.token_file), which reads checks and contents"
        return Finding(sign="✗", what=f"{one.name}: the checks of {version[0]}: {error}", fix=fix)
    return Finding(sign="✓", what=f"{one.name}: {server.name} tells the checks of {version[0]}")

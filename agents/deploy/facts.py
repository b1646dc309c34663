"""What code finds out about a deploy, as facts for a card or for the agent; what it could not find out is one too."""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress

from agents.deploy import checks, git
from agents.deploy.environment import Environment
from agents.deploy.git import Touched
from agents.deploy.lookup import LOOK_S, LookFailed, look
from agents.requests import Fact
from agents.text import one_line

_SHOWN_CHARS = 100
_MOST_AUTHORS, _MOST_FILES, _MOST_TAGS = 10, 15, 50
# All looks for one fact together take no longer, however many commands they are; all facts together have 20 s.
FACT_S = 15.0
UNKNOWN = "unknown"


def shown(text: str) -> str:
    """What somebody wrote, short enough for a title."""
    return one_line(text, _SHOWN_CHARS)


def with_tags(commit: str, tags: tuple[str, ...]) -> str:
    """A commit as people know it."""
    more = len(tags) - _MOST_TAGS
    named = (*tags[:_MOST_TAGS], f"and {more} more") if more > 0 else tags
    return f"{commit} ({', '.join(named)})" if named else commit


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
    return await _named(environment, await live_commit(environment))


async def found(label: str, finding: Awaitable[str], within_s: float = FACT_S) -> Fact:
    """What a look found; under another label, that it failed. It takes `within_s` at most."""
    try:
        async with asyncio.timeout(within_s):
            return Fact(label=label, text=await finding)
    except LookFailed as error:
        return Fact(label=f"{label}: look-up failed", text=str(error))
    except TimeoutError:
        return Fact(label=f"{label}: look-up failed", text=f"it did not end within {within_s:g} s")


async def about(environment: Environment, old: str | None, new: str, why: str = "") -> tuple[Fact, ...]:
    """What a card says of a deploy that goes from `old` to `new`; without `old`, `why` it is not known."""
    tests = asyncio.create_task(ci_facts(environment, new))
    if old is None:
        to = Fact(label="To", text=await _named(environment, new))
        return (Fact(label="From", text=f"{UNKNOWN}: {why}"), to, *await tests)
    ends = await asyncio.gather(_named(environment, old), _named(environment, new))
    between = await changes(environment, old, new)
    facts = (Fact(label=label, text=text) for label, text in zip(("From", "To"), ends, strict=True))
    return (*facts, *between, *await tests)


async def changes(environment: Environment, old: str, new: str, *, by_file: bool = False) -> tuple[Fact, ...]:
    """The commits that going from `old` to `new` brings, and those that it takes back; by whom, and in which files.

    Files are counted; `by_file` names those that differ most as well.
    """
    try:
        brought, taken = await asyncio.gather(git.log(environment.repo, old, new), git.log(environment.repo, new, old))
    except LookFailed as error:
        return (Fact(label="Changes", text=f"unknown: {error}"),)
    lists = [
        Fact(label=label, text="\n".join(lines))
        for label, lines in (("Changes", brought), ("Takes back", taken))
        if lines
    ]
    if not lists:
        return (Fact(label="Changes", text="none: it is live already"),)
    ends = (old, new) if brought else (new, old)
    who, what = await asyncio.gather(_authors(environment, *ends), _files(environment, old, new, by_file=by_file))
    return (*lists, who, *what)


async def ci_facts(environment: Environment, commit: str) -> tuple[Fact, ...]:
    """How the checks of `commit` stand; nothing where nobody said how to find out."""
    try:
        async with asyncio.timeout(FACT_S):
            said = await checks.ci(environment, commit)
    except (LookFailed, TimeoutError) as error:
        said = f"{UNKNOWN}: {error or 'it took too long'}"
    return (Fact(label="CI", text=said),) if said else ()


async def health_fact(environment: Environment) -> Fact:
    """How the environment is now, for whoever decides whether to go back."""
    try:
        said = await checks.health(environment, LOOK_S)
    except LookFailed as error:
        said = f"failing: {error}"
    return Fact(label="Health", text=said)


async def _named(environment: Environment, commit: str) -> str:
    """A commit with its tags; without them when the repository does not know it (yet)."""
    tags: tuple[str, ...] = ()
    with suppress(LookFailed):
        tags = await git.tags_at(environment.repo, commit)
    return with_tags(commit, tags)


async def _authors(environment: Environment, old: str, new: str) -> Fact:
    try:
        counted = await git.authors(environment.repo, old, new)
    except LookFailed as error:
        return Fact(label="Authors", text=f"{UNKNOWN}: {error}")
    text = ", ".join(f"{name} ({count})" for name, count in counted[:_MOST_AUTHORS])
    more = len(counted) - _MOST_AUTHORS
    return Fact(label="Authors", text=f"{text} and {more} more" if more > 0 else text)


async def _files(environment: Environment, old: str, new: str, *, by_file: bool) -> tuple[Fact, ...]:
    try:
        files = await git.touched(environment.repo, old, new)
    except LookFailed as error:
        return tuple(Fact(label=label, text=f"{UNKNOWN}: {error}") for label in ("Files", "Migrations"))
    added, removed = sum(one.added for one in files), sum(one.removed for one in files)
    word = "file" if len(files) == 1 else "files"
    numbers = Fact(label="Files", text=f"{len(files)} {word}, +{added} -{removed}" if files else "none differ")
    steps = [one for one in files if environment.is_migration(one.path)]
    migrations = Fact(label="Migrations", text=_listed(steps) if steps else "none")
    biggest = sorted(files, key=lambda one: one.added + one.removed, reverse=True)
    named = (Fact(label="Files touched", text=_listed(biggest)),) if by_file and files else ()
    return (numbers, *named, migrations)


def _listed(files: Sequence[Touched]) -> str:
    lines = [f"{one.path} +{one.added} -{one.removed}" for one in files[:_MOST_FILES]]
    more = len(files) - _MOST_FILES
    return "\n".join([*lines, f"… and {more} more"] if more > 0 else lines)

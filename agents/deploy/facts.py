"""Find out the facts of a deploy, for a card or for the agent, and its risks: what a careful approver looks for first.

What could not be found out is a fact, and mostly a risk, too.
"""

import asyncio
import re
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from agents.deploy import checks
from agents.deploy.backends.command import CommandBackend, backend_of
from agents.deploy.environment import Environment
from agents.deploy.lists import UNKNOWN, kept, listed, unknown, unread_list
from agents.deploy.lookup import LOOK_S, LookFailed
from agents.deploy.repository import git, programs
from agents.deploy.repository.git import Commits, Touched
from agents.deploy.repository.mirror import refresh
from agents.requests import Fact, Risk
from agents.text import one_line, strip_invisible
from language.labels import LOOK_UP_FAILED

ROLLBACK = "rollback"
"""The kind of risk of a deploy that only goes back."""

_CHANGES_UNKNOWN = Risk(kind="unknown", words="what changes is not known")
_CI_RISKS = {stands: Risk(kind="CI", words=f"CI {stands}") for stands in ("failed", "running", "unknown")}
_SHOWN_CHARS, _PATH_CHARS = 100, 120
_MOST_AUTHORS, _MOST_FILES, _MOST_TAGS, _MOST_COMMITS = 10, 15, 50, 20
_NOTES, _NOTES_ARE = "Release notes", "the message of the tag, in the words of whoever made it:"
_MOST_NOTES, _NOTE_CHARS = 6, 1_000
# So many files at once nobody reviews as a whole.
_MANY_FILES = 50
# All looks for one fact together take no longer, however many commands they are; all facts together have 20 s.
FACT_S = 15.0


class Found(NamedTuple):
    """What was found out for a card: its facts, and what is risky about them."""

    facts: tuple[Fact, ...]
    risks: tuple[Risk, ...] = ()


def shown(text: str) -> str:
    """Return what somebody wrote, short enough for a title."""
    return one_line(text, _SHOWN_CHARS)


def with_tags(commit: str, tags: tuple[str, ...]) -> str:
    """A commit as people know it."""
    more = len(tags) - _MOST_TAGS
    named = (*tags[:_MOST_TAGS], f"and {more} more") if more > 0 else tags
    return f"{commit} ({', '.join(named)})" if named else commit


async def refreshed(environments: Iterable[Environment]) -> tuple[Fact, ...]:
    """Bring every repository that is elsewhere up to date, each once. Return what did not work, and how old they are.

    Raises LookFailed for one that was never fetched.
    """
    remotes = dict.fromkeys(environment.remote for environment in environments if environment.remote)
    found = await asyncio.gather(*map(refresh, remotes))
    return tuple(fact for facts in found for fact in facts)


async def live_commit(environment: Environment) -> str:
    """The commit that is live, in full where the repository knows it. Raises LookFailed."""
    who = CommandBackend(environment) if environment.live else backend_of(environment)
    told = await who.live()
    if not git.is_hash(told):
        by = environment.live[0] if environment.live else who.server
        raise LookFailed(f"{by!r} printed {shown(told)!r}, which is no commit")
    with suppress(LookFailed):
        return await git.full_hash(environment.repo, told) or told
    return told


async def live(environment: Environment) -> str:
    """The commit that is live, with its tags: `3f2a1c9… (v1.2.0)`. Raises LookFailed."""
    return await _named(environment, await live_commit(environment))


async def found(label: str, finding: Awaitable[str], within_s: float = FACT_S) -> Fact:
    """Return what a look found; under another label, that it failed. It takes `within_s` at most."""
    try:
        async with asyncio.timeout(within_s):
            return Fact(label=label, text=await finding)
    except LookFailed as error:
        return Fact(label=f"{label}{LOOK_UP_FAILED}", text=str(error))
    except TimeoutError:
        return Fact(label=f"{label}{LOOK_UP_FAILED}", text=f"it did not end within {within_s:g} s")


def _commits(label: str, commits: Commits) -> Fact:
    head = f"{commits.total} {'commit' if commits.total == 1 else 'commits, newest first'}:\n"
    lines, total = commits.lines, commits.total
    return listed(label, lines, total, most=_MOST_COMMITS, unread=commits.unread, head=head)


async def about(
    environment: Environment, old: str | None, new: str, why: str = "", stale: Sequence[Fact] = ()
) -> Found:
    """Return what a card says of a deploy from `old` to `new`; without `old`, `why` it is not known.

    `stale` says that the repository is not up to date, and stands first.
    """
    unreached = (Risk(kind="unknown", words="the repository could not be reached"),) if stale else ()
    tests = asyncio.create_task(look_at_ci(environment, new))
    if old is None:
        to = Fact(label="To", text=await _named(environment, new))
        unread = unread_list("Changes", f"what is live is not known: {why}")
        came = Fact(label="From", text=f"{UNKNOWN}: {why}", unread=unread)
        no_live = Risk(kind="unknown", words="what is live is not known")
        ci = await tests
        return Found((*stale, came, to, *ci.facts), (*unreached, no_live, *ci.risks))
    ends = await asyncio.gather(_named(environment, old), _named(environment, new))
    between, risks = await changes(environment, old, new)
    facts = (Fact(label=label, text=text) for label, text in zip(("From", "To"), ends, strict=True))
    risks = tuple(dict.fromkeys((*risks, *await _changed_programs(environment, old, new))))
    ci = await tests
    return Found((*stale, *facts, *ci.facts, *between), (*unreached, *risks, *ci.risks))


async def changes(environment: Environment, old: str, new: str, *, by_file: bool = False) -> Found:
    """Return the commits that going from `old` to `new` brings and those that it takes back, by whom, in which files.

    Files are counted; `by_file` names those that differ most as well.
    """
    try:
        brought, taken = await asyncio.gather(git.log(environment.repo, old, new), git.log(environment.repo, new, old))
        risks = await _risks(environment, old, new, brought, taken)
    except LookFailed as error:
        return Found((unknown("Changes", str(error)),), (_CHANGES_UNKNOWN,))
    lists = [
        _commits(label, commits) for label, commits in (("Changes", brought), ("Takes back", taken)) if commits.total
    ]
    if not lists:
        unread = unread_list("Changes", brought.unread) if old != new and brought.unread else ""
        return Found((Fact(label="Changes", text="none: it is live already", unread=unread),), risks)
    ends = (old, new) if brought.total else (new, old)
    who, files = await asyncio.gather(_authors(environment, *ends), _files(environment, old, new, by_file=by_file))
    # In its own line a commit may claim another author, or be too long for its own.
    return Found((*files.facts[::-1], *lists, who), (*risks, *files.risks))


async def _risks(environment: Environment, old: str, new: str, brought: Commits, taken: Commits) -> tuple[Risk, ...]:
    """Return what is risky about the commits that come and those that go. Raises LookFailed."""
    found = list[tuple[str, str]]()
    if taken.total and not brought.total:
        found.append((ROLLBACK, f"rollback by {_count(taken.total, 'commit')}"))
    elif taken.total and not await git.have_common(environment.repo, old, new):
        found.append(("history", "no common history with what is live"))
    elif taken.total:
        verb = "is" if taken.total == 1 else "are"
        found.append(("takes back", f"takes back {_count(taken.total, 'commit')} that {verb} live"))
    found += [("size", f"{_count(brought.total, 'commit')} at once")] if brought.total > _MOST_COMMITS else []
    is_cut = old != new and (brought.unread or taken.unread)
    found += [("unknown", "the list of changes is not whole")] if is_cut else []
    return tuple(Risk(kind=kind, words=words) for kind, words in found)


async def _changed_programs(environment: Environment, old: str, new: str) -> tuple[Risk, ...]:
    """Return which programs of the deploy itself are others in `new`; where a server deploys, none runs here."""
    if environment.backend:
        return ()
    try:
        changed = await programs.changed(environment.repo, environment.deploy_argv(new), old, new)
    except LookFailed:
        return (_CHANGES_UNKNOWN,)
    return tuple(Risk(kind="program", words=f"{shown(part)} {what}") for part, what in changed)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


async def look_at_ci(environment: Environment, commit: str) -> Found:
    """Return how the checks of `commit` stand; nothing where nobody said how to find out."""
    try:
        async with asyncio.timeout(FACT_S):
            said = await checks.ci(environment, commit)
    except (LookFailed, TimeoutError) as error:
        return Found((unknown("CI", str(error) or "it took too long"),), (_CI_RISKS["unknown"],))
    if said is None:
        return Found(())
    fact = kept(Fact(label="CI", text=said.text, unread=unread_list("CI", said.unread)), said.lines)
    return Found((fact,), (_CI_RISKS[said.stands],) if said.stands in _CI_RISKS else ())


async def release_notes(environment: Environment, version: str) -> tuple[Fact, ...]:
    """Return the message of the tag that is called `version`, as its author wrote it; nothing where it has none."""
    try:
        async with asyncio.timeout(FACT_S):
            said = strip_invisible((await git.tag_message(environment.repo, version)).replace("\r\n", "\n"))
    except (LookFailed, TimeoutError) as error:
        return (unknown(_NOTES, str(error) or "it took too long"),)
    lines = [line[at : at + _NOTE_CHARS] for line in said.split("\n") for at in range(0, len(line) or 1, _NOTE_CHARS)]
    written = [line for line in lines if line.strip()]
    if not written:
        return ()
    # A mark before each line, so that none of them can look like a fact of ours.
    beginning = [f"> {one_line(line, _PATH_CHARS)}" for line in written[:_MOST_NOTES]]
    fact = Fact(label=_NOTES, text="\n".join((_NOTES_ARE, *beginning)))
    is_whole = len(written) <= _MOST_NOTES and all(len(line) <= _PATH_CHARS for line in written)
    return (fact if is_whole else kept(fact, lines),)


async def health_fact(environment: Environment) -> Fact:
    """Return how the environment is now, for whoever decides whether to go back."""
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
        return unknown("Authors", str(error))
    lines = [f"{name} ({count})" for name, count in counted]
    return listed("Authors", lines, len(lines), most=_MOST_AUTHORS, is_row=True)


async def _files(environment: Environment, old: str, new: str, *, by_file: bool) -> Found:
    """Return the facts about files, and what is risky about them."""
    try:
        files = await git.touched(environment.repo, old, new)
    except LookFailed as error:
        facts = tuple(unknown(label, str(error)) for label in ("Files", "Migrations"))
        return Found(facts, (Risk(kind="unknown", words="which files change is not known"),))
    added, removed = sum(one.added for one in files), sum(one.removed for one in files)
    steps = [one for one in files if environment.is_migration(one.path)]
    migrations = _touched("Migrations", steps) if steps else Fact(label="Migrations", text="none")
    biggest = sorted(files, key=lambda one: one.added + one.removed, reverse=True)
    touched = _touched("Files touched", biggest)
    said = f"{_count(len(files), 'file')}, +{added} -{removed}" if files else "none differ"
    numbers = kept(Fact(label="Files", text=said, unread=touched.unread), [*map(_named_file, biggest)])
    risks = [Risk(kind="migrations", words=await _migrating(environment, old, new, steps))] if steps else []
    risks += [Risk(kind="size", words=f"{_count(len(files), 'file')} at once")] if len(files) > _MANY_FILES else []
    return Found((numbers, *((touched,) if by_file and files else ()), migrations), tuple(risks))


async def _migrating(environment: Environment, old: str, new: str, steps: Sequence[Touched]) -> str:
    """Return how many migrations these are, with the first statement in them that destroys data."""
    said = _count(len(steps), "migration")
    for step in steps[:_MOST_FILES]:
        with suppress(LookFailed):
            if found := destroys(await git.diff(environment.repo, old, new, step.path)):
                return f"{said} with {found}"
    return said


_DESTROYS = re.compile(
    r"\b(?:drop\s+(?:table|column|database|schema|view|index|type)|alter\s+table\s+\S+\s+drop|truncate|delete\s+from)\b[^;\n'\")]*"
    r"|\b(?:drop_table|drop_column|remove_column|DeleteModel|RemoveField)\b",
    re.IGNORECASE,
)


def destroys(diff: str) -> str:
    """`DROP TABLE users`: the first statement that destroys data in what a diff adds; empty where it adds none."""
    added = (line[1:] for line in diff.split("\n") if line.startswith("+") and not line.startswith("+++ "))
    found = next(filter(None, map(_DESTROYS.search, added)), None)
    return shown(found[0].strip()) if found else ""


def _touched(label: str, files: Sequence[Touched]) -> Fact:
    return listed(label, [*map(_named_file, files)], len(files), most=_MOST_FILES)


def _named_file(one: Touched) -> str:
    return f"{one_line(one.path, _PATH_CHARS)} +{one.added} -{one.removed}"

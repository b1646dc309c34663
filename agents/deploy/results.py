"""Read from a run what the deploy agent's own steps gave. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from agents.deploy.environment import ELSEWHERE
from agents.deploy.facts import shown
from agents.deploy.repository.git import is_hash
from agents.requests import StepId
from agents.run import Result, Run
from agents.state import AttemptOutcome, what_counts
from agents.steps import CallTool, RequestHumanInput
from language import in_each, say
from language.recorded import ending_of

DEPLOYS = frozenset({"deploy", ELSEWHERE["deploy"]})
ROLLBACKS = frozenset({"rollback", ELSEWHERE["rollback"]})
LOOKS = frozenset({"live", "health"})
LIVE_IN = "live in "
"""Begins the name of the artifact that is live before a deploy; the name of its environment follows."""
_DEPLOYED = re.compile(r"deployed (?P<commit>[0-9a-f]{40,64}) to [^\n]+")
_BEFORE = re.compile(r"deployed [0-9a-f]{40,64} to [^\n]+\nlive before: (?P<live>[^\n]+)")
_LIVE = re.compile(r"(?P<commit>[0-9a-f]{7,64})(?: \((?P<tags>.*)\))?")
_SHORT_CHARS = 7
# What was seen earlier, others may have changed since.
_RECENT = timedelta(minutes=5)
_ENDS = {
    "denied": "deploy.end-denied",
    "withdrawn": "deploy.end-withdrawn",
    "revoked": "deploy.end-revoked",
    "expired": "deploy.end-expired",
    "refused": "deploy.end-refused",
    "error": "deploy.end-failed",
    "ok": "deploy.end-failed",
    "answered": "deploy.end-failed",
}


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit and its tags, as `live` names them."""

    hash: str
    tags: tuple[str, ...]

    def called(self, version: str) -> str:
        """`v1.2.0 (3f2a1c9)`, or the short hash where the version is the hash itself."""
        short = self.hash[:_SHORT_CHARS]
        return short if self.hash.startswith(version) else f"{version} ({short})"

    @property
    def version(self) -> str:
        """The name by which it can be deployed."""
        return self.tags[0] if self.tags else self.hash


def read_commit(text: str) -> Commit | None:
    """The commit that `3f2a1c9… (v1.2.0, stable)` names; None for anything else."""
    found = _LIVE.fullmatch(text.strip())
    tags = (found["tags"] or "").split(", ") if found else []
    # A tag has no spaces in it: those that were left out are counted.
    return Commit(found["commit"], tuple(tag for tag in tags if tag and " " not in tag)) if found else None


def tool_of(result: Result) -> str:
    """The tool that was called; empty for a question."""
    return result.step.tool if isinstance(result.step, CallTool) else ""


def argument(result: Result, name: str) -> str:
    """One argument of a call, short enough to be told."""
    return shown(str(result.step.arguments.get(name, ""))) if isinstance(result.step, CallTool) else ""


def last_done(run: Run) -> Result | None:
    """The last deploy or rollback that worked."""
    tools = DEPLOYS | ROLLBACKS
    return next((one for one in reversed(run.results) if tool_of(one) in tools and one.kind == "ok"), None)


def last_deploy(run: Run, where: str) -> Result | None:
    """The last deploy to `where` that worked, whatever was rolled back since."""
    done = (one for one in reversed(run.results) if tool_of(one) in DEPLOYS and one.kind == "ok")
    return next((one for one in done if argument(one, "environment") == where), None)


def is_about_rollback(result: Result) -> bool:
    """Return whether it is a rollback, or the question whether to make one."""
    step = result.step
    if not isinstance(step, RequestHumanInput):
        return tool_of(result) in ROLLBACKS
    return step.format == "yes_no" and any(begins.match(step.question) for begins in _ways_to_ask())


@cache
def _ways_to_ask() -> tuple[re.Pattern[str], ...]:
    """Return how the question whether to roll back begins, in every language."""
    asked = in_each(lambda: say("deploy.roll-back", environment="\0", version="\0", story="").strip())
    return tuple(re.compile(re.escape(each).replace(re.escape("\0"), ".+?"), re.DOTALL) for each in asked)


def is_wanted(deploy: Result, live: Commit) -> bool:
    """Return whether the live commit is the deployed one; where only a name is known of that, by its name."""
    if ran := _DEPLOYED.match(deploy.text):
        return ran["commit"].startswith(live.hash)
    version = argument(deploy, "version")
    return version in live.tags or (is_hash(version) and live.hash.startswith(version))


def live_before(run: Run, deploy: Result) -> Commit | None:
    """Return what was live before a deploy: as it was approved, else as it was seen when the run began."""
    if told := _BEFORE.match(deploy.text):
        return read_commit(told["live"])
    label = live_label(argument(deploy, "environment"))
    return next((read_commit(fact.text) for fact in run.facts or () if fact.label == label), None)


def live_label(environment: str) -> str:
    """The label of the fact that says what was live when the run began."""
    return f"Live in {environment}"


def live_now(run: Run, now: datetime | None = None) -> dict[str, str]:
    """Return what is live in each environment that `run` itself deployed to, as far as that is known at `now`.

    That is by its own results, unless something else was tried there since, or they are old: others deploy as well.
    Without `now` it is as of the end. What code looked up at the end counts first; where it saw nothing, no deploy says
    what is live.
    """
    done, seen, failed = _deployed(run), looks(run), _tried_in_vain(run)
    last = seen if run.looked_at_end else {**done, **seen}
    last = {where: one for where, one in last.items() if where in done and where not in failed}
    told = {where: _live_as(done[where], _commit_in(last[where])) for where in _recent(run, last, now)}
    told |= {where: _live_as(done[where], live) for where, live in _looked_up(run).items() if where in done}
    return {where: told[where] for where in done if where in told}


def live_seen(run: Run, now: datetime | None = None) -> dict[str, str]:
    """Return what is live where `run` was to change something or looked, as its own tools and code saw it last.

    A look counts until something else is done or waited for, and while it is recent. Where a model said more than was
    done, or what was seen is old, code looked once more at the end, and that counts.
    """
    seen = dict[str, Result]()
    for result in run.results[run.copied :]:
        if tool_of(result) not in LOOKS:
            seen.clear()
        elif tool_of(result) == "live" and result.kind == "ok" and read_commit(result.text):
            seen[argument(result, "environment")] = result
    recent = {where: _called(live) for where in _recent(run, seen, now) if (live := _commit_in(seen[where]))}
    looked = {where: _called(live) for where, live in _looked_up(run).items()}
    return {**_below(run, now), **recent, **looked, **live_now(run, now)}


def is_out_of_sight(run: Run, now: datetime) -> bool:
    """Return whether `run` should know what is live somewhere and does not: nobody looked, or what was seen is old.

    What was tried in vain may have changed it all the same.
    """
    tried = {*_deployed(run), *_tried_in_vain(run)}
    return bool(tried - looks(run).keys() or {*tried, *run.child_live} - live_seen(run, now).keys())


def unhealthy(run: Run) -> tuple[str, ...]:
    """Return the environments whose last health check failed since `run` last deployed there."""
    checked = dict[str, bool]()
    for result in run.results[run.copied :]:
        where, tool = argument(result, "environment"), tool_of(result)
        if tool in DEPLOYS | ROLLBACKS and result.kind == "ok":
            checked[where] = True
        elif tool == "health" and where in checked and result.kind in {"ok", "error"}:
            checked[where] = result.kind == "ok"
    return tuple(where for where, is_fine in checked.items() if not is_fine)


def is_not_seen(run: Run, now: datetime) -> bool:
    """Return whether code looked at the end, and it is not known by `now` what is live where a deploy worked."""
    return run.looked_at_end and bool(_deployed(run).keys() - live_seen(run, now).keys())


def serves_another(run: Run, now: datetime) -> bool:
    """Return whether, right after `run` deployed something, something else is live there by `now`."""
    ended, looked, looked_up = _ended(run), looks(run), _looked_up(run)
    for where, deploy in _deployed(run).items():
        look, at = looked.get(where), _at(ended, deploy)
        live, seen_at = (_commit_in(look), _at(ended, look)) if look else (looked_up.get(where), now)
        if live and at and seen_at and seen_at - at <= _RECENT and not is_wanted(deploy, live):
            return True
    return False


def live_already(run: Run, step: CallTool, now: datetime, heard_at: datetime | None) -> str:
    """Return what is live where `step` would put what `run` itself has put there; empty where that may be wished.

    It may where people were heard since, at `heard_at`, where something else is live by now or nobody has looked
    lately, and where what is live fails its check.
    """
    where, wanted = str(step.arguments.get("environment", "")), shown(str(step.arguments.get("version", "")))
    done = _deployed(run).get(where) if step.tool in DEPLOYS | ROLLBACKS else None
    if done is None or argument(done, "version") != wanted or where in unhealthy(run):
        return ""
    done_at = _at(_ended(run), done)
    if done_at is None or (heard_at and heard_at >= done_at):
        return ""
    look = looks(run).get(where)
    live = _commit_in(look) if look else None
    return "" if live and not is_wanted(done, live) else live_now(run, now).get(where, "")


def _deployed(run: Run) -> dict[str, Result]:
    """Return the last deploy or rollback of `run` that worked in each environment."""
    own = (one for one in run.results[run.copied :] if one.kind == "ok" and tool_of(one) in DEPLOYS | ROLLBACKS)
    return {argument(one, "environment"): one for one in own}


def looks(run: Run) -> dict[str, Result]:
    """Return the last look of `run` at each environment since it last deployed there."""
    seen = dict[str, Result]()
    for result in run.results[run.copied :]:
        where = argument(result, "environment")
        if tool_of(result) in DEPLOYS | ROLLBACKS:
            seen.pop(where, None)
        elif tool_of(result) == "live" and result.kind == "ok" and read_commit(result.text):
            seen[where] = result
    return seen


def _tried_in_vain(run: Run) -> set[str]:
    """Return where the last deploy or rollback of `run` that began did not work: what is live there is not known."""
    tried = dict[str, list[AttemptOutcome]]()
    for one in run.made:
        where = one.effect.environment if one.effect else None
        if where and one.tool in DEPLOYS | ROLLBACKS and not one.never_began:
            before = tried.get(where, [])
            tried[where] = [*before, one] if before and before[-1].step_id == one.step_id else [one]
    return {where for where, attempts in tried.items() if what_counts(attempts).state not in {"ok", "not_done"}}


def _recent(run: Run, seen: Mapping[str, Result], now: datetime | None) -> list[str]:
    """Return the environments whose result in `seen` is recent."""
    ended = _ended(run)
    return [where for where, one in seen.items() if _is_recent(run, _at(ended, one), now)]


def _ended(run: Run) -> dict[StepId, datetime]:
    """Return when each step of `run` whose effect has ended did so."""
    return {one.step_id: one.ended_at for one in run.made if one.ended_at}


def _at(ended: Mapping[StepId, datetime], result: Result) -> datetime | None:
    return ended.get(result.step_id) if result.step_id else None


def _is_recent(run: Run, at: datetime | None, now: datetime | None) -> bool:
    now = run.ended.at if run.ended else now
    return at is not None and (now is None or now - at <= _RECENT)


def _below(run: Run, now: datetime | None) -> dict[str, str]:
    """Return what children saw live, as far as that is recent and nothing was tried there since."""
    tried = _tried_in_vain(run)
    return {
        where: what for where, (what, at) in run.child_live.items() if where not in tried and _is_recent(run, at, now)
    }


def _looked_up(run: Run) -> dict[str, Commit]:
    """Return what code looked up at the end, in the environments that `run` is about: all where it names none."""
    if not run.looked_at_end:
        return {}
    prefix = live_label("")
    facts = {fact.label.removeprefix(prefix): fact.text for fact in run.facts or () if fact.label.startswith(prefix)}
    meant = {argument(one, "environment") for one in run.results} | {name for name in facts if _is_in(name, run.text)}
    found = {where: read_commit(text) for where, text in facts.items()}
    about = [where for where in facts if where in meant] or facts
    return {where: live for where in about if (live := found[where])}


def _called(live: Commit) -> str:
    return shown(live.called(live.version))


def _commit_in(result: Result) -> Commit | None:
    return read_commit(result.text) if tool_of(result) == "live" else None


def _is_in(name: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) is not None


def _live_as(deploy: Result, live: Commit | None) -> str:
    """Return what is live after a deploy: what was seen there, by the name that was deployed if it is that."""
    version, ran = argument(deploy, "version"), _DEPLOYED.match(deploy.text)
    if live:
        return shown(live.called(version if is_wanted(deploy, live) else live.version))
    return Commit(ran["commit"], ()).called(version) if ran else version


def how_it_ended(result: Result) -> str:
    """Return how a step ended badly, as the end of a sentence."""
    why = f": {ending_of(result.text)}" if result.text else ""
    return f"{say(_ENDS[result.kind])}{why}"

"""What a run changed, by what its tools did and never by what a model says of it. Pure."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from agents import Agent
from agents.deploy.results import DEPLOYS, ROLLBACKS, unhealthy
from agents.events import Change
from agents.events.tools import Stopped
from agents.requests import StepId
from agents.run import Run
from agents.state import AttemptOutcome, what_counts
from agents.steps import CallTool, Done

SEND_REPLY = "send_reply"
"""The desk's tool, named here so that nobody loads a desk to learn what a run changed."""
# Another call of these takes the place of one that failed, whatever else its arguments are.
_IN_PLACE = DEPLOYS | ROLLBACKS | {SEND_REPLY}
# What is not known may not be called failed, nor what failed done.
_FIRST: tuple[Change, ...] = ("unknown", "partly", "failed", "changed", "nothing")
_Given = Mapping[StepId | None, str]


def change_of(agent: Agent | None, run: Run, *, by_rules: bool = False) -> Change:
    """Return what `run`, which has `agent`, has changed so far; without an agent nobody knows what it was to change.

    Plain rules that end it with what people answered were to ask them, and may call for the same with other arguments
    where that failed: a model may only say so.
    """
    given = _given(run, by_rules=by_rules)
    found = {*_attempted(run, given), *run.child_changes}
    has_changed = "changed" in run.child_changes or any(one.changes and one.state == "ok" for one in run.made)
    is_partly = "failed" in found or stops_of(run, by_rules=by_rules) or _is_refused(agent, run, given)
    if has_changed and (is_partly or unhealthy(run)):
        found.add("partly")
    for first in _FIRST:
        if first in found:
            return first
    has_asked = by_rules and bool(run.results) and run.results[-1].kind == "answered"
    return "nothing" if agent is None or (not has_asked and _wishes_change(agent, run)) else "not_wanted"


def with_changes(run: Run, below: Iterable[Change]) -> Run:
    """Return `run` with what children changed of whose end it does not hear any more."""
    told = (one for one in below if one not in {"nothing", "not_wanted"})
    return replace(run, child_changes=(*run.child_changes, *told))


def is_unfounded(agent: Agent, run: Run, done: Done) -> bool:
    """Return whether `done` says that a wish is fulfilled for which no tool has done what it takes."""
    return done.outcome == "done" and change_of(agent, run) in {"nothing", "failed", "unknown"}


def may_be_called(agent: Agent, run: Run) -> tuple[str, ...]:
    """The tools by whose success a wish would be fulfilled; none where what was wished was left to runs that ended."""
    starts = {tool.name for tool in agent.tools if tool.starts_runs and not tool.changes_world}
    return tuple(name for name in able(agent) if name not in starts or not run.child_changes)


def able(agent: Agent) -> tuple[str, ...]:
    """The tools of `agent` by which something changes: by themselves, or by the runs that they start."""
    return tuple(tool.name for tool in agent.tools if tool.changes_world or tool.starts_runs)


def _attempted(run: Run, given: _Given) -> Iterator[Change]:
    """What became of each effect; of one that was called for several times, the last time that it was made.

    It is the same for a model where what was `given` is, as of a deploy and for plain rules where the environment is:
    of a deploy it is told what is live. A mail to the desk is answered once, in whichever words. What its tool refused
    before anything happened is no effect.
    """
    calls = defaultdict[StepId, list[AttemptOutcome]](list)
    for one in run.made:
        if one.changes:
            calls[one.step_id].append(one)
    last = dict[tuple[str, str | None], Change]()
    for tried in calls.values():
        one = what_counts(tried)
        is_nothing = all(each.never_began or each.refused for each in tried)
        became = "nothing" if is_nothing else one.came_to
        where = one.effect.environment if one.effect else None
        what = one.tool, where if one.tool in _IN_PLACE else given.get(one.step_id, where)
        # What did not happen takes nothing from what did before it.
        last[what] = last.get(what, became) if became == "nothing" else became
    yield from last.values()


def _given(run: Run, *, by_rules: bool) -> _Given:
    """Return what each closed call was for, as it was executed, to be compared: the first one for the same, by any
    names.

    Of plain rules that did all of it, nothing: they may do another way what failed.
    """
    given, known = dict[StepId | None, str](), dict[str, StepId]()
    if by_rules and not (run.stand_in and run.stand_in.some):
        return given
    for one in run.results:
        if one.step_id and isinstance(one.step, CallTool):
            named = (one.step.arguments, one.call.meant if one.call else one.step.arguments)
            names = [f"{one.step.tool} {json.dumps(each, sort_keys=True)}" for each in named]
            first = next((known[name] for name in names if name in known), one.step_id)
            for name in names:
                known.setdefault(name, first)
            given[one.step_id] = first
    return given


def stops_of(run: Run, *, by_rules: bool) -> tuple[Stopped, ...]:
    """Return how people stopped what was to be changed, of all that was not changed after that; also in the run that
    this one was made from.

    It is the same where what was given is. Where another call takes its place, and for plain rules, it is where the
    environment is; and so it is of what runs below were to do, if the later one saw what is live there.
    """
    given = _given(run, by_rules=by_rules)
    changing, stops = {one.tool for one in run.made if one.changes}, dict[str | None, Stopped]()
    for one in run.results:
        if not isinstance(one.step, CallTool):
            continue
        call, done = given.get(one.step_id), set[str | None]()
        if one.stopped:
            where = one.stopped.environment
            is_by_place = one.step.tool in _IN_PLACE or (one.child and where)
            key = where if is_by_place or not call else call
            stops.pop(key, None)  # the last one is told
            stops[key] = one.stopped
        elif one.child and one.child.change == "changed":
            done = {call, *(where for where in one.child.changed_in if not call or where in one.child.live)}
        elif one.step.tool in changing:
            done = {None, one.environment, call} if not call or one.step.tool in _IN_PLACE else {call}
        for name in done:
            stops.pop(name, None)
    return tuple(stops.values())


def _is_refused(agent: Agent | None, run: Run, given: _Given) -> bool:
    """Return whether what a tool was last called for was refused, or what it was called for in an environment that is
    there, or for want of an approval, and neither was done later; or the last run below did not come to it.

    Where its calls take each other's place, it was done by any change in that environment. The same again, or other
    words for it, take nothing from what was done.
    """
    changing = {tool.name: tool for tool in agent.tools if tool.changes_world} if agent else {}
    own = ((one, one.step) for one in run.results[run.copied :])
    calls = [(one, step) for one, step in own if isinstance(step, CallTool) and step.tool in changing]
    last = {step.tool: one for one, step in calls}
    places = {name: tool.known.get("environment", ()) for name, tool in changing.items()}
    refused = [
        (one, step)
        for one, step in calls
        if one.kind == "refused"
        and (one.unapproved or one is last[step.tool] or step.arguments.get("environment") in places[step.tool])
    ]
    elsewhere = {str(step.arguments["environment"]) for _, step in refused if "environment" in step.arguments}
    others = {given.get(one.step_id) for one, step in refused if step.tool not in _IN_PLACE}
    others -= {None, *(given.get(one.step_id) for one, _ in calls if one.kind == "ok")}
    is_other = bool(elsewhere.difference(changed_in(run)) or others)
    return is_other or run.child_changes[-1:] == ("nothing",)


def changed_in(run: Run) -> tuple[str, ...]:
    """Return the environments in which `run`, or a run that it started, has changed something."""
    own = [one.effect.environment for one in run.made if one.changes and one.state == "ok" and one.effect]
    below = [name for one in run.results[run.copied :] if one.child for name in one.child.changed_in]
    return tuple(dict.fromkeys(filter(None, [*own, *below])))


def _wishes_change(agent: Agent, run: Run) -> bool:
    """Return whether something was to be changed: it was tried, or it can be and was not plainly just asked about."""
    changing = {tool.name for tool in agent.tools if tool.changes_world}
    allowed = {one.step_id for one in run.made if one.begun_by and not one.changes}  # of these nobody says more
    calls = [one for one in run.results[run.copied :] if one.step_id not in allowed]
    if changing & {one.step.tool for one in calls if isinstance(one.step, CallTool)}:
        return True
    if not able(agent) or agent.asks_only(run):
        return False
    # What starts runs and does nothing else has done its part: what was wished, those say.
    return bool(changing) or not run.child_changes

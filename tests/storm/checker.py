"""Judges a storm by outside facts alone: nothing here looks into Redis or asks the product what it thinks."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tests.storm.facts import APPROVERS, KINDS, SETUPS, WAYS, Facts, Setup, Story

Group = Literal["worker", "other"]
STOOD_STILL: dict[Group, str] = {
    "worker": "a worker stood still longer than a lease",
    "other": "another process stood still longer than a lease",
}
CUT: dict[Group, str] = {"worker": "line of a worker cut", "other": "line of another process cut"}
WORKERS, OTHERS = ("worker 1", "worker 2"), ("web", "slack", "mail")
KILLED = (*WORKERS, *OTHERS)
TAKEN_BY_OTHERS = "accept"
"""The point at which those die that only take what people say."""
POINTS = (
    "admit", "commit run_started", "commit context_fetched+step_chosen", "commit request_opened",
    "commit card_delivered", "commit vote_cast+request_decided", "commit request_decided", "take",
    "commit tool_started", "commit tool_finished", "commit tool_orphaned", "commit step_chosen+run_ended",
    "commit sent", "sweep",
)  # fmt: skip
"""The points at which workers die. Some are reached only by chance in a storm; `tests/kill` has them die at each."""


def died_at(point: str) -> str:
    """Return as what a death at this point is counted."""
    return f"died at a named point: {point}"


# Named points and cuts need a line to Redis for each process, and a full disk one of its own: a single Redis has them.
_OF_REDIS: dict[Setup, tuple[str, ...]] = {
    "one": (
        died_at("take"), died_at(TAKEN_BY_OTHERS), "Redis killed and started again", "disk of Redis full",
        *CUT.values(),
    ),
    "cluster": ("master killed, its replica promoted", "slot moved to another master"),
    "sentinel": ("master killed, its replica promoted", "stale master came back"),
}  # fmt: skip
_DONE = (
    *(f"killed: {name}" for name in KILLED),
    *STOOD_STILL.values(),
    "clock stepped",
    "Redis out of memory",
    "events in reverse order",
    "Slack away",
    *(f"said twice: {way}" for way in WAYS),
    *(f"decided: {way}" for way in WAYS),
    *(f"story: {kind}" for kind in KINDS),
)
DONE: dict[Setup, tuple[str, ...]] = {setup: (*_OF_REDIS[setup], *_DONE) for setup in SETUPS}
"""What must have happened at least once, or the storm says nothing."""
COUNTED: dict[Setup, tuple[str, ...]] = {**DONE, "one": (*dict.fromkeys((*DONE["one"], *map(died_at, POINTS))),)}
"""What is told of, also where it did not happen."""


@dataclass(frozen=True)
class Report:
    """`wrong` names the stories by what is wrong with them; `tame` is what there was too little of, `skipped`
    what this machine has no means for.
    """

    wrong: dict[str, list[str]]
    tame: list[str]
    done: dict[str, int]
    skipped: list[str]

    @property
    def is_well(self) -> bool:
        """Whether nothing went wrong, and enough was tried to say so."""
        return not self.tame and not any(self.wrong.values())

    def lines(self) -> Iterable[str]:
        """The table, in Markdown."""
        yield from ("| what went wrong | how often |", "|---|---|")
        yield from (f"| {what} | {len(names)} |" for what, names in self.wrong.items())
        yield from ("", "| what was done | how often |", "|---|---|")
        yield from (f"| {what} | {count} |" for what, count in self.done.items())
        yield from (f"{what}: {', '.join(names)}" for what, names in self.wrong.items() if names)
        yield from (f"not done here: {why}" for why in self.skipped)
        yield from (f"too little to count: {what}" for what in self.tame)


def check(facts: Facts, least_approvals: int = 1) -> Report:
    """Judge a storm that is over, once everything is healthy again and nothing moves any more."""
    wrong = {what: [story.plot.name for story in facts.stories if is_so(story)] for what, is_so in WRONGS.items()}
    wrong["cards left live"] = facts.live
    asked = sum(len(story.calls_before_unknown) for story in facts.stories)
    wanted, counted = DONE[facts.setup], COUNTED[facts.setup]
    done = {
        "stories": len(facts.stories),
        "approvals": facts.approvals,
        "denials": sum(not said.approves for story in facts.stories for said in story.said),
        "calls of tools": sum(len(story.calls) for story in facts.stories),
        "asked whether it happened": asked,
        **{what: facts.done[what] for what in counted},
        **{what: count for what, count in sorted(facts.done.items()) if what not in counted},
    }
    skipped = {what for what in wanted for why in facts.skipped if why.startswith(what)}
    tame = [what for what in wanted if not facts.done[what] and what not in skipped]
    if facts.approvals < least_approvals:
        tame.append(f"approvals ({facts.approvals} of {least_approvals})")
    return Report(wrong, tame, done, facts.skipped)


def _is_lost(story: Story) -> bool:
    """It was approved and nothing else, and was not done; or people were told that it is done, and it is not."""
    must_be_done = story.plot.kind in {"approve", "pause"}
    ended = bool(story.shown)
    return ended and not story.effects and (must_be_done or "done" in story.shown)


def _is_twice(story: Story) -> bool:
    """Its effect was made twice, or it was called again though nobody had said that it did not happen."""
    unasked = story.plot.tool != "honours" and len(story.calls) > 1 + len(story.calls_before_unknown)
    return len(story.effects) > 1 or unasked


def _is_undecided(story: Story) -> bool:
    """A call that no approval which counts came before: of somebody who may, in time, one for each call."""
    may = APPROVERS[story.plot.policy]
    times = sorted(said.at for said in story.said if said.approves and said.counts and said.person in may)
    calls = sorted(call["at"] for call in story.calls)
    if story.plot.tool == "honours":  # a second call under the same key is the same one
        calls = calls[:1]
    return len(times) < len(calls) or any(call < time for call, time in zip(calls, times, strict=False))


def _is_shown_wrong(story: Story) -> bool:
    """People were told of an end that is not what happened, or of two."""
    last = story.shown[-1:]
    if len(set(story.shown)) > 1 or (last == ["done"] and not story.effects):
        return True
    goes_on_after = story.plot.kind == "cancel" and last == ["cancelled"]
    return bool(last) and last != ["done"] and bool(story.effects) and not goes_on_after


def _is_stuck(story: Story) -> bool:
    """It has not come to an end, long after everything was healthy again."""
    return story.was_taken and not story.shown


WRONGS = {
    "lost": _is_lost,
    "executed twice": _is_twice,
    "executed without a valid decision": _is_undecided,
    "wrong outcome shown": _is_shown_wrong,
    "stuck over 60 s": _is_stuck,
}
"""What can be wrong with a story."""

"""What a run has changed: read from what its tools did, whatever a model says."""

from collections.abc import Callable, Mapping, Sequence
from itertools import permutations, product

import pytest
from pydantic import JsonValue

from agents import Agent, Arguments, Effect, Outcome, Tool, ToolContext
from agents.changes import change_of, is_unfounded, may_be_called
from agents.command import asks_only
from agents.events import Change, ChildStarted, Event, OutsideReported, StepRefused
from agents.requests import RunId, StepId
from agents.run import Run, fold
from agents.starting import START_RUN, start_run_tool
from agents.steps import CallTool, Done
from bot.testing.events import NOON, chosen, decided, finished, opened, orphaned, started, tool_started


class Nothing(Arguments):
    """It takes nothing."""


async def _execute(_: Nothing, __: Effect, ___: ToolContext) -> Outcome:
    return Outcome("ok")


def _rules(_: Run) -> Done:
    return Done(summary="over")


LOOK = Tool(name="live", description="look", args=Nothing, execute=_execute)
GATED = Tool(name="deploy", description="do", args=Nothing, execute=_execute, gate=lambda _: "production")
DOES = Tool(name="tell", description="do", args=Nothing, execute=_execute, changes=True)
AGENT = Agent(name="a", description="a", tools=(GATED, LOOK), fallback=_rules, asks_only=asks_only)
LOOKS = Agent(name="b", description="b", tools=(LOOK,), fallback=_rules)
PASSES_ON = Agent(name="c", description="c", tools=(start_run_tool({"a": "a"}),), fallback=_rules)
CHILD = RunId("child")


def called(
    tool: str, *then: Event, changes: bool = True, attempt: str = "a1", idempotent: bool = False, of: str = ""
) -> list[Event]:
    began = tool_started(attempt, f"of {attempt}", tool=tool, changes=changes, idempotent=idempotent)
    return [chosen(CallTool(tool=tool, arguments={"of": of} if of else {}), f"of {attempt}"), began, *then]


def ran(tool: str, attempt: str = "a1", error: str = "", of: str = "", *, refused: bool = False) -> list[Event]:
    """A call with its end."""
    return called(tool, finished(attempt, error=error, refused=refused), attempt=attempt, of=of)


def never_began(tool: str, attempt: str = "a1") -> list[Event]:
    return called(tool, orphaned(attempt, may_have_started=False), attempt=attempt)


def passed_on(change: Change, child: RunId = CHILD) -> list[Event]:
    return [
        chosen(CallTool(tool=START_RUN, arguments={})),
        ChildStarted(at=NOON, step_id=StepId("s1"), run_id=child, agent="a", text="do"),
        OutsideReported(at=NOON, report_id=child, handle=child, by=(), text="done", change=change),
    ]


def refused(environment: str = "") -> list[Event]:
    arguments: dict[str, JsonValue] = {"environment": environment} if environment else {}
    call = chosen(CallTool(tool="deploy", arguments=arguments), "of r")
    return [call, StepRefused(at=NOON, step_id=StepId("of r"), error="no")]


DENIED = [chosen(CallTool(tool="deploy", arguments={}), gate="production"), opened(), decided("denied")]


LOOKED = called("live", finished(), changes=False)
OTHER = RunId("other")
# The result of an attempt that was given up comes after the next one began, which is given up as well.
LATE = (orphaned("a1"), tool_started("a2", "of a1", idempotent=True), finished("a1"), orphaned("a2"))
THEN_REFUSED = (orphaned(), tool_started("a2", "of a1"), finished("a2", error="no", refused=True))


@pytest.mark.parametrize(
    ("agent", "text", "events", "change"),
    [
        (AGENT, "deploy v1", LOOKED, "nothing"),
        (AGENT, "what is live?", LOOKED, "not_wanted"),
        (AGENT, "deploy v1", ran("deploy"), "changed"),
        (AGENT, "deploy v1", ran("deploy", error="exit code 3"), "failed"),
        (AGENT, "deploy v1", called("deploy", orphaned()), "unknown"),
        (AGENT, "what is live?", DENIED, "nothing"),
        (AGENT, "deploy v1", [*ran("tell"), *DENIED], "partly"),
        (AGENT, "deploy v1", [*DENIED, *ran("deploy")], "changed"),
        (AGENT, "deploy v1", [*ran("tell"), *ran("deploy", "a2", "no")], "partly"),
        (AGENT, "deploy v1", [*ran("deploy", error="no"), *ran("deploy", "a2")], "changed"),
        (AGENT, "tell a and b", [*ran("tell", error="no", of="a"), *ran("tell", "a2", of="b")], "partly"),
        (AGENT, "tell a", [*ran("tell", error="no", of="a"), *ran("tell", "a2", of="a")], "changed"),
        (AGENT, "tell a", ran("tell", error="no", of="a", refused=True), "nothing"),
        (AGENT, "tell a", [*ran("tell", error="no", of="a", refused=True), *ran("tell", "a2", of="b")], "changed"),
        (AGENT, "tell a", called("tell", *THEN_REFUSED), "failed"),
        (AGENT, "deploy v1", [*ran("deploy"), *refused("staging")], "partly"),
        (AGENT, "deploy v1", [*refused("prod"), *ran("deploy")], "changed"),
        (AGENT, "deploy v1", [*ran("deploy"), *refused("production")], "changed"),
        (AGENT, "deploy v1", [*ran("deploy"), *refused()], "changed"),
        (AGENT, "deploy v1", called("deploy", *LATE, idempotent=True), "changed"),
        (AGENT, "deploy v1", never_began("deploy"), "nothing"),
        # What never began takes nothing from what was done before it.
        (AGENT, "deploy v1", [*ran("deploy"), *never_began("deploy", "a2")], "changed"),
        (AGENT, "deploy v1", [*ran("deploy", error="no"), *never_began("deploy", "a2")], "failed"),
        (LOOKS, "deploy v1", LOOKED, "not_wanted"),
        (PASSES_ON, "deploy v1", [], "nothing"),
        (PASSES_ON, "deploy v1", passed_on("changed"), "changed"),
        (PASSES_ON, "deploy v1", [*passed_on("changed"), *passed_on("failed", OTHER)], "partly"),
        (PASSES_ON, "deploy v1", [*passed_on("changed"), *passed_on("nothing", OTHER)], "partly"),
        (PASSES_ON, "deploy v1", [*passed_on("nothing", OTHER), *passed_on("changed")], "changed"),
        (PASSES_ON, "what is live?", passed_on("not_wanted"), "not_wanted"),
        (None, "what is live?", [], "nothing"),
    ],
)
def test_what_a_run_changed_is_what_its_tools_did(
    agent: Agent | None, text: str, events: Sequence[Event], change: Change
) -> None:
    run = fold([started(text), *events])

    assert change_of(agent, run) == change
    if agent:
        assert is_unfounded(agent, run, Done(summary="done")) == (change in {"nothing", "failed", "unknown"})
        assert not is_unfounded(agent, run, Done(outcome="failed", summary="no"))


_ENDS: Mapping[str, Callable[[str], Event]] = {
    "ok": finished,
    "error": lambda one: finished(one, error="no"),
    "left": orphaned,
    "never": lambda one: orphaned(one, may_have_started=False),
}
"""What is last said of an attempt; one of which nothing is said runs still."""


def _after(tries: tuple[str, ...]) -> Change:
    """What became of one call by its attempts: one that worked says so, else the last that may have begun."""
    begun = [one for one in tries if one != "never"]
    if "ok" in begun:
        return "changed"
    return "nothing" if not begun else "failed" if begun[-1] == "error" else "unknown"


def test_what_became_of_a_call_does_not_depend_on_when_the_results_of_its_attempts_come() -> None:
    for tries in (one for count in (1, 2, 3) for one in product((*_ENDS, ""), repeat=count)):
        _holds_in_any_order(tries)


def _holds_in_any_order(tries: tuple[str, ...]) -> None:
    names = [f"a{number}" for number in range(len(tries))]
    begins = [tool_started(one, "of a0", idempotent=True) for one in names]
    before = [chosen(CallTool(tool="deploy", arguments={}), "of a0")]
    gives_up = [orphaned(one) for one in names]
    ends = [_ENDS[end](one) for one, end in zip(names, tries, strict=True) if end in {"ok", "error"}]
    # Each attempt is given up, if anything is heard of it, before the next one begins; results come in any order, late.
    story = list[Event]()
    for begin, up, end, name in zip(begins, gives_up, tries, names, strict=True):
        given_up = [_ENDS["never"](name)] if end == "never" else [up] if end or name != names[-1] else []
        story += [begin, *given_up]

    found = {change_of(AGENT, fold([started("deploy v1"), *before, *story, *late])) for late in permutations(ends)}

    assert found == {_after(tries)}, tries


def test_rules_may_do_another_way_what_failed() -> None:
    failed, other = called("tell", finished(error="no"), of="a"), called("tell", finished("a2"), attempt="a2", of="b")
    run = fold([started("tell a"), *failed, *other])

    assert change_of(AGENT, run, by_rules=True) == "changed"


def test_a_tool_that_may_be_gated_changes_something_and_one_that_says_nothing_only_looks() -> None:
    assert (GATED.changes_world, DOES.changes_world, LOOK.changes_world) == (True, True, False)


def test_a_run_that_left_its_wish_to_one_that_ended_is_not_told_to_do_it_again() -> None:
    assert may_be_called(PASSES_ON, fold([started("deploy v1")])) == (START_RUN,)
    assert may_be_called(PASSES_ON, fold([started("deploy v1"), *passed_on("nothing")])) == ()


def test_an_end_that_was_refused_leaves_the_run_as_it_was() -> None:
    refused = StepRefused(at=NOON, step_id=StepId("s1"), error="no")

    run = fold([started("deploy v1"), chosen(Done(summary="it is live")), refused])

    assert (run.ended, run.pending, run.results, run.end_refused) == (None, None, (), True)


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("Hello sayso, which version is live?", True),
        ("is v1.2.0 live in production?", True),
        ("who deployed last, and when?", True),
        ("what changed between v1.0.0 and v1.2.0?", True),
        ("has v1.2.0 passed CI?", True),
        ("Welche Version ist in production live?", True),
        ("wer hat zuletzt deployed?", True),
        ("what is live", False),
        ("can you deploy v1.2.0 to production?", False),
        ("what is live? deploy v1.2.0", False),
        ("why don't you promote v1.2.0 to production?", False),
        ("when can we have v1.2.0 in production?", False),
        ("is v1.2.0 live in production, otherwise promote it?", False),
        ("is it time for a rollout of v1.2.0?", False),
        ("have v1.2.0 live by noon?", False),
        ("wie wäre es mit v1.2.0 in production?", False),
        ("ist v1.2.0 live, und wenn nicht, spielst du es ein?", False),
        ("", False),
    ],
)
def test_only_one_plain_question_that_can_be_no_wish_asks_only(text: str, is_so: bool) -> None:
    assert asks_only(fold([started(text)])) == is_so

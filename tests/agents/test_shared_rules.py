"""Plain rules ask about what somebody wrote to a run before they do what nobody can take back."""

from dataclasses import replace
from typing import Literal

import pytest

from agents import Agent
from agents.announce import announce_agent
from agents.ask import Listed, ask_agent
from agents.events import Event
from agents.release import release_agent
from agents.requests import Given, PersonId
from agents.run import Result, Run, fold
from agents.steps import CallTool, Done, ModelCall, RequestHumanInput, Step
from agents.triage import triage_agent
from tests.agents.worlds import NOON, chosen, decided, opened, said, started

WHAT, WHICH = "What should be announced?", "What should be done with your message?"
WHOM = "Nobody is called that. Whom should I ask? Write person:NAME or group:NAME"
UNTIL = "Until when may they answer? Such as: until Thursday 12:00, until 17:00, until tomorrow"
ANNOUNCE = announce_agent(("group:release",))
ASK = ask_agent({"anna": Listed("Anna Ames"), "bo": Listed("Bo Berg", groups=("release",))})


def is_a_deploy(text: str) -> bool:
    return text.startswith("deploy ")


DEPLOY = replace(ANNOUNCE, name="deploy", takes=is_a_deploy)
RELEASE = release_agent(DEPLOY, ANNOUNCE)
TRIAGE = triage_agent((DEPLOY, ASK, ANNOUNCE))
DEPLOYED = Result(
    CallTool(tool="start_run", arguments={"agent": "deploy", "text": "deploy v1 to production"}), "ok", "v1 is live"
)
CASES = [
    pytest.param(ANNOUNCE, "announce: tea", (), "Announce “tea” all the same?", id="announce"),
    pytest.param(ASK, "ask group:release: ready? | until tomorrow", (), "Ask group:release all the same?", id="ask"),
    pytest.param(TRIAGE, "announce: tea", (), "Start the announce agent all the same?", id="triage"),
    pytest.param(RELEASE, "deploy v1 to production and announce it", (), "Deploy all the same?", id="deploy"),
    pytest.param(RELEASE, "deploy v1 and announce it", (DEPLOYED,), "Announce it all the same?", id="release"),
]


def run_of(text: str, results: tuple[Result, ...] = (), *, is_written_to: bool = False) -> Run:
    run = replace(fold([started(text)]), results=results)
    return replace(run, unheard=(PersonId("bo"),)) if is_written_to else run


def asks(step: Step) -> RequestHumanInput:
    assert isinstance(step, RequestHumanInput)
    return step


@pytest.mark.parametrize(("agent", "text", "before", "question"), CASES)
def test_it_is_asked_about_and_only_a_yes_goes_on(
    agent: Agent, text: str, before: tuple[Result, ...], question: str
) -> None:
    plain = agent.fallback(run_of(text, before))
    asked = asks(agent.fallback(run_of(text, before, is_written_to=True)))

    def after(kind: str, said: str, *, is_written_to: bool = False) -> Step:
        result = Result(asked, kind, said)  # pyright: ignore[reportArgumentType]
        return agent.fallback(run_of(text, (*before, result), is_written_to=is_written_to))

    assert isinstance(plain, CallTool)
    assert asked.question.startswith(question)
    assert asked.format == "yes_no"
    assert after("answered", "yes") == plain
    assert after("answered", "yes", is_written_to=True) == asked
    for end in (after("answered", "no"), after("expired", ""), after("answered", "no", is_written_to=True)):
        assert isinstance(end, Done)
        assert (end.outcome == "failed") is not bool(before)


def test_what_was_written_while_something_else_was_asked_is_asked_about_in_the_end() -> None:
    events: list[Event] = [started("ask group:nobody: ready?")]

    def answer(words: str, *meanwhile: Event) -> Step:
        step_id = f"s{len(events)}"
        step = ASK.fallback(fold(events))
        call = ModelCall(model="rehearsal", rehearsal=True)
        events.append(chosen(step, step_id, call=call))
        events.extend([opened(step_id, step_id, "question"), *meanwhile])
        events.append(decided("answered", step_id, Given(text=words)))
        return step

    assert asks(answer("group:release", said(text="never mind"))).question == WHOM
    assert asks(answer("until tomorrow")).question == UNTIL
    assert asks(answer("yes")).question.startswith("Ask group:release all the same?")
    assert isinstance(ASK.fallback(fold(events)), CallTool)


def test_whoever_said_that_it_is_for_none_of_the_agents_is_believed() -> None:
    said = Result(RequestHumanInput(question="Whose?", format="choice"), "answered", "none of these")

    step = TRIAGE.fallback(run_of("announce: tea", (said,)))

    assert step == Done(summary="Nothing was started: the message is for none of the agents")


@pytest.mark.parametrize("label", ["announce: says something", "announce — words of a model"])
def test_an_agent_is_chosen_by_its_name_whatever_is_said_of_it(label: str) -> None:
    said = Result(RequestHumanInput(question=WHICH, format="choice"), "answered", label)

    assert TRIAGE.fallback(run_of("hm", (said,))) == CallTool(tool="start_run", arguments={"agent": "announce"})


def test_only_what_was_done_before_the_rules_went_on_is_said_to_have_been_done() -> None:
    asked = Result(RequestHumanInput(question="Anything else?"), "expired", "")
    agents = {"start_run": (TRIAGE, "started"), "announce": (ANNOUNCE, "announced"), "survey": (ASK, "")}
    stopped: list[Literal["denied", "expired", "refused"]] = ["denied", "expired", "refused"]

    for tool, (agent, done) in agents.items():
        call = CallTool(tool=tool, arguments={})
        for kind in stopped:
            said = summary_of(agent, (Result(call, kind, "no"), asked))
            assert said.startswith(f"Nothing was {done}" if done else "Nobody was asked"), said
        said = summary_of(agent, (Result(call, "ok", "it is said"), asked))
        assert said.startswith(f"Nothing more was {done}" if done else "Nobody else was asked"), said


@pytest.mark.parametrize(
    ("agent", "text", "tool"),
    [
        (ANNOUNCE, "announce: tea", "announce"),
        (ASK, "ask group:release: ready? | until tomorrow", "survey"),
        (TRIAGE, "announce: tea", "start_run"),
    ],
)
def test_what_a_model_had_done_before_the_rules_went_on_is_not_done_once_more(
    agent: Agent, text: str, tool: str
) -> None:
    """An announcement and a survey have no gate: everybody would hear it twice."""
    done = Result(CallTool(tool=tool, arguments={"agent": "announce"}), "ok", "it is said")
    answered = Result(RequestHumanInput(question="Is it well so?"), "answered", "yes")

    assert agent.fallback(run_of(text, (done, answered))) == agent.fallback(run_of(text, (done,)))


@pytest.mark.parametrize(
    ("agent", "text", "tool"),
    [(ANNOUNCE, "announce: tea", "announce"), (ASK, "ask group:release: ready? | until tomorrow", "survey")],
)
def test_what_a_model_called_for_by_mistake_is_not_what_the_rules_end_with(agent: Agent, text: str, tool: str) -> None:
    mistaken = Result(CallTool(tool=tool, arguments={"text": " "}), "refused", "There is nothing to be seen in it")
    ours = agent.fallback(run_of(text))
    assert isinstance(ours, CallTool)

    assert agent.fallback(run_of(text, (mistaken,))) == ours
    assert isinstance(agent.fallback(run_of(text, (mistaken, Result(ours, "refused", "nobody")))), Done)
    done = Result(ours, "ok", "it is said")
    assert isinstance(agent.fallback(run_of(text, (done, mistaken))), Done), "nobody hears it twice"


def test_a_release_that_waited_for_people_does_not_say_that_it_is_still_live() -> None:
    """Others may have deployed meanwhile: the question whether to announce it is open for a month."""
    asked = asks(RELEASE.fallback(run_of("deploy v1 and announce it", (DEPLOYED,), is_written_to=True)))

    end = RELEASE.fallback(run_of("deploy v1 and announce it", (DEPLOYED, Result(asked, "expired", ""))))

    assert isinstance(end, Done)
    assert end.summary.startswith("It was deployed, and was not announced: ")


@pytest.mark.parametrize("agent", [TRIAGE, RELEASE])
@pytest.mark.parametrize("kind", ["ok", "error"])
def test_what_the_runs_below_saw_live_is_said_by_what_tells_of_them(agent: Agent, kind: Literal["ok", "error"]) -> None:
    announced = Result(CallTool(tool="start_run", arguments={"agent": "announce"}), "ok", "it is said")
    run = run_of("deploy v1 and announce it", (replace(DEPLOYED, kind=kind), announced))

    end = agent.fallback(replace(run, child_live={"production": ("v1 (3f2a1c9)", NOON)}))

    assert isinstance(end, Done)
    assert end.says_live == {"production": "v1 (3f2a1c9)"}


def summary_of(agent: Agent, results: tuple[Result, ...]) -> str:
    step = agent.fallback(run_of("announce something", results))
    assert isinstance(step, Done)
    return step.summary

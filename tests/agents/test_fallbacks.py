"""The plain rules of the agents that work together: whatever people and tools say, they end, and by few steps."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from agents import Agent
from agents.announce import announce_agent
from agents.ask import Listed, ask_agent
from agents.deploy import Environment, deploy_agent
from agents.release import release_agent
from agents.run import Result, Run, fold
from agents.starting import START_RUN
from agents.steps import CallTool, Done, RequestHumanInput
from agents.triage import triage_agent
from tests.agents.worlds import started

NONE_OF_THESE = "none of these"
PEOPLE = {"anna": Listed("Anna Ames"), "bo": Listed("Bo Berg", "Europe/Berlin", ("release",))}
ANNOUNCE = announce_agent(("group:release",))
ASK = ask_agent(PEOPLE)


def is_a_deploy(text: str) -> bool:
    return text.startswith("deploy v1 to ")


DEPLOY = replace(ANNOUNCE, name="deploy", takes=is_a_deploy)
RELEASE = release_agent(DEPLOY, ANNOUNCE)
OTHERS = (DEPLOY, ASK, ANNOUNCE, RELEASE)
AGENTS = (triage_agent(OTHERS), *OTHERS[1:])

texts = st.one_of(
    st.text(max_size=200),
    st.sampled_from(
        [
            "ask group:release: ready? | until tomorrow",
            "ask group:nobody: ready? | a, b",
            "announce: tea",
            "deploy v1 to production and announce it",
            "person:bo",
            "until tomorrow",
            NONE_OF_THESE,
            f"announce: {ANNOUNCE.description}",
        ]
    ),
)
kinds = st.sampled_from(["ok", "error", "answered", "denied", "revoked", "expired", "withdrawn", "refused"])


def played(agent: Agent, text: str, closed: list[tuple[str, str]]) -> tuple[Run, Done | None]:
    """The run after its steps were closed like that, and its end if it came to it."""
    run = fold([started(text)])
    for kind, said in closed:
        step = agent.fallback(run)
        if isinstance(step, Done):
            return run, step
        possible = {"ok": "answered", "error": "expired"} if isinstance(step, RequestHumanInput) else {"answered": "ok"}
        result = Result(step, possible.get(kind, kind), said)  # pyright: ignore[reportArgumentType]
        run = replace(run, results=(*run.results, result))
    return run, None


@given(agent=st.sampled_from(AGENTS), text=texts, closed=st.lists(st.tuples(kinds, texts), min_size=10, max_size=10))
def test_every_run_ends_within_ten_steps_and_never_in_good_cheer_after_nothing(
    agent: Agent, text: str, closed: list[tuple[str, str]]
) -> None:
    run, end = played(agent, text, closed)

    assert end is not None
    worked = any(result.kind == "ok" for result in run.results)
    assert end.outcome == "failed" or worked or "Nothing was started" in end.summary


@given(text=texts)
def test_triage_starts_an_agent_only_where_exactly_one_takes_it(text: str) -> None:
    step = AGENTS[0].fallback(fold([started(text)]))

    fitting = [agent.name for agent in OTHERS if agent.takes(text)]
    if len(fitting) == 1:
        assert step == CallTool(tool=START_RUN, arguments={"agent": fitting[0]})
    else:
        assert isinstance(step, RequestHumanInput)
        assert step.options[-1] == NONE_OF_THESE
        assert len(step.options) == len(OTHERS) + 1


def test_an_order_to_deploy_and_announce_is_for_the_chain_and_a_plain_deploy_is_not() -> None:
    folder, command = Path("/srv/shop"), ("./deploy.sh", "{commit}")
    shop = Environment("production", "production", folder, command, ("./live.sh",), timeout_s=60)
    deploy = deploy_agent({"production": shop})
    agents = (deploy, ASK, ANNOUNCE, release_agent(deploy, ANNOUNCE))

    def takers(text: str) -> list[str]:
        return [agent.name for agent in agents if agent.takes(text)]

    assert takers("deploy v1.2.0 to production") == ["deploy"]
    assert takers("Please deploy v1.2.0 to production, and announce it.") == ["release"]
    assert takers("don't deploy v1.2.0 to production and announce it") == []


def test_where_nobody_hears_announcements_an_order_with_one_is_shown_as_the_deploy_it_can_be() -> None:
    shop = Environment("staging", "", Path("/srv/shop"), ("./deploy.sh", "{commit}"), ("./live.sh",), timeout_s=60)
    triage = triage_agent((deploy_agent({"staging": shop}), ASK))

    asked = triage.fallback(fold([started("deploy v1.2.0 to staging and announce it")]))

    assert isinstance(asked, RequestHumanInput)
    assert "Nobody is set up here to hear an announcement" in asked.question
    assert asked.question.endswith("deploy takes without asking: “deploy v1.2.0 to staging”")

"""The deploy agent without a model: tables of runs and the step that follows, and that it always ends."""

from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.deploy.rules import next_step, versions_label
from agents.requests import Fact, PersonId
from agents.run import Result, Run
from agents.steps import CallTool, Done, RequestHumanInput, Step
from tests.agents.worlds import started

PLACES = ("production", "staging")
COMMIT = "3f2a1c9" + "0" * 33
OTHER = "77" * 20
VERSIONS = "v1.2.0, v1.1.0, v1.0.0"
BO = (PersonId("bo"),)

DEPLOY = CallTool(tool="deploy", arguments={"version": "v1.2.0", "environment": "production"})
LIVE = CallTool(tool="live", arguments={"environment": "production"})
WHERE = RequestHumanInput(question="Which environment should be deployed to?", format="choice", options=PLACES)
WHICH = RequestHumanInput(question="Which version should be deployed?")
DEPLOYED = Result(DEPLOY, "ok", f"deployed {COMMIT} to production\nreleased")


def run_of(text: str, *results: Result, versions: str | None = VERSIONS) -> Run:
    facts = tuple(Fact(label=versions_label(place), text=versions) for place in PLACES if versions is not None)
    return Run(started=started(text), facts=facts, results=results)


def step_of(text: str, *results: Result, versions: str | None = VERSIONS) -> Step:
    return next_step(run_of(text, *results, versions=versions), PLACES)


def failed(summary: str) -> Done:
    return Done(outcome="failed", summary=summary)


PLAIN = "deploy v1.2.0 to production"


@pytest.mark.parametrize(
    ("text", "results", "step"),
    [
        (PLAIN, [], DEPLOY),
        (PLAIN, [DEPLOYED], LIVE),
        (
            PLAIN,
            [DEPLOYED, Result(LIVE, "ok", f"{COMMIT} (v1.2.0)")],
            Done(summary="v1.2.0 (3f2a1c9) is live in production, verified"),
        ),
        ("deploy v1.2.0", [], WHERE),
        ("deploy v1.2.0", [Result(WHERE, "answered", "production")], DEPLOY),
        ("deploy to production", [], WHICH),
        ("deploy to production", [Result(WHICH, "answered", "v1.2.0.")], DEPLOY),
        ("hello", [], WHERE),
        ("hello", [Result(WHERE, "answered", "production")], WHICH),
        ("hello", [Result(WHERE, "answered", "production"), Result(WHICH, "answered", "v1.2.0")], DEPLOY),
        (PLAIN, [Result(LIVE, "ok", OTHER)], DEPLOY),
    ],
)
def test_the_way_of_a_plain_deploy(text: str, results: list[Result], step: Step) -> None:
    assert step_of(text, *results) == step


@pytest.mark.parametrize(
    ("results", "summary"),
    [
        (
            [Result(DEPLOY, "denied", "not on Friday", BO)],
            "Deploying v1.2.0 to production was denied: not on Friday",
        ),
        ([Result(DEPLOY, "denied", "", BO)], "Deploying v1.2.0 to production was denied"),
        (
            [Result(DEPLOY, "revoked", "wait", BO)],
            "Deploying v1.2.0 to production was approved, and revoked before it started: wait",
        ),
        ([Result(DEPLOY, "expired", "")], "Deploying v1.2.0 to production was not decided in time"),
        ([Result(DEPLOY, "withdrawn", "", BO)], "Deploying v1.2.0 to production was withdrawn"),
        ([Result(DEPLOY, "refused", "no quorum")], "Deploying v1.2.0 to production was refused: no quorum"),
        ([Result(DEPLOY, "error", "exit code 3")], "Deploying v1.2.0 to production failed: exit code 3"),
        (
            [DEPLOYED, Result(LIVE, "ok", OTHER)],
            f"The deploy of v1.2.0 to production ran, but production serves {OTHER}",
        ),
        (
            [DEPLOYED, Result(LIVE, "error", "no such host")],
            "v1.2.0 was deployed to production, but what is live there is not known: it failed: no such host",
        ),
        ([Result(WHERE, "expired", "")], "Nothing was deployed: the question was not decided in time"),
    ],
)
def test_every_other_end_is_told_with_who_and_why(results: list[Result], summary: str) -> None:
    assert step_of(PLAIN, *results) == failed(summary)


def test_an_unknown_version_fails_with_those_there_are() -> None:
    step = step_of("deploy v9.9.9 to production")

    assert step == failed(f"There is no version 'v9.9.9'. Versions, newest first: {VERSIONS}")


@pytest.mark.parametrize("versions", [None, f"{VERSIONS}, and 7 older"])
def test_a_list_that_is_not_whole_leaves_the_judgement_to_the_tool(versions: str | None) -> None:
    step = step_of("deploy v0.1 to production", versions=versions)

    assert step == CallTool(tool="deploy", arguments={"version": "v0.1", "environment": "production"})


def test_a_commit_is_deployed_and_verified_by_its_hash() -> None:
    deploy = CallTool(tool="deploy", arguments={"version": "3f2a1c9", "environment": "production"})

    first = step_of("deploy 3f2a1c9 to production")
    last = step_of("", replace(DEPLOYED, step=deploy), Result(LIVE, "ok", COMMIT))

    assert first == deploy
    assert last == Done(summary="3f2a1c9 is live in production, verified")


@pytest.mark.parametrize(
    ("live", "outcome"), [(f"{COMMIT} (v1.2.0, stable)", "done"), (COMMIT, "failed"), (f"{COMMIT} (v1.1.0)", "failed")]
)
def test_a_deploy_that_only_a_person_vouches_for_is_verified_by_its_tag(live: str, outcome: str) -> None:
    confirmed = Result(DEPLOY, "ok", "a person confirmed that it happened", BO)

    step = step_of(PLAIN, confirmed, Result(LIVE, "ok", live))

    assert isinstance(step, Done)
    assert step.outcome == outcome


def test_an_answer_that_is_no_version_ends_the_run_and_is_not_asked_for_again() -> None:
    step = step_of("deploy to production", Result(WHICH, "answered", "the new one, please"))

    assert step == failed("'the new one, please' is not one version. Start again with: deploy VERSION to ENVIRONMENT")


def test_without_an_environment_it_says_what_to_configure() -> None:
    step = next_step(run_of(PLAIN), ())

    assert step == failed("There is nowhere to deploy to: add [deploy.environments.NAME] to the configuration")


Kind = Literal["ok", "error", "answered", "denied", "revoked", "expired", "withdrawn", "refused"]
KINDS: st.SearchStrategy[Kind] = st.sampled_from(
    ["ok", "error", "answered", "denied", "revoked", "expired", "withdrawn", "refused"]
)
TEXTS = st.sampled_from(["", "production", "v1.2.0", COMMIT, f"deployed {COMMIT} to production"]) | st.text(max_size=9)
TRIGGERS = st.sampled_from([PLAIN, "deploy", "deploy v1.2.0", "deploy to staging", "hello"]) | st.text(max_size=20)
STEPS = st.sampled_from(
    [DEPLOY, LIVE, WHERE, WHICH, CallTool(tool="other", arguments={}), RequestHumanInput(question="?")]
)
RESULTS = st.lists(st.builds(Result, step=STEPS, kind=KINDS, text=TEXTS), max_size=4)


@given(TRIGGERS, RESULTS, st.data())
def test_whatever_comes_back_it_ends_within_ten_steps(text: str, before: list[Result], data: st.DataObject) -> None:
    """Also when it takes over in the middle of a run that a model began."""
    run = run_of(text, *before)

    for _ in range(10):
        step = next_step(run, PLACES)
        if isinstance(step, Done):
            return
        result = Result(step, data.draw(KINDS), data.draw(TEXTS))
        run = replace(run, results=(*run.results, result))

    pytest.fail(f"still going after {[result.step for result in run.results]}")

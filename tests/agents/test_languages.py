"""Plain rules speak the language of whoever they work for, and understand what was asked in any other one."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.announce import announce_agent, nothing_to_announce_to
from agents.ask import Listed, ask_agent
from agents.deploy.environment import Ways
from agents.deploy.results import is_about_rollback
from agents.deploy.rules import next_step
from agents.deploy.version import versions_label
from agents.help import help_agent
from agents.relay import relay_agent, survey_agent
from agents.release import release_agent
from agents.requests import Fact, PersonId
from agents.run import Result, Run
from agents.steps import CallTool, Done, RequestHumanInput, Step
from agents.triage import triage_agent
from language import LANGUAGES, Language, speaking
from tests.agents.test_help import DEPLOY
from tests.agents.worlds import started

PLACES = ("production", "staging")
COMMIT, OTHER = "3f2a1c9" + "0" * 33, "77" * 20
ANNOUNCE = announce_agent(("group:release",))
ASK = ask_agent({"anna": Listed("Anna Ames"), "bo": Listed("Bo Berg", groups=("release",))})
RELEASE = release_agent(DEPLOY, ANNOUNCE)
TRIAGE = triage_agent((DEPLOY, ASK, ANNOUNCE))
FREE = Ways(checked=frozenset(PLACES), ungated=frozenset(PLACES))
ASKED_TO_DEPLOY = CallTool(tool="deploy", arguments={"version": "v1.2.0", "environment": "production"})
LIVE, HEALTH = (CallTool(tool=name, arguments={"environment": "production"}) for name in ("live", "health"))
BROKEN = (
    Result(ASKED_TO_DEPLOY, "ok", f"deployed {COMMIT} to production\nlive before: {OTHER} (v1.1.0)\nreleased"),
    Result(LIVE, "ok", f"{COMMIT} (v1.2.0)"),
    Result(HEALTH, "error", "503"),
)

Rules = Callable[[Run], Step]


def deploys(run: Run) -> Step:
    return next_step(run, PLACES, FREE)


def begun(text: str, *results: Result, is_written_to: bool = False) -> Run:
    facts = tuple(Fact(label=versions_label(place), text="v1.2.0, v1.1.0") for place in PLACES)
    unheard = (PersonId("bo"),) if is_written_to else ()
    return Run(started=started(text), facts=facts, results=results, unheard=unheard)


def words_of(step: Step) -> str:
    return step.question if isinstance(step, RequestHumanInput) else step.summary if isinstance(step, Done) else ""


def played(rules: Rules, run: Run, answers: Sequence[str | int], languages: Sequence[Language]) -> tuple[str, Step]:
    """The questions up to the last step and that step; each step speaks the next of `languages`."""
    asked = list[str]()
    for answer, language in zip(answers, languages, strict=False):
        with speaking(language):
            step = rules(run)
        assert isinstance(step, RequestHumanInput), words_of(step)
        said = answer if isinstance(answer, str) else step.options[answer]
        asked.append(step.question)
        run = replace(run, results=(*run.results, Result(step, "answered", said)), unheard=())
    with speaking(languages[len(answers)]):
        return "\n".join(asked), rules(run)


CASES = [
    pytest.param(TRIAGE.fallback, begun("hm"), [1], id="which agent"),
    pytest.param(TRIAGE.fallback, begun("announce: tea", is_written_to=True), ["yes"], id="start all the same"),
    pytest.param(ANNOUNCE.fallback, begun("hm"), ["tea"], id="what to announce"),
    pytest.param(ASK.fallback, begun("hm"), ["ask group:release: ready? | until tomorrow"], id="what to ask"),
    pytest.param(ASK.fallback, begun("ask group:nobody: ready?"), ["group:release", "until tomorrow"], id="whom"),
    pytest.param(RELEASE.fallback, begun("deploy v1 to x and announce it", is_written_to=True), ["yes"], id="release"),
    pytest.param(deploys, begun("hm"), [0, 1], id="which environment"),
    pytest.param(deploys, begun("deploy v1.2.0"), [0], id="which environment for a version"),
    pytest.param(deploys, begun("deploy to production"), [0], id="which version"),
    pytest.param(deploys, begun("put v1.2.0 on production"), ["yes"], id="whether"),
    pytest.param(deploys, begun("deploy 1.2.0 to production"), [0], id="which version instead"),
    pytest.param(deploys, begun("rollback production"), [0], id="which version to go back to"),
    pytest.param(deploys, begun("deploy v1.2.0 to production", is_written_to=True), ["yes"], id="deploy all the same"),
    pytest.param(deploys, begun("deploy v1.2.0 to production", *BROKEN), ["yes"], id="whether to roll back"),
]


@pytest.mark.parametrize(("rules", "run", "answers"), CASES)
def test_a_question_is_asked_once_in_the_language_that_is_spoken_and_understood_in_any_other(
    rules: Rules, run: Run, answers: list[str | int]
) -> None:
    ends, asked = set[str](), dict[Language, str]()
    for languages in product(LANGUAGES, repeat=len(answers) + 1):
        told, end = played(rules, run, answers, languages)
        ends.add(repr(end))
        if len(set(languages)) == 1:
            asked[languages[0]] = told

    [step] = ends
    assert step.startswith("CallTool")
    assert set(asked["en"].splitlines()).isdisjoint(asked["de"].splitlines())


@pytest.mark.parametrize(("rules", "text"), [(TRIAGE.fallback, "hm"), (deploys, "deploy to production")])
def test_none_of_these_is_understood_and_the_end_is_told_in_the_language_of_then(rules: Rules, text: str) -> None:
    for asked, told in product(LANGUAGES, repeat=2):
        _, end = played(rules, begun(text), [-1], [asked, told])

        assert isinstance(end, Done)
        assert end.summary.startswith({"en": "Nothing was ", "de": "Es wurde nichts "}[told])


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        (TRIAGE.fallback, "announce: tea"),
        (ASK.fallback, "ask group:release: ready? | until tomorrow"),
        (deploys, "deploy v1.2.0 to production"),
    ],
)
def test_a_no_to_going_on_all_the_same_is_a_no_in_any_language(rules: Rules, text: str) -> None:
    declined = {"en": "nobody said yes to the question", "de": "niemand hat die Frage, ob es weitergehen soll, mit Ja"}
    for asked, told in product(LANGUAGES, repeat=2):
        _, end = played(rules, begun(text, is_written_to=True), ["no"], [asked, told])

        assert isinstance(end, Done)
        assert declined[told] in end.summary


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_no_to_the_way_back_is_the_end_and_is_not_asked_about_again(language: Language) -> None:
    run = begun("deploy v1.2.0 to production", *BROKEN)

    question, end = played(deploys, run, ["no"], [language, "de"])

    assert isinstance(end, Done)
    assert end.summary.endswith("Die Frage, ob zurückgesetzt werden soll, wurde verneint.")
    again = Result(RequestHumanInput(question=question, format="yes_no"), "answered", "no")
    assert is_about_rollback(again)


@given(st.lists(st.sampled_from(LANGUAGES), min_size=4, max_size=4), st.sampled_from(["hm", "deploy v1.2.0", "deploy"]))
def test_no_change_of_language_makes_rules_ask_the_same_again(languages: list[Language], text: str) -> None:
    run, asked = begun(text), list[tuple[str, ...]]()
    for language in languages:
        with speaking(language):
            step = deploys(run)
        if not isinstance(step, RequestHumanInput):
            break
        asked.append(step.options)
        run = replace(run, results=(*run.results, Result(step, "answered", step.options[0])))

    assert len(asked) == len(set(asked)) <= 2


def test_people_are_told_in_their_language_what_models_read_in_english() -> None:
    silent = nothing_to_announce_to()
    for agent in (TRIAGE, ANNOUNCE, silent, ASK, RELEASE, DEPLOY, help_agent(()), relay_agent(tuple), survey_agent()):
        with speaking("de"):
            german = agent.for_people()

        assert agent.for_people() == agent.description
        assert german != agent.description

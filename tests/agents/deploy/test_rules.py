"""The deploy agent without a model: tables of runs and the step that follows, and that it always ends."""

from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.command import Deploy, Rollback, parse
from agents.deploy.environment import Ways
from agents.deploy.rules import next_step
from agents.deploy.version import meant_label, versions_label
from agents.requests import Fact, PersonId
from agents.run import Result, Run
from agents.steps import CallTool, Done, RequestHumanInput, Step
from tests.agents.worlds import started

PLACES = ("production", "staging")
NONE_OF_THESE = "none of these"
COMMIT = "3f2a1c9" + "0" * 33
OTHER = "77" * 20
VERSIONS = "v1.2.0, v1.1.0, v1.0.0"
BO = (PersonId("bo"),)


def choice(question: str, *options: str) -> RequestHumanInput:
    return RequestHumanInput(question=question, format="choice", options=options)


DEPLOY = CallTool(tool="deploy", arguments={"version": "v1.2.0", "environment": "production"})
LIVE = CallTool(tool="live", arguments={"environment": "production"})
WHERE = choice("Which environment should be deployed to?", *PLACES)
WHERE_V = choice("Which environment should v1.2.0 be deployed to?", *PLACES)
OFFERED = ("v1.2.0", "v1.1.0", "v1.0.0", NONE_OF_THESE)
WHICH = choice("Which version should be deployed to production?", *OFFERED)
DEPLOYED = Result(DEPLOY, "ok", f"deployed {COMMIT} to production\nlive before: {OTHER} (v1.1.0)\nreleased")
HEALTH = CallTool(tool="health", arguments={"environment": "production"})
ROLLBACK = CallTool(tool="rollback", arguments={"version": "v1.1.0", "environment": "production"})
FROZEN = frozenset(PLACES)
CHECKED = Ways(checked=FROZEN)
FREE = Ways(checked=FROZEN, ungated=FROZEN)
IS_LIVE = Result(LIVE, "ok", f"{COMMIT} (v1.2.0)")
ILL = Result(HEALTH, "error", "'./health.sh' failed with exit code 1: 503.")
STORY = (
    "v1.2.0 was deployed to production, and the health check there failed: './health.sh' failed with exit code 1: 503."
)
BACK = Result(ROLLBACK, "ok", f"deployed {OTHER} to production\nlive before: {COMMIT} (v1.2.0)")
WHETHER = RequestHumanInput(question=f"Roll back production to v1.1.0? {STORY}", format="yes_no")


def run_of(text: str, *results: Result, versions: str | None = VERSIONS) -> Run:
    facts = tuple(Fact(label=versions_label(place), text=versions) for place in PLACES if versions is not None)
    return Run(started=started(text), facts=facts, results=results)


def step_of(text: str, *results: Result, versions: str | None = VERSIONS, ways: Ways | None = None) -> Step:
    return next_step(run_of(text, *results, versions=versions), PLACES, ways or Ways())


def failed(summary: str, live: str = "") -> Done:
    return Done(outcome="failed", summary=summary, says_live={"production": live} if live else {})


def finished(summary: str, live: str) -> Done:
    return Done(summary=summary, says_live={"production": live})


PLAIN = "deploy v1.2.0 to production"


@pytest.mark.parametrize(
    ("text", "results", "step"),
    [
        (PLAIN, [], DEPLOY),
        (PLAIN, [DEPLOYED], LIVE),
        (
            PLAIN,
            [DEPLOYED, Result(LIVE, "ok", f"{COMMIT} (v1.2.0)")],
            finished("v1.2.0 (3f2a1c9) is live in production, verified", "v1.2.0 (3f2a1c9)"),
        ),
        ("deploy v1.2.0", [], WHERE_V),
        ("deploy v1.2.0", [Result(WHERE_V, "answered", "production")], DEPLOY),
        ("deploy v1.2.0", [Result(WHERE, "answered", "production")], DEPLOY),
        ("deploy v1.2.0 to prodcution", [], WHERE_V),
        ("Hi sayso, please deploy v1.2.0 to PROD. Thanks!", [], DEPLOY),
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


@pytest.mark.parametrize(
    ("results", "step"),
    [
        ([DEPLOYED, IS_LIVE], HEALTH),
        (
            [DEPLOYED, IS_LIVE, Result(HEALTH, "ok", "fine")],
            finished("v1.2.0 (3f2a1c9) is live in production, verified and healthy", "v1.2.0 (3f2a1c9)"),
        ),
        ([DEPLOYED, IS_LIVE, ILL], ROLLBACK),
        ([DEPLOYED, IS_LIVE, ILL, BACK], LIVE),
        ([DEPLOYED, IS_LIVE, ILL, BACK, Result(LIVE, "ok", f"{OTHER} (v1.1.0)")], HEALTH),
        (
            [DEPLOYED, IS_LIVE, ILL, BACK, Result(LIVE, "ok", f"{OTHER} (v1.1.0)"), Result(HEALTH, "ok", "fine")],
            failed(
                f"{STORY} Rolled back: v1.1.0 (7777777) is live in production again, verified and healthy",
                "v1.1.0 (7777777)",
            ),
        ),
        (
            [DEPLOYED, IS_LIVE, ILL, BACK, Result(LIVE, "ok", f"{OTHER} (v1.1.0)"), ILL],
            failed(
                f"{STORY} Rolled back: v1.1.0 (7777777) is live in production again, verified, but the health check "
                f"failed: {ILL.text}",
                "v1.1.0 (7777777)",
            ),
        ),
        (
            [DEPLOYED, IS_LIVE, ILL, BACK, IS_LIVE],
            failed(f"{STORY} The rollback to v1.1.0 ran, but production serves {COMMIT} (v1.2.0)"),
        ),
        (
            [DEPLOYED, IS_LIVE, ILL, BACK, Result(LIVE, "error", "gone")],
            failed(
                f"{STORY} production was rolled back to v1.1.0, but what is live there is not known: it failed: gone"
            ),
        ),
        (
            [DEPLOYED, IS_LIVE, ILL, Result(ROLLBACK, "denied", "we fix it", BO)],
            failed(f"{STORY} Rolling production back to v1.1.0 was denied: we fix it"),
        ),
        (
            [DEPLOYED, IS_LIVE, ILL, Result(ROLLBACK, "error", "exit code 1")],
            failed(f"{STORY} Rolling production back to v1.1.0 failed: exit code 1"),
        ),
        (
            [replace(DEPLOYED, text=f"deployed {COMMIT} to production\nreleased"), IS_LIVE, ILL],
            failed(f"{STORY} What was live before is not known, so there is nothing to roll back to."),
        ),
        (
            [replace(DEPLOYED, text=f"deployed {COMMIT} to production\nlive before: {COMMIT}"), IS_LIVE, ILL],
            failed(f"{STORY} It was live before as well, so there is nothing to roll back to."),
        ),
        (
            [replace(DEPLOYED, text=f"deployed {COMMIT} to production\nok\nlive before: {OTHER}"), IS_LIVE, ILL],
            failed(f"{STORY} What was live before is not known, so there is nothing to roll back to."),
        ),
    ],
)
def test_health_is_looked_at_and_a_rollback_offered_once(results: list[Result], step: Step) -> None:
    assert step_of(PLAIN, *results, ways=CHECKED) == step


@pytest.mark.parametrize(
    ("results", "step"),
    [
        ([], WHETHER),
        ([Result(WHETHER, "answered", "yes")], ROLLBACK),
        ([Result(WHETHER, "answered", "no")], failed(f"{STORY} The question whether to roll back was declined.")),
        (
            [Result(WHETHER, "expired", "")],
            failed(f"{STORY} The question whether to roll back was not decided in time."),
        ),
    ],
)
def test_where_nobody_need_approve_whoever_asked_is_asked_before_a_rollback(results: list[Result], step: Step) -> None:
    assert step_of(PLAIN, DEPLOYED, IS_LIVE, ILL, *results, ways=FREE) == step


def test_what_somebody_wrote_meanwhile_is_asked_about_before_anything_is_deployed() -> None:
    written = replace(run_of(PLAIN), unheard=(PersonId("anna"),))
    asked = next_step(written, PLACES)
    assert isinstance(asked, RequestHumanInput)

    def after(answer: str) -> Step:
        return step_of(PLAIN, Result(asked, "answered", answer))

    assert (asked.format, "v1.2.0 to production all the same?" in asked.question) == ("yes_no", True)
    assert after("yes") == DEPLOY
    assert after("no") == failed("Nothing was deployed: nobody said yes to the question whether to go on")


def test_a_second_failing_check_offers_no_second_rollback() -> None:
    step = step_of(PLAIN, DEPLOYED, IS_LIVE, ILL, Result(ROLLBACK, "denied", ""), IS_LIVE, ILL, ways=CHECKED)

    assert step == failed(f"{STORY} A rollback was offered before, and is not offered again.")


def test_a_workflow_deploys_and_rolls_back_to_what_was_live_at_the_start() -> None:
    ways = Ways(checked=FROZEN, dispatched=FROZEN)
    dispatch = CallTool(tool="dispatch", arguments=DEPLOY.arguments)
    ran = Result(dispatch, "ok", "deployed v1.2.0 to production\nhttps://github.test/run/1")
    run = run_of(PLAIN)
    seen = replace(run, facts=(*(run.facts or ()), Fact(label="Live in production", text=f"{OTHER} (v1.1.0)")))

    assert next_step(seen, PLACES, ways) == dispatch
    assert next_step(replace(seen, results=(ran,)), PLACES, ways) == LIVE
    assert next_step(replace(seen, results=(ran, IS_LIVE)), PLACES, ways) == HEALTH
    assert next_step(replace(seen, results=(ran, IS_LIVE, ILL)), PLACES, ways) == CallTool(
        tool="dispatch_rollback", arguments=ROLLBACK.arguments
    )


LATEST = "deploy latest to production"
INSTEAD = choice("“latest” does not name one version for production. Which version should be deployed?", *OFFERED)
BACK_TO = choice("Which version should production go back to?", "v1.0.0", NONE_OF_THESE)
NOT_THERE = "There is no version '{}'. Versions, newest first: {}"
TO = "deploy to production"
FREELY = RequestHumanInput(question=WHICH.question)
OLD = CallTool(tool="deploy", arguments={"version": "v0.1", "environment": "production"})


def known(text: str, *facts: tuple[str, str]) -> Run:
    run = run_of(text)
    return replace(run, facts=(*(run.facts or ()), *(Fact(label=label, text=text) for label, text in facts)))


@pytest.mark.parametrize(
    ("text", "results", "versions", "step"),
    [
        ("deploy v9.9.9 to production", [], VERSIONS, failed(NOT_THERE.format("v9.9.9", VERSIONS))),
        (LATEST, [], None, failed(NOT_THERE.format("latest", "they could not be looked up"))),
        (LATEST, [], VERSIONS, INSTEAD),
        (LATEST, [Result(INSTEAD, "answered", "v1.2.0")], VERSIONS, DEPLOY),
        (LATEST, [Result(INSTEAD, "answered", NONE_OF_THESE)], VERSIONS, failed(NOT_THERE.format("latest", VERSIONS))),
        ("deploy 1.2.0 to production", [], VERSIONS, OFFERED),
        ("roll back production", [], VERSIONS, OFFERED),
        (TO, [Result(WHICH, "answered", NONE_OF_THESE)], VERSIONS, Done),
        (
            TO,
            [Result(WHICH, "answered", "the new one, please")],
            VERSIONS,
            failed("'the new one, please' is not one version. Start again with: deploy VERSION to ENVIRONMENT"),
        ),
        (TO, [], None, FREELY),
        (TO, [], "(none)", FREELY),
        ("deploy v0.1 to production", [], None, OLD),
        ("deploy v0.1 to production", [], f"{VERSIONS}, and 7 older", OLD),
    ],
)
def test_what_names_no_version_is_asked_about_once_among_those_there_are(
    text: str, results: list[Result], versions: str | None, step: object
) -> None:
    found = step_of(text, *results, versions=versions)

    assert step in (found, type(found), getattr(found, "options", None))
    assert not isinstance(found, Done) or found.outcome == "failed"


def test_the_one_version_that_a_word_can_stand_for_is_deployed_and_told() -> None:
    run = known(LATEST, (meant_label("latest", "production"), "v1.2.0"))
    done = replace(run, results=(DEPLOYED, IS_LIVE))

    assert next_step(run, PLACES, Ways()) == DEPLOY
    end = next_step(done, PLACES, Ways())
    told = "v1.2.0 (3f2a1c9) is live in production, verified; “latest” was read as v1.2.0"
    assert end == finished(told, "v1.2.0 (3f2a1c9)")


def test_what_a_word_means_elsewhere_says_nothing_of_here() -> None:
    run = known(LATEST, (meant_label("latest", "staging"), "v1.2.0"))

    assert next_step(run, PLACES, Ways()) == INSTEAD


def test_a_way_back_offers_the_versions_before_the_live_one() -> None:
    run = known("please roll back production", ("Live in production", f"{OTHER} (v1.1.0)"))
    back = replace(run, results=(Result(BACK_TO, "answered", "v1.0.0"),))

    assert next_step(run, PLACES, Ways()) == BACK_TO
    assert next_step(back, PLACES, Ways()) == CallTool(
        tool="deploy", arguments={"version": "v1.0.0", "environment": "production"}
    )


def test_a_commit_is_deployed_and_verified_by_its_hash() -> None:
    deploy = CallTool(tool="deploy", arguments={"version": "3f2a1c9", "environment": "production"})

    first = step_of("deploy 3f2a1c9 to production")
    last = step_of("", replace(DEPLOYED, step=deploy), Result(LIVE, "ok", COMMIT))

    assert first == deploy
    assert last == finished("3f2a1c9 is live in production, verified", "3f2a1c9")


@pytest.mark.parametrize(
    ("live", "outcome"), [(f"{COMMIT} (v1.2.0, stable)", "done"), (COMMIT, "failed"), (f"{COMMIT} (v1.1.0)", "failed")]
)
def test_a_deploy_that_only_a_person_vouches_for_is_verified_by_its_tag(live: str, outcome: str) -> None:
    confirmed = Result(DEPLOY, "ok", "a person confirmed that it happened", BO)

    step = step_of(PLAIN, confirmed, Result(LIVE, "ok", live))

    assert isinstance(step, Done)
    assert step.outcome == outcome


def test_without_an_environment_it_says_what_to_configure() -> None:
    step = next_step(run_of(PLAIN), ())

    assert step == failed("There is nowhere to deploy to: add [deploy.environments.NAME] to the configuration")


@pytest.mark.parametrize(
    "text",
    [
        "please put v1.2.0 live in production",
        "Could you deploy v1.2.0 to production?",
        "deploy v1.2.0 to production\nbut not before noon",
        "deploy v1.2.0 to production.\nThanks,\nStop",
        "do not deploy v1.2.0 to production",
    ],
)
def test_other_words_that_name_one_version_and_one_environment_are_read_back(text: str) -> None:
    asked = step_of(text)

    assert isinstance(asked, RequestHumanInput)
    assert asked.format == "yes_no"
    assert asked.question == "Deploy v1.2.0 to production?"
    assert step_of(text, Result(asked, "answered", "yes")) == DEPLOY
    assert isinstance(step_of(text, Result(asked, "answered", "no")), Done)
    assert isinstance(step_of(text, Result(asked, "expired", "")), Done)


def test_the_only_environment_there_is_need_not_be_named_to_be_asked_about() -> None:
    step = next_step(run_of("please put v1.2.0 live"), ("production",))

    question = "Deploy v1.2.0 to production?"
    assert step == RequestHumanInput(question=question, format="yes_no")


@pytest.mark.parametrize(
    "text", ["deploy v1.2.0 or v1.1.0 to production", "deploy v9.9.9 quickly to production", "production looks old"]
)
def test_where_no_one_version_is_named_it_is_asked_for_with_the_environment(text: str) -> None:
    step = step_of(text)

    assert isinstance(step, RequestHumanInput)
    assert step.question == "Which version should be deployed to production?"
    assert step.options == OFFERED


WORDS = st.sampled_from(["not", "but", "before noon", "until", "staging", "v1.1.0", "wait", "and", "nein", "if", "now"])
EXTRA = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)


@given(EXTRA, st.sampled_from(["{0} {1}", "{1} {0}", "{0}\n{1}", "{1}\n\n{0}", "{0}. {1}", "{0}\nThanks,\n{1}"]))
def test_no_text_with_more_words_starts_a_deploy_without_a_question(extra: str, order: str) -> None:
    step = step_of(order.format(PLAIN, extra))

    assert isinstance(step, RequestHumanInput)


@given(st.text(max_size=60) | st.text(max_size=30).map(lambda text: f"{PLAIN}{text}"))
def test_any_text_is_the_exact_command_or_is_asked_about(text: str) -> None:
    step = step_of(text)

    assert isinstance(step, RequestHumanInput) or isinstance(parse(text, "anna"), Deploy | Rollback)


Kind = Literal["ok", "error", "answered", "denied", "revoked", "expired", "withdrawn", "refused"]
KINDS: st.SearchStrategy[Kind] = st.sampled_from(
    ["ok", "error", "answered", "denied", "revoked", "expired", "withdrawn", "refused"]
)
TEXTS = st.sampled_from(["", "yes", "production", "v1.2.0", COMMIT, f"{COMMIT} (v1.2.0)", DEPLOYED.text]) | st.text(
    max_size=9
)
TRIGGERS = st.sampled_from([PLAIN, "deploy", "deploy v1.2.0", "deploy to staging", "hello"]) | st.text(max_size=20)
STEPS = st.sampled_from(
    [
        DEPLOY,
        LIVE,
        HEALTH,
        ROLLBACK,
        WHERE,
        WHICH,
        CallTool(tool="other", arguments={}),
        RequestHumanInput(question="?"),
    ]
)
RESULTS = st.lists(st.builds(Result, step=STEPS, kind=KINDS, text=TEXTS), max_size=4)


@given(TRIGGERS, RESULTS, st.sampled_from([Ways(), CHECKED, FREE, Ways(FROZEN, FROZEN, frozenset())]), st.data())
def test_whatever_comes_back_it_ends_within_ten_steps(
    text: str, before: list[Result], ways: Ways, data: st.DataObject
) -> None:
    """Also when it takes over in the middle of a run that a model began."""
    run = run_of(text, *before)

    for _ in range(10):
        step = next_step(run, PLACES, ways)
        if isinstance(step, Done):
            return
        result = Result(step, data.draw(KINDS), data.draw(TEXTS))
        rollbacks = [one for one in run.results[len(before) :] if one.step == ROLLBACK]
        assert len(rollbacks) <= 1
        run = replace(run, results=(*run.results, result))

    pytest.fail(f"still going after {[result.step for result in run.results]}")


@pytest.mark.parametrize("kind", ["denied", "expired", "refused", "withdrawn"])
def test_what_people_or_code_stopped_is_not_said_to_have_been_deployed_where_the_rules_go_on(
    kind: Literal["denied", "expired", "refused", "withdrawn"],
) -> None:
    asked = Result(RequestHumanInput(question="Anything else?"), "expired", "")

    assert step_of(PLAIN, Result(DEPLOY, kind, "no"), asked) == failed(
        "Nothing was deployed: the question was not decided in time"
    )
    assert step_of(PLAIN, DEPLOYED, asked) == failed("Nothing more was deployed: the question was not decided in time")


@pytest.mark.parametrize(
    "last",
    [
        Result(RequestHumanInput(question="Does it look right?", format="yes_no"), "answered", "yes"),
        Result(CallTool(tool="other", arguments={}), "ok", "seen"),
    ],
    ids=["answered", "looked"],
)
def test_what_a_model_had_deployed_is_not_deployed_once_more_where_the_rules_go_on(last: Result) -> None:
    """Somebody else may have deployed there since, and where nobody must approve nothing would stop it."""
    assert step_of(PLAIN, DEPLOYED, last) == LIVE
    assert step_of(PLAIN, Result(DEPLOY, "error", "exit code 3"), last) == DEPLOY
    elsewhere = CallTool(tool="deploy", arguments={"version": "v1.2.0", "environment": "staging"})
    assert step_of(PLAIN, Result(elsewhere, "ok", f"deployed {COMMIT} to staging"), last) == DEPLOY


def test_a_repeat_that_was_refused_takes_nothing_from_the_deploy_before_it() -> None:
    repeat = Result(DEPLOY, "refused", "v1.2.0 (3f2a1c9) is live in production already")

    assert step_of(PLAIN, DEPLOYED, repeat) == LIVE
    assert isinstance(step_of(PLAIN, repeat), Done)


@pytest.mark.parametrize(
    "mistake", [{"version": "latest"}, {"version": "v9"}, {"environment": "staging"}], ids=["latest", "v9", "staging"]
)
def test_what_a_model_called_for_by_mistake_is_not_what_the_rules_end_with(mistake: dict[str, str]) -> None:
    wrong = Result(CallTool(tool="deploy", arguments={**DEPLOY.arguments, **mistake}), "refused", "There is no such")

    assert step_of(PLAIN, wrong) == DEPLOY
    assert step_of("deploy", wrong) == WHERE
    assert isinstance(step_of(PLAIN, wrong, Result(DEPLOY, "refused", "no such")), Done), "and not for ever"


def test_what_was_live_in_a_copied_story_is_looked_up_again_before_anybody_is_told() -> None:
    copy = replace(run_of(PLAIN, DEPLOYED, IS_LIVE), copied=2)

    assert next_step(copy, PLACES, Ways()) == LIVE
    moved_on = replace(copy, results=(*copy.results, Result(LIVE, "ok", f"{OTHER} (v1.1.0)")))
    told = next_step(moved_on, PLACES, Ways())
    assert isinstance(told, Done)
    assert told.outcome == "failed"
    assert told.summary.startswith("The deploy of v1.2.0 to production ran, but production serves 7777")


def elsewhere(result: Result, where: str = "staging") -> Result:
    """The same, of another environment."""
    step = result.step
    assert isinstance(step, CallTool)
    return replace(result, step=CallTool(tool=step.tool, arguments={**step.arguments, "environment": where}))


@pytest.mark.parametrize(
    ("results", "step"),
    [
        ([DEPLOYED, elsewhere(Result(LIVE, "ok", OTHER))], LIVE),
        ([DEPLOYED, elsewhere(IS_LIVE)], LIVE),
        ([DEPLOYED, IS_LIVE, elsewhere(Result(HEALTH, "ok", "fine"))], LIVE),
        ([DEPLOYED, IS_LIVE, elsewhere(ILL)], LIVE),
        ([elsewhere(DEPLOYED), elsewhere(ILL), elsewhere(BACK), DEPLOYED, IS_LIVE, ILL], ROLLBACK),
        ([Result(LIVE, "ok", OTHER), DEPLOYED, Result(HEALTH, "ok", "fine")], LIVE),
        (
            [DEPLOYED, Result(LIVE, "ok", OTHER), Result(HEALTH, "ok", "fine")],
            failed(f"The deploy of v1.2.0 to production ran, but production serves {OTHER}"),
        ),
        (
            [elsewhere(DEPLOYED), elsewhere(ILL), DEPLOYED, elsewhere(Result(ROLLBACK, "denied", "no", BO))],
            failed(f"{STORY.replace('production', 'staging')} Rolling staging back to v1.1.0 was denied: no"),
        ),
    ],
)
def test_what_a_model_saw_elsewhere_or_before_says_nothing_of_the_last_deploy(
    results: list[Result], step: Step
) -> None:
    assert step_of(PLAIN, *results, ways=CHECKED) == step

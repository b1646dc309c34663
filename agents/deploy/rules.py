"""The deploy agent without a model: the next step by plain rules, from the run alone. Pure, and it always ends."""

from collections.abc import Sequence
from dataclasses import dataclass

from agents.command import DECLINED, Deploy, Rollback, all_the_same, answers, failed, parse
from agents.deploy import rollback, version
from agents.deploy.environment import Ways
from agents.deploy.facts import shown
from agents.deploy.names import environment_called, is_latest, named_in
from agents.deploy.results import (
    DEPLOYS,
    ROLLBACKS,
    Commit,
    argument,
    how_it_ended,
    is_about_rollback,
    is_wanted,
    last_done,
    read_commit,
    tool_of,
)
from agents.run import Result, Run
from agents.steps import CallTool, Done, RequestHumanInput, Step
from agents.text import quote

WHICH_ENVIRONMENT = "Which environment should be deployed to?"
_ANOTHER = "Start again with: deploy VERSION to ENVIRONMENT"
_NO_WAYS = Ways()
_SAID_CHARS, _WROTE_CHARS = 100, 200


@dataclass(frozen=True, slots=True)
class Named:
    """The names in an exact command: an environment that there is, else None; the version word for word.

    `is_back`: it is a way back.
    """

    environment: str | None
    version: str | None
    is_back: bool = False


def next_step(run: Run, environments: Sequence[str], ways: Ways = _NO_WAYS) -> Step:
    """Ask for what is missing, once; deploy; look what is live, and how it is; offer a rollback, once; tell."""
    last = run.results[-1] if run.results else None
    if last is None:
        return _begin(run, environments, ways)
    done, tool = last_done(run), tool_of(last)
    if done and len(run.results) == run.copied:
        return _look(done)  # it was live in another run's story: whether it is now is another question
    if tool in DEPLOYS:
        return _after_deploy(last)
    if tool in ROLLBACKS:
        return _look(last) if last.kind == "ok" else rollback.not_made(run, last)
    if tool == "live" and done:
        return _after_live(run, done, last, ways)
    if tool == "health" and done:
        return _after_health(run, done, last, ways)
    if isinstance(last.step, RequestHumanInput):
        if is_about_rollback(last):
            return rollback.after_question(run, last, ways)
        if last.kind != "answered":
            return failed(f"Nothing was deployed: the question {how_it_ended(last)}")
    return _begin(run, environments, ways)


def named(run: Run, environments: Sequence[str]) -> Named | None:
    """Return what the exact command of `run` names; None where what was written is no such command."""
    by = run.started.requester if run.started else ""
    match parse(run.text, by):
        case Deploy(said, where):
            return Named(environment_called(where, environments), said)
        case Rollback(where, said):  # the latest is no way back
            return Named(environment_called(where, environments), said if said and not is_latest(said) else None, True)
        case _:
            return None


def _begin(run: Run, environments: Sequence[str], ways: Ways) -> Step:
    if not environments:
        return failed("There is nowhere to deploy to: add [deploy.environments.NAME] to the configuration")
    found = named(run, environments)
    if found is None or found.environment is None:
        return _ask_about(run, environments, ways)
    if found.version:
        return _read(run, found.environment, found.version, ways)
    question = version.which(run, found.environment, is_back=found.is_back)
    said = _answer(run, question.question, version.WHICH_VERSION)
    return _read(run, found.environment, said, ways) if said is not None else question


def _ask_about(run: Run, environments: Sequence[str], ways: Ways) -> Step:
    """Ask what is meant by words that are no exact command; the card quotes them, and each answer counts as it was
    asked.
    """
    wrote = f"You wrote {quote(run.text, _WROTE_CHARS)}."  # the release before this one asked with these words
    said, place = version.named_in(run), named_in(run.text, environments)
    if place is None and len(environments) == 1:
        place = environments[0]
    if said and place:
        question = f"Deploy {said} to {place}?"
        match _answer(run, question, f"{wrote} {question}"):
            case None:
                return RequestHumanInput(question=question, format="yes_no")
            case "yes":
                return _read(run, place, said, ways)
            case _:
                return failed(f"Nothing was deployed: nobody said yes to {said} in {place}. {_ANOTHER}")
    if place is None:
        question = f"Which environment should {said} be deployed to?" if said else WHICH_ENVIRONMENT
        place = _answer(run, question, f"{wrote} {question}", WHICH_ENVIRONMENT)
        if place is None:
            return RequestHumanInput(question=question, format="choice", options=tuple(environments))
    if place not in environments:
        return failed(f"There is no environment {shown(place)!r}. There are: {', '.join(environments)}")
    if said:
        return _read(run, place, said, ways)
    which = version.which_to(run, place)
    said = _answer(run, which.question, f"{wrote} {which.question}", version.WHICH_VERSION)
    return _read(run, place, said, ways) if said is not None else which


def _answer(run: Run, *questions: str) -> str | None:
    """Return the answer to the first of `questions` that has one; the later ones are as an older release asked them."""
    asked = answers(run)
    return next((asked[question] for question in questions if question in asked), None)


def _read(run: Run, environment: str, said: str, ways: Ways) -> Step:
    """Deploy what was said; where that may mean one of several versions, ask once which."""
    if said == version.NONE_OF_THESE:
        return failed(f"Nothing was deployed: none of the versions was chosen. {_ANOTHER}")
    word = version.word_of(said)
    if word is None:
        return failed(f"{shown(said)!r} is not one version. {_ANOTHER}")
    known, meant = version.known_for(run, environment), version.read_as(run, word, environment)
    if not known.has_no(meant):
        return _deploy(run, meant, environment, ways)
    instead = version.which_instead(run, environment, said)
    answer = answers(run).get(instead.question)
    if answer in known.names:
        return _deploy(run, answer, environment, ways)
    if answer is None and known.names and known.is_open(meant):
        return instead
    listed = ", ".join(known.names) or ("(none)" if known.is_whole else "they could not be looked up")
    return failed(f"There is no version {shown(meant)!r}. Versions, newest first: {listed}")


def _deploy(run: Run, named_version: str, environment: str, ways: Ways) -> Step:
    step = CallTool(
        tool=ways.tool("deploy", environment), arguments={"version": named_version, "environment": environment}
    )
    return all_the_same(
        run, f"Deploy {named_version} to {environment}", step, failed(f"Nothing was deployed: {DECLINED}")
    )


def _after_deploy(deploy: Result) -> Step:
    if deploy.kind == "ok":
        return _look(deploy)
    what = f"Deploying {argument(deploy, 'version')} to {argument(deploy, 'environment')}"
    return failed(f"{what} {how_it_ended(deploy)}")


def _look(done: Result) -> Step:
    return CallTool(tool="live", arguments={"environment": argument(done, "environment")})


def _after_live(run: Run, done: Result, live: Result, ways: Ways) -> Step:
    wanted, environment = argument(done, "version"), argument(done, "environment")
    before = f"{rollback.why_rolled_back(run)} " if tool_of(done) in ROLLBACKS else ""
    ran, was = ("rollback to", "rolled back to") if before else ("deploy of", "deployed to")
    if live.kind != "ok":
        to = f"{environment} was {was} {wanted}" if before else f"{wanted} was {was} {environment}"
        return failed(f"{before}{to}, but what is live there is not known: it {how_it_ended(live)}")
    found = read_commit(live.text)
    if found is None or not is_wanted(done, found):
        to = wanted if before else f"{wanted} to {environment}"
        return failed(f"{before}The {ran} {to} ran, but {environment} serves {shown(live.text)}")
    if environment in ways.checked:
        return CallTool(tool="health", arguments={"environment": environment})
    return _deployed(run, done, found, "verified")


def _after_health(run: Run, done: Result, health: Result, ways: Ways) -> Step:
    last = next((one for one in reversed(run.results) if tool_of(one) == "live" and one.kind == "ok"), None)
    live = read_commit(last.text) if last else None
    if live is None:
        return _look(done)
    if health.kind == "ok":
        return _deployed(run, done, live, "verified and healthy")
    if tool_of(done) not in ROLLBACKS:
        return rollback.offered(run, done, health, ways)
    return _deployed(run, done, live, f"verified, but the health check {how_it_ended(health)}")


def _deployed(run: Run, done: Result, live: Commit, how: str) -> Done:
    named, environment = live.called(argument(done, "version")), argument(done, "environment")
    if tool_of(done) in ROLLBACKS:
        return failed(f"{rollback.why_rolled_back(run)} Rolled back: {named} is live in {environment} again, {how}")
    return Done(summary=f"{named} is live in {environment}, {how}{_as_read(run, done)}")


def _as_read(run: Run, done: Result) -> str:
    """Return the words that name the version, where they were read as another name; else an empty text."""
    deployed, environment = argument(done, "version"), argument(done, "environment")
    found = named(run, (environment,))
    said = found.version if found else None
    is_read = said is not None and said != deployed and version.read_as(run, said, environment) == deployed
    return f"; {quote(said or '', _SAID_CHARS)} was read as {deployed}" if is_read else ""

"""The deploy agent without a model: the next step by plain rules, from the run alone. Pure, and it always ends."""

from collections.abc import Sequence
from dataclasses import dataclass

from agents.command import Deploy, Rollback, after_refusal, all_the_same, answer_to, failed, is_none_of_these, parse
from agents.deploy import rollback, version
from agents.deploy.environment import Ways
from agents.deploy.facts import shown
from agents.deploy.names import environment_called, is_latest, named_in
from agents.deploy.results import (
    DEPLOYS,
    LOOKS,
    ROLLBACKS,
    Commit,
    argument,
    how_it_ended,
    is_about_rollback,
    is_wanted,
    last_done,
    looks,
    read_commit,
    tool_of,
)
from agents.run import Result, Run
from agents.steps import CallTool, Done, RequestHumanInput, Step
from agents.text import quote
from language import say

_NO_WAYS = Ways()
_SAID_CHARS = 100


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
        return _after_refusal(run, last, environments, ways) if last.kind == "refused" else _after_deploy(last)
    if tool in ROLLBACKS:
        return _look(last) if last.kind == "ok" else rollback.not_made(run, last)
    if tool in LOOKS and done and argument(last, "environment") != argument(done, "environment"):
        return _look(done)  # a model looked elsewhere: that says nothing of where it deployed last
    if tool == "live" and done:
        return _after_live(run, done, last, ways)
    if tool == "health" and done:
        return _after_health(run, done, last, ways)
    if isinstance(last.step, RequestHumanInput):
        if is_about_rollback(last):
            return rollback.after_question(run, last, ways)
        if last.kind != "answered":
            return failed(say("deploy.unanswered", nothing=_nothing(run), how=how_it_ended(last)))
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
        return failed(say("deploy.nowhere"))
    found = named(run, environments)
    if found is None or found.environment is None:
        return _ask_about(run, environments, ways)
    if found.version:
        return _read(run, found.environment, found.version, ways)
    place, is_back = found.environment, found.is_back
    said = answer_to(run, lambda: version.which(run, place, is_back=is_back).question)
    return _read(run, place, said, ways) if said is not None else version.which(run, place, is_back=is_back)


def _ask_about(run: Run, environments: Sequence[str], ways: Ways) -> Step:
    """Ask what is meant by words that are no exact command; the card quotes them, and each answer counts as it was
    asked.
    """
    said, place = version.named_in(run), named_in(run.text, environments)
    if place is None and len(environments) == 1:
        place = environments[0]
    if said and place:
        return _asked_whether(run, said, place, ways)
    if place is None:
        place = answer_to(run, lambda: _which_environment(said), lambda: _which_environment(None))
        if place is None:
            options = tuple(environments)
            return RequestHumanInput(question=_which_environment(said), format="choice", options=options)
    if place not in environments:
        return failed(say("deploy.no-environment", name=repr(shown(place)), names=", ".join(environments)))
    if said:
        return _read(run, place, said, ways)
    return _asked_which(run, place, ways)


def _asked_whether(run: Run, said: str, place: str, ways: Ways) -> Step:
    """Deploy the one version and the one environment that were named, once somebody has said that it is meant so."""

    def question() -> str:
        return say("deploy.whether", version=said, environment=place)

    match answer_to(run, question):
        case None:
            return RequestHumanInput(question=question(), format="yes_no")
        case "yes":
            return _read(run, place, said, ways)
        case _:
            more = {"nothing": _nothing(run), "another": _another()}
            return failed(say("deploy.nobody-said-yes", version=said, environment=place, **more))


def _asked_which(run: Run, place: str, ways: Ways) -> Step:
    """Deploy the version that was chosen for `place`, after it was asked for."""
    said = answer_to(run, lambda: version.which_to(run, place).question)
    return _read(run, place, said, ways) if said is not None else version.which_to(run, place)


def _which_environment(said: str | None) -> str:
    return say("deploy.which-environment-for", version=said) if said else say("deploy.which-environment")


def _nothing(run: Run) -> str:
    """`Nothing was deployed`; where a model had something deployed before these rules go on, `Nothing more was`."""
    tried = (one for one in run.results if one.kind in {"ok", "error"})
    return say("deploy.nothing-more" if any(tool_of(one) in DEPLOYS | ROLLBACKS for one in tried) else "deploy.nothing")


def _another() -> str:
    return say("deploy.start-again")


def _read(run: Run, environment: str, said: str, ways: Ways) -> Step:
    """Deploy what was said; where that may mean one of several versions, ask once which."""
    if is_none_of_these(said):
        return failed(say("deploy.none-chosen", nothing=_nothing(run), another=_another()))
    word = version.word_of(said)
    if word is None:
        return failed(say("deploy.not-a-version", said=repr(shown(said)), another=_another()))
    known, meant = version.known_for(run, environment), version.read_as(run, word, environment)
    if not known.has_no(meant):
        return _deploy(run, meant, environment, ways)
    answer = answer_to(run, lambda: version.which_instead(run, environment, said).question)
    if answer in known.names:
        return _deploy(run, answer, environment, ways)
    if answer is None and known.names and known.is_open(meant):
        return version.which_instead(run, environment, said)
    none = say("deploy.no-versions") if known.is_whole else say("deploy.versions-not-known")
    return failed(say("deploy.no-version", version=repr(shown(meant)), versions=", ".join(known.names) or none))


def _deploy(run: Run, named_version: str, environment: str, ways: Ways) -> Step:
    made = (one for one in run.results[run.copied :] if one.kind == "ok" and tool_of(one) in DEPLOYS)
    named = {"version": named_version, "environment": environment}
    done = last_done(run)
    # A model had it deployed; others may have deployed there since.
    if done and any({name: argument(one, name) for name in named} == named for one in made):
        return _look(done)
    step = CallTool(
        tool=ways.tool("deploy", environment), arguments={"version": named_version, "environment": environment}
    )
    declined = failed(say("deploy.declined", nothing=_nothing(run), why=say("agent.declined")))

    def title() -> str:
        return say("deploy.title", version=named_version, environment=environment)

    return all_the_same(run, title, step, declined)


def _after_deploy(deploy: Result) -> Step:
    if deploy.kind == "ok":
        return _look(deploy)
    version, environment = argument(deploy, "version"), argument(deploy, "environment")
    return failed(say("deploy.not-made", version=version, environment=environment, how=how_it_ended(deploy)))


def _after_refusal(run: Run, refused: Result, environments: Sequence[str], ways: Ways) -> Step:
    """Begin with what was asked for where a model had called for something else; what it had done already is live."""
    done, names = last_done(run), ("version", "environment")
    if done and all(argument(done, name) == argument(refused, name) for name in names):
        return _look(done)
    return after_refusal(refused, _begin(run, environments, ways), _after_deploy(refused))


def _look(done: Result) -> Step:
    return CallTool(tool="live", arguments={"environment": argument(done, "environment")})


def _after_live(run: Run, done: Result, live: Result, ways: Ways) -> Step:
    wanted, environment = argument(done, "version"), argument(done, "environment")
    is_back = tool_of(done) in ROLLBACKS
    before = f"{rollback.why_rolled_back(run, environment)} " if is_back else ""
    if live.kind != "ok":
        key = "deploy.back-not-looked-up" if is_back else "deploy.not-looked-up"
        return failed(f"{before}{say(key, version=wanted, environment=environment, how=how_it_ended(live))}")
    found = read_commit(live.text)
    if found is None or not is_wanted(done, found):
        key = "deploy.back-serves-another" if is_back else "deploy.serves-another"
        return failed(f"{before}{say(key, version=wanted, environment=environment, live=shown(live.text))}")
    if environment in ways.checked:
        return CallTool(tool="health", arguments={"environment": environment})
    return _deployed(run, done, found, say("deploy.verified"))


def _after_health(run: Run, done: Result, health: Result, ways: Ways) -> Step:
    look = looks(run).get(argument(done, "environment"))
    live = read_commit(look.text) if look else None
    if look is None or live is None:
        return _look(done)
    if not is_wanted(done, live):
        return _after_live(run, done, look, ways)
    if health.kind == "ok":
        return _deployed(run, done, live, say("deploy.verified-healthy"))
    if tool_of(done) not in ROLLBACKS:
        return rollback.offered(run, done, health, ways)
    return _deployed(run, done, live, say("deploy.verified-not-healthy", how=how_it_ended(health)))


def _deployed(run: Run, done: Result, live: Commit, how: str) -> Done:
    named, environment = live.called(argument(done, "version")), argument(done, "environment")
    told, says_live = {"version": named, "environment": environment, "how": how}, {environment: shown(named)}
    if tool_of(done) in ROLLBACKS:
        return failed(say("deploy.rolled-back", story=rollback.why_rolled_back(run, environment), **told), says_live)
    return Done(summary=say("deploy.done", as_read=_as_read(run, done), **told), says_live=says_live)


def _as_read(run: Run, done: Result) -> str:
    """Return the words that name the version, where they were read as another name; else an empty text."""
    deployed, environment = argument(done, "version"), argument(done, "environment")
    found = named(run, (environment,))
    said = found.version if found else None
    is_read = said is not None and said != deployed and version.read_as(run, said, environment) == deployed
    return say("deploy.as-read", said=quote(said or "", _SAID_CHARS), version=deployed) if is_read else ""

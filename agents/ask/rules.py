"""The ask agent without a model: the next step by plain rules, from the run alone. Pure, and it always ends."""

from collections.abc import Callable

from agents.ask.deadline import deadline_of
from agents.ask.directory import MOST_PEOPLE, Directory, members, unknown, zone_of
from agents.ask.survey import SURVEY_TOOL, SurveyArgs
from agents.command import (
    Ask,
    after_refusal,
    all_the_same,
    answer_to,
    end_of,
    failed,
    has_tried,
    how,
    last_worked,
    parse,
    refs_of,
)
from agents.run import Result, Run
from agents.steps import CallTool, Done, RequestHumanInput, Step
from agents.text import one_line
from language import say
from language.recorded import ending_of


def how_to_ask(whom: str) -> str:
    """A command to ask `whom`, as it may be typed."""
    return f"ask {whom}: which day suits? | Mon, Tue, Wed | until Thursday 12:00"


HOW_TO_ASK = how_to_ask("group:release")
_SHOWN_CHARS = 200


def next_step(run: Run, directory: Directory) -> Step:
    """Ask the requester for what is missing, once each; conduct the survey; tell what came of it."""
    last, done = run.results[-1] if run.results else None, last_worked(run)
    match last:
        case Result(step=CallTool(), kind="ok"):
            return Done(summary=ending_of(last.text))
        case Result(kind="answered") if done:
            return Done(summary=ending_of(done.text))  # a model had them asked, and they would be asked twice
        case Result(step=CallTool(), kind="error"):
            return failed(say("ask.came-to-nothing", why=ending_of(last.text)))
        case Result(step=CallTool(), kind="refused") if not has_tried(run):
            return after_refusal(last, _begin(run, directory), _nobody(run, how(last)))
        case Result(step=CallTool()):
            return _nobody(run, how(last))
        case Result(kind=kind) if kind != "answered":
            return _nobody(run, say("ask.unanswered", end=end_of(last)))
        case _:
            return _begin(run, directory)


def _begin(run: Run, directory: Directory) -> Step:
    by = run.started.requester if run.started else ""
    orders = (run.text, answer_to(run, _order))
    asked = next(filter(None, (_asked(text, by) for text in orders)), None)
    if asked is None:
        return _once(run, _order)
    people = asked.people
    if unknown(directory, people):
        people = refs_of(answer_to(run, _whom) or "")
    if not people or unknown(directory, people):
        return _once(run, _whom)
    if len(members(directory, people)) > MOST_PEOPLE:
        return _nobody(run, say("ask.too-many-people", number=len(members(directory, people)), most=MOST_PEOPLE))
    until = asked.until if _is_clear(asked.until, run, directory) else answer_to(run, _until) or ""
    if not _is_clear(until, run, directory):
        return _once(run, _until)
    whom = one_line(", ".join(people), _SHOWN_CHARS)
    declined = _nobody(run, say("agent.declined"))
    return all_the_same(run, lambda: say("ask.title", whom=whom), _survey(run, asked, people, until), declined)


def _order() -> str:
    return say("ask.order", such_as=HOW_TO_ASK)


def _whom() -> str:
    return say("ask.whom")


def _until() -> str:
    return say("ask.until")


def _asked(text: str | None, by: str) -> Ask | None:
    command = parse(text, by) if text else None
    return command if isinstance(command, Ask) else None


def _survey(run: Run, asked: Ask, people: tuple[str, ...], until: str) -> Step:
    try:
        args = SurveyArgs(
            people=people,
            question=asked.question,
            format="choice" if asked.options else "free_text",
            options=asked.options,
            until=until,
        )
    except ValueError:
        return _nobody(run, say("ask.too-long"))
    return CallTool(tool=SURVEY_TOOL, arguments=args.model_dump(mode="json"))


def _is_clear(until: str, run: Run, directory: Directory) -> bool:
    started = run.started
    zone = zone_of(directory, started.requester) if started else "UTC"
    return bool(started and deadline_of(until, started.at, zone))


def _once(run: Run, question: Callable[[], str]) -> Step:
    said = answer_to(run, question)
    if said is None:
        return RequestHumanInput(question=question())
    return _nobody(run, say("ask.not-plain", words=repr(one_line(said, _SHOWN_CHARS)), question=question()))


def _nobody(run: Run, why: str) -> Done:
    return failed(say("ask.nobody-else-asked" if has_tried(run) else "ask.nobody-asked", why=why))

"""The ask agent without a model: the next step by plain rules, from the run alone. Pure, and it always ends."""

from agents.ask.deadline import deadline_of
from agents.ask.directory import MOST_PEOPLE, Directory, members, unknown, zone_of
from agents.ask.survey import SURVEY_TOOL, SurveyArgs
from agents.command import DECLINED, Ask, all_the_same, answers, failed, parse, refs_of
from agents.run import Result, Run
from agents.steps import CallTool, Done, RequestHumanInput, Step
from agents.text import one_line, quote


def how_to_ask(whom: str) -> str:
    """A command to ask `whom`, as it may be typed."""
    return f"ask {whom}: which day suits? | Mon, Tue, Wed | until Thursday 12:00"


HOW_TO_ASK = how_to_ask("group:release")
ORDER = f"Whom should I ask, what, and until when? Write it in one line, such as: {HOW_TO_ASK}"
WHOM = "Nobody is called that. Whom should I ask? Write person:NAME or group:NAME"
UNTIL = "Until when may they answer? Such as: until Thursday 12:00, until 17:00, until tomorrow"
_SHOWN_CHARS = 200


def next_step(run: Run, directory: Directory) -> Step:
    """Ask the requester for what is missing, once each; conduct the survey; tell what came of it."""
    last = run.results[-1] if run.results else None
    match last:
        case Result(step=CallTool(), kind="ok"):
            return Done(summary=last.text)
        case Result(step=CallTool(), kind="error"):
            return failed(f"The survey came to nothing: {last.text}")
        case Result(step=CallTool()):
            return _nobody(f"{last.kind}: {last.text}")
        case Result(kind=kind) if kind != "answered":
            return _nobody(f"the question was {kind}")
        case _:
            return _begin(run, directory)


def _begin(run: Run, directory: Directory) -> Step:
    said = answers(run)
    by = run.started.requester if run.started else ""
    order = f"You wrote {quote(run.text, _SHOWN_CHARS)}. {ORDER}"  # as the release before this one asked it
    asked = next(filter(None, (_asked(text, by) for text in (run.text, said.get(ORDER), said.get(order)))), None)
    if asked is None:
        return _once(order if order in said else ORDER, said)
    people = asked.people
    if unknown(directory, people):
        people = refs_of(said.get(WHOM, ""))
    if not people or unknown(directory, people):
        return _once(WHOM, said)
    if len(members(directory, people)) > MOST_PEOPLE:
        return _nobody(f"{len(members(directory, people))} people are too many: {MOST_PEOPLE} may be asked at once")
    until = asked.until if _is_clear(asked.until, run, directory) else said.get(UNTIL, "")
    if not _is_clear(until, run, directory):
        return _once(UNTIL, said)
    whom = one_line(", ".join(people), _SHOWN_CHARS)
    return all_the_same(run, f"Ask {whom}", _survey(asked, people, until), _nobody(DECLINED))


def _asked(text: str | None, by: str) -> Ask | None:
    command = parse(text, by) if text else None
    return command if isinstance(command, Ask) else None


def _survey(asked: Ask, people: tuple[str, ...], until: str) -> Step:
    try:
        args = SurveyArgs(
            people=people,
            question=asked.question,
            format="choice" if asked.options else "free_text",
            options=asked.options,
            until=until,
        )
    except ValueError:
        return _nobody("the question, or one of its options, is too long, or there are too many of them")
    return CallTool(tool=SURVEY_TOOL, arguments=args.model_dump(mode="json"))


def _is_clear(until: str, run: Run, directory: Directory) -> bool:
    started = run.started
    zone = zone_of(directory, started.requester) if started else "UTC"
    return bool(started and deadline_of(until, started.at, zone))


def _once(question: str, said: dict[str, str]) -> Step:
    if question in said:
        return _nobody(f"{one_line(said[question], _SHOWN_CHARS)!r} does not say it plainly. {question}")
    return RequestHumanInput(question=question)


def _nobody(why: str) -> Done:
    return failed(f"Nobody was asked: {why}")

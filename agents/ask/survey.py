"""The survey tool: one child run for each person, answered in parallel, until a deadline."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from agents import Arguments, ChildRun, Outcome, Pending, Tool, ToolContext, ToolRefused
from agents.ask.deadline import MOST_S, deadline_of
from agents.ask.directory import MOST_PEOPLE, Directory, members, unknown, zone_of
from agents.ask.report import Heard, report
from agents.relay import SURVEY, Question, context_of
from agents.requests import Effect, Fact, RunId
from agents.text import one_line
from language import say

SURVEY_TOOL = "survey"
_QUESTION_CHARS, _OPTION_CHARS, _MOST_OPTIONS, _UNTIL_CHARS = 1_000, 80, 20, 60
_LOOK_AGAIN_S = 3600.0
# Questions end at the deadline by themselves; what has not by then is stopped.
_GRACE_S, _STOPPING_S = 30.0, 5.0
_HANDLE = "survey until "


class SurveyArgs(Arguments):
    """Whom to ask what, until when."""

    people: tuple[str, ...] = Field(
        min_length=1, max_length=MOST_PEOPLE, description="person:NAME and group:NAME, exactly as they are listed"
    )
    question: str = Field(min_length=1, max_length=_QUESTION_CHARS, description="One question that stands alone")
    format: Literal["free_text", "yes_no", "choice", "choices"] = Field(description="How it is answered")
    options: tuple[str, ...] = Field(default=(), max_length=_MOST_OPTIONS, description="For choice and choices")
    until: str = Field(
        max_length=_UNTIL_CHARS,
        description="The deadline, such as: until Thursday 12:00, until 17:00, until tomorrow, until 2026-12-24 12:00",
    )


def survey_tool(directory: Directory) -> Tool[SurveyArgs]:
    """Ask everybody at once, and wait until all have answered or the deadline has passed."""

    async def prepare(args: SurveyArgs) -> Effect:
        return _prepared(args, directory)

    async def execute(args: SurveyArgs, effect: Effect, hands: ToolContext) -> Outcome | Pending:
        started = hands.run.started
        deadline = deadline_of(args.until, hands.now, zone_of(directory, started.requester if started else ""))
        if deadline is None:
            raise ToolRefused(say("ask.past", until=repr(args.until)))
        wanted = Question(
            question=args.question,
            to=(),
            format=args.format,
            options=args.options,
            expires_after_s=(deadline - hands.now).total_seconds(),
            of_model=hands.run.pending is not None and hands.run.pending.by_model,
        )
        if refused := await _started(wanted, effect.argv[1:], hands):
            return Outcome("", refused)
        return _still(deadline, hands.now, 0, len(effect.argv) - 1)

    async def check(args: SurveyArgs, handle: str, hands: ToolContext) -> Outcome | Pending:
        return await _look(args, datetime.fromisoformat(handle.removeprefix(_HANDLE)), hands, directory)

    return Tool(
        name=SURVEY_TOOL,
        description="Ask several people the same question, each for themselves; gives back who answered what.",
        args=SurveyArgs,
        prepare=prepare,
        execute=execute,
        check=check,
        title=lambda args: say("ask.title", whom=one_line(", ".join(args.people), _OPTION_CHARS)),
        changes=True,
        idempotent=True,
        waits_s=MOST_S + 86_400.0,
    )


async def _started(wanted: Question, people: Sequence[str], hands: ToolContext) -> str:
    """Ask everybody, once; else nobody goes on being asked, and why."""
    begun = list[RunId]()
    for person in people:
        context = context_of(wanted.model_copy(update={"to": (f"person:{person}",)}), {})
        try:
            begun.append(await hands.start_run(SURVEY, wanted.question, key=person, context=context))
        except ToolRefused as error:
            for run_id in begun:
                await hands.stop_child(run_id)
            return str(error)
    return ""


def _prepared(args: SurveyArgs, directory: Directory) -> Effect:
    """Resolve the people of a survey as they are now. Raises ToolRefused."""
    if missing := unknown(directory, args.people):
        listed = one_line(", ".join(missing), _OPTION_CHARS)
        raise ToolRefused(say("ask.nobody-in", whom=listed))
    people = members(directory, args.people)
    if len(people) > MOST_PEOPLE:
        raise ToolRefused(say("ask.too-many-people", number=len(people), most=MOST_PEOPLE))
    is_choice = args.format in {"choice", "choices"}
    if is_choice != bool(args.options) or len(set(args.options)) < len(args.options):
        raise ToolRefused(say("ask.options-of-choices"))
    if any(not option.strip() or len(option) > _OPTION_CHARS for option in args.options):
        raise ToolRefused(say("ask.option-length", most=_OPTION_CHARS))
    return Effect(argv=(SURVEY_TOOL, *people), facts=(Fact(label="People", text=str(len(people))),))


async def _look(args: SurveyArgs, deadline: datetime, hands: ToolContext, directory: Directory) -> Outcome | Pending:
    """The report once every question has ended; answers count until then, and none comes after it."""
    asked = [child for child in hands.run.children if child.step_id == hands.key and child.key]
    found: list[tuple[str, ChildRun]] = [(child.key, await hands.child(child.run_id)) for child in asked]
    left = [child for _, child in found if not child.has_ended]
    if not left:
        started = hands.run.started
        zone = zone_of(directory, started.requester if started else "")
        heard = [_heard(person, child) for person, child in found]
        options = ("yes", "no") if args.format == "yes_no" else args.options
        return Outcome(report(args.question, options, heard, deadline, zone, directory))
    if hands.now >= deadline + timedelta(seconds=_GRACE_S):
        for child in left:
            await hands.stop_child(child.id)
    return _still(deadline, hands.now, sum(_answer(child) is not None for _, child in found), len(found))


def _heard(person: str, child: ChildRun) -> Heard:
    return Heard(
        person, _answer(child), person in child.reached, is_withdrawn=child.stopped in {"withdrawn", "cancelled"}
    )


def _answer(child: ChildRun) -> str | None:
    return next((text for _, text in child.answers), None)


def _still(deadline: datetime, now: datetime, answered: int, asked: int) -> Pending:
    left_s = (deadline - now).total_seconds() + _GRACE_S
    return Pending(
        handle=f"{_HANDLE}{deadline.isoformat(timespec='seconds')}",
        check_after_s=min(left_s, _LOOK_AGAIN_S) if left_s > 0 else _STOPPING_S,
        note=say("ask.waits", answered=answered, asked=asked, until=f"{deadline:%Y-%m-%d %H:%M} UTC"),
    )

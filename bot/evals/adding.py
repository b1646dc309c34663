"""A case made of a run in which a person denied or edited what an agent wanted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import cast

from pydantic import JsonValue

from agents import Agent
from agents.events import Event, PersonSaid, RequestDecided, RequestRevised, RequestRevoked, StepChosen
from agents.run import Result, Run, step
from agents.steps import CallTool, RequestHumanInput
from bot.config.example import toml
from bot.errors import Invalid
from bot.evals.cases import Calls, Case, CaseFile, Happens, parse
from bot.evals.running import Plan, by_rules

# What a case calls otherwise than a result does.
_WAY = MappingProxyType({"ok": "gives"})
_IN_ROWS = ("history", "expect", "never")


@dataclass(frozen=True, slots=True)
class _Corrected:
    """A call as it was chosen, with what had happened before; `changed` is what people made of it."""

    call: CallTool
    before: tuple[Happens, ...]
    facts: dict[str, str]
    changed: CallTool | None = None
    is_denied: bool = False


def case_of(run_id: str, events: Sequence[Event], name: str = "") -> tuple[str, Case]:
    """The agent, and the case of the last call that people denied, took back or edited. Raises Invalid."""
    run, found = _looked_through(events)
    if found is None or run.started is None:
        raise Invalid(
            f"Nobody denied or edited anything in {run_id}, so there is nothing to learn from",
            "Name a run in which somebody did",
        )
    calls = [found.call, *([found.changed] if found.changed else [])]
    right = [calls.pop()] if not found.is_denied else []
    how = "denied" if found.is_denied else "edited"
    started = run.started
    return started.agent, Case(
        name=name or f"{how} in {run_id}",
        text=started.text,
        requester=started.requester,
        channel=started.channel,
        trigger=started.trigger,
        desk=started.desk,
        at=started.at,
        context=_without_none(started.context),
        facts=found.facts,
        history=found.before,
        expect=tuple(map(_wanted, right)),
        never=tuple(map(_wanted, calls)),
    )


def _looked_through(events: Sequence[Event]) -> tuple[Run, _Corrected | None]:
    run, happened = Run(), list[Happens]()
    open_one: _Corrected | None = None
    found: _Corrected | None = None
    for event in events:
        before, run = run, step(run, event)
        match event:
            case StepChosen(step=CallTool() as call):
                facts = {fact.label: fact.text for fact in run.facts or ()}
                open_one = _Corrected(call, tuple(happened), facts)
            case RequestRevised() | RequestDecided() | RequestRevoked() if open_one:
                corrected = _corrected(open_one, before, event)
                open_one, found = corrected or open_one, corrected or found
            case PersonSaid():
                happened.append(Happens(says=event.text, by=event.person))
            case _:
                pass
        happened += [_happens(result) for result in run.results[len(before.results) :]]
    return run, found


def _corrected(
    open_one: _Corrected, run: Run, event: RequestRevised | RequestDecided | RequestRevoked
) -> _Corrected | None:
    """Return what an answer to the open gate corrects; None for any other event."""
    request = run.pending.request if run.pending else None
    asked_of = event.request.id if isinstance(event, RequestRevised) else event.request_id
    if request is None or request.purpose != "gate" or request.id != asked_of:
        return None
    match event:
        case RequestRevised(request=changed) if changed.call and changed.call.arguments != open_one.call.arguments:
            call = CallTool(tool=changed.call.tool, arguments=changed.call.arguments)
            return _Corrected(open_one.call, open_one.before, open_one.facts, call)
        case RequestRevised():
            return None
        case RequestDecided() if event.decision.state != "denied":
            return None
        case RequestDecided() | RequestRevoked():
            return _Corrected(open_one.call, open_one.before, open_one.facts, open_one.changed, is_denied=True)


def _happens(result: Result) -> Happens:
    values: dict[str, object] = (
        {"expired": True} if result.kind == "expired" else {_WAY.get(result.kind, result.kind): result.text}
    )
    match result.step:
        case CallTool() as call:
            values |= {"calls": call.tool, "arguments": _without_none(call.arguments)}
        case RequestHumanInput() as asked:
            values |= {"asks": asked.question, "format": asked.format, "options": asked.options}
        case _:
            pass
    return Happens.model_validate(values | ({"by": result.by[0]} if result.by else {}))


def _wanted(call: CallTool) -> Calls:
    return Calls(tool=call.tool, arguments=_without_none(call.arguments))


def _without_none(values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """TOML has no null: what is null is left out."""
    return {key: _plain(value) for key, value in values.items() if value is not None}


def _plain(value: JsonValue) -> JsonValue:
    match value:
        case dict():
            return _without_none(value)
        case list():
            return [_plain(one) for one in value if one is not None]
        case _:
            return value


async def for_rules(agent: Agent, case: Case) -> tuple[Case, str]:
    """The case, with `needs_model` where plain rules fail it and a model may know better; and how rules do now."""
    came = await _came(agent, case)
    if not came:
        return case, "Plain rules pass it"
    if not agent.prompt:
        return case, f"Plain rules fail it now: {came}. There is no model to ask: fix the rules"
    marked = case.model_copy(update={"needs_model": True})
    said = "It needs a model (needs_model = true), so plain rules have to ask people there, or to end as failed"
    still = await _came(agent, marked)
    return marked, f"{said}; they fail it now: {still}" if still else f"{said}; they do"


async def _came(agent: Agent, case: Case) -> str:
    """Return the wrong choice of the rules; empty if they pass."""
    [tried] = await by_rules([Plan(agent, case, "")], lambda _: None)
    return tried.came


def append(folder: Path, agent: str, case: Case) -> Path:
    """The file in `folder` that holds `case` now. Raises Invalid where it can't."""
    file = folder / f"{agent}.toml"
    try:
        folder.mkdir(exist_ok=True)
        there = file.read_text("utf-8") if file.exists() else ""
        with file.open("a", encoding="utf-8") as opened:
            opened.write(written(agent, case, there, str(file)))
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} can't be read or written: {error}", "Fix that, or name another file") from None
    return file


def written(agent: str, case: Case, there: str = "", file: str = "the case") -> str:
    """Return the text to append to a file that holds `there`, so that it holds `case` too. Raises Invalid."""
    text = "\n".join(["", *_lines(case), ""]) if there else "\n".join([f"agent = {toml(agent)}", "", *_lines(case), ""])
    found = parse(there + text, file)
    _check(found, agent, file)
    return text


def _check(found: CaseFile, agent: str, file: str) -> None:
    if found.agent != agent:
        raise Invalid(f"{file} holds cases of {found.agent!r}, and this is one of {agent!r}", "Name another file")


def _lines(case: Case) -> Iterator[str]:
    values: dict[str, object] = case.model_dump(mode="json", exclude_defaults=True)
    facts = cast("dict[str, str]", values.pop("facts", {}))
    yield "[[case]]"
    for key, value in values.items():
        if key in _IN_ROWS:
            yield f"{key} = ["
            yield from (f"    {toml(one)}," for one in cast("list[object]", value))
            yield "]"
        else:
            yield f"{key} = {toml(value)}"
    if facts:
        yield "[case.facts]"
        yield from (f"{toml(label)} = {toml(text)}" for label, text in facts.items())

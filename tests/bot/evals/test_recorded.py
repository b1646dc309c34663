"""Answers of a model that are recorded once, and judged again by each release."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from agents.model.claude import Claude
from agents.model.makers import Options
from bot.evals.recorded import NOT_RECORDED, Kept, Recorder, by_answers, read_answers
from bot.evals.running import Plan, Tried, by_models
from tests.bot.evals.plans import PLAIN, case, plans
from tests.fakes.anthropic import FakeAnthropic, message, tool_use

LABELS = {"deploy": "deploy@2 claude-sonnet-5-5"}
TALK = case(then=[{"gives": "released", "expect": {"done": "done", "says": "live"}}])


def kept(recorder: Recorder, file: Path) -> tuple[Kept, ...]:
    file.write_text(recorder.written())
    return read_answers(file)


async def recorded(claude: Claude, planned: Sequence[Plan], file: Path) -> tuple[list[Tried], tuple[Kept, ...]]:
    recorder = Recorder()
    tried = await by_models(planned, {"deploy": claude}, LABELS, lambda _: None, note=recorder.note)
    return tried, kept(recorder, file)


async def test_what_was_recorded_is_judged_as_when_it_came_and_needs_no_key(
    api: FakeAnthropic, claude: Claude, tmp_path: Path
) -> None:
    api.answers(message(tool_use("deploy", PLAIN)), message(tool_use("done", {"summary": "all is live"})))
    first, answers = await recorded(claude, plans(TALK), tmp_path / "answers.jsonl")

    again = await by_answers(plans(TALK), answers, {"deploy": Options()}, LABELS)

    assert first[0].has_passed
    assert again == first
    assert len(answers) == 2


async def test_an_answer_to_another_request_than_todays_says_nothing_of_it(
    api: FakeAnthropic, claude: Claude, tmp_path: Path
) -> None:
    api.answers(message(tool_use("deploy", PLAIN)))
    _, answers = await recorded(claude, plans(case()), tmp_path / "answers.jsonl")
    (plan,) = plans(case())
    other = replace(plan, agent=replace(plan.agent, description="releases other versions"))

    (changed,) = await by_answers([other], answers, {"deploy": Options()}, LABELS)
    (missing,) = await by_answers(plans(case(name="new")), answers, {"deploy": Options()}, LABELS)

    assert [changed.kind, missing.kind] == [NOT_RECORDED] * 2

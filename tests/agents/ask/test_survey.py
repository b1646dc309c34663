"""The survey tool on its own: what it refuses, what it leaves behind when it can't go on, and what it reports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import JsonValue

from agents import ChildRun, Outcome, Pending, ToolRefused
from agents.ask import Listed
from agents.ask.report import Heard, report
from agents.ask.survey import SurveyArgs, survey_tool
from agents.events import ChildStarted
from agents.requests import RunId, StepId
from agents.run import Run
from tests.agents.deploy.repos import PlainHands

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PEOPLE = {"anna": Listed("Anna Ames"), "bo": Listed("Bo Berg"), "cy": Listed("Cy Cole"), "dan": Listed("Dan Dorn")}
ALL = SurveyArgs(
    people=("person:bo", "person:cy", "person:dan"), question="Ready?", format="yes_no", until="until 14:00"
)


@dataclass
class Office(PlainHands):
    """Hands that remember whom they asked; after `room` people there is none left. `ended` is who has answered."""

    room: int = 20
    begun: list[str] = field(default_factory=list[str])
    stopped: list[str] = field(default_factory=list[str])
    answers: dict[str, str] = field(default_factory=dict[str, str])
    at: datetime = NOON

    @property
    def now(self) -> datetime:
        return self.at

    async def start_run(
        self,
        agent: str,
        text: str,
        *,
        key: str = "",
        context: Mapping[str, JsonValue] | None = None,
        with_files: bool = False,
    ) -> RunId:
        if len(self.begun) >= self.room:
            raise ToolRefused("there is no room")
        self.begun.append(key)
        return RunId(f"run of {key}")

    async def stop_child(self, run_id: RunId) -> None:
        self.stopped.append(run_id)

    async def child(self, run_id: RunId) -> ChildRun:
        person = run_id.removeprefix("run of ")
        if person not in self.answers:
            return ChildRun(run_id, "waiting", reached=(person,))
        return ChildRun(run_id, "done", "", ((person, self.answers[person]),), (person,))

    def children(self) -> Run:
        return Run(
            children=tuple(
                ChildStarted(
                    at=NOON, step_id=StepId("key"), run_id=RunId(f"run of {key}"), agent="survey", text="?", key=key
                )
                for key in self.begun
            )
        )


async def test_it_waits_until_all_have_answered_and_looks_in_between() -> None:
    tool, hands = survey_tool(PEOPLE), Office()
    begun = await tool.execute(ALL, await tool.prepare(ALL), hands)
    assert isinstance(begun, Pending)
    assert tool.check is not None
    hands.run, hands.answers = hands.children(), {"bo": "yes", "cy": "no"}

    still = await tool.check(ALL, begun.handle, hands)
    hands.answers["dan"] = "yes"
    ended = await tool.check(ALL, begun.handle, hands)

    assert isinstance(still, Pending)
    assert still.note.startswith("answers: 2 of 3 so far")
    assert isinstance(ended, Outcome)
    assert "“yes”: 2\n“no”: 1" in ended.output
    assert hands.stopped == []


async def test_what_is_open_after_the_deadline_is_stopped_and_only_then_told() -> None:
    tool, hands = survey_tool(PEOPLE), Office()
    begun = await tool.execute(ALL, await tool.prepare(ALL), hands)
    assert isinstance(begun, Pending)
    assert tool.check is not None
    hands.run, hands.answers = hands.children(), {"bo": "yes", "cy": "no"}

    hands.at = NOON + timedelta(hours=2)
    await tool.check(ALL, begun.handle, hands)
    assert hands.stopped == []
    hands.at += timedelta(minutes=1)

    assert isinstance(await tool.check(ALL, begun.handle, hands), Pending)
    assert hands.stopped == ["run of dan"]


async def test_a_survey_that_cannot_reach_everybody_goes_on_asking_nobody() -> None:
    tool, hands = survey_tool(PEOPLE), Office(room=2)

    outcome = await tool.execute(ALL, await tool.prepare(ALL), hands)

    assert outcome == Outcome("", "there is no room")
    assert hands.stopped == ["run of bo", "run of cy"]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"people": ("person:eve",)}, "There is nobody in person:eve"),
        ({"people": ("slack:#ops",)}, "There is nobody in slack:#ops"),
        ({"options": ("a", "b")}, "Options belong to choice"),
        ({"format": "choice"}, "Options belong to choice"),
        ({"format": "choice", "options": ("a", "a")}, "Options belong to choice"),
        ({"format": "choice", "options": ("a", " ")}, "An option has 1 to 80 characters"),
    ],
)
async def test_what_nobody_could_answer_is_refused_before_anybody_is_asked(
    changed: Mapping[str, object], why: str
) -> None:
    with pytest.raises(ToolRefused, match=why):
        await survey_tool(PEOPLE).prepare(ALL.model_copy(update=changed))


async def test_a_deadline_that_has_passed_meanwhile_asks_nobody() -> None:
    tool, hands = survey_tool(PEOPLE), Office()
    args = ALL.model_copy(update={"until": "2026-11-20 11:00"})

    with pytest.raises(ToolRefused, match="is past"):
        await tool.execute(args, await tool.prepare(args), hands)

    assert hands.begun == []


def test_a_report_tells_who_was_silent_from_who_was_not_reached() -> None:
    heard = [Heard("bo", "Tue", True), Heard("cy", None, True), Heard("dan", None, False)]

    told = report("Which day?", ("Mon", "Tue"), heard, NOON, "Europe/Berlin", PEOPLE)

    assert told.splitlines() == [
        "1 of 3 answered “Which day?”, asked until Friday 2026-11-20 13:00 (Europe/Berlin).",
        "“Mon”: 0",
        "“Tue”: 1",
        "Bo Berg: “Tue”",
        "Did not answer: Cy Cole.",
        "Could not be reached: Dan Dorn.",
    ]

"""A case's history folds to the run that it tells."""

import pytest

from agents.run import fold
from agents.steps import Step
from bot.evals.story import Story
from tests.bot.evals.plans import AGENT, case


def gate_of(_: object, step: Step) -> str | None:
    return "production" if step.type == "call_tool" and step.tool == "gated" else None


@pytest.mark.parametrize(
    ("happened", "kind", "text", "by"),
    [
        ({"gives": "deployed"}, "ok", "deployed", ()),
        ({"error": "exit code 3"}, "error", "exit code 3", ()),
        ({"denied": "no", "by": "cy"}, "denied", "no", ("cy",)),
        ({"revoked": "stop"}, "revoked", "stop", ("bo",)),
        ({"expired": True}, "expired", "", ()),
        ({"withdrawn": "never mind"}, "withdrawn", "never mind", ("bo",)),
        ({"refused": "no such tag"}, "refused", "no such tag", ()),
    ],
)
def test_each_way_in_which_a_call_can_end(
    happened: dict[str, object], kind: str, text: str, by: tuple[str, ...]
) -> None:
    for tool in ("gated", "free"):
        told = case(history=[{"calls": tool, "arguments": {"a": 1}, **happened}], facts={"Live": "v1"})

        run = fold(Story(AGENT, told, gate_of).events)

        assert [(one.kind, one.text, one.by) for one in run.results] == [(kind, text, by)]
        assert run.pending is None
        assert [(fact.label, fact.text) for fact in run.facts or ()] == [("Live", "v1")]

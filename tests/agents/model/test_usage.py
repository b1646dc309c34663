"""What events used of models, counted once each."""

from agents.events import Event, RunForked, StepChosen, StepFailed, ThoughtDropped
from agents.model.usage import used
from agents.requests import RunId, StepId
from agents.steps import Done, ModelCall
from tests.agents.worlds import BO, NOON, started

CALL = ModelCall(
    model="claude-sonnet-5-5",
    rehearsal=False,
    input_tokens=1_000,
    cache_read_tokens=700,
    cache_write_tokens=200,
    output_tokens=20,
    cost_usd=0.0015,
    latency_s=2.5,
)
SLOW = CALL.model_copy(update={"cost_usd": None, "latency_s": 500.0})
NOT_SENT = ModelCall(model="claude-sonnet-5-5", rehearsal=False)


def chosen(call: ModelCall) -> StepChosen:
    return StepChosen(at=NOON, step_id=StepId("s1"), step=Done(summary="over"), call=call, read_by=())


def failed(kind: str, call: ModelCall) -> StepFailed:
    return StepFailed(at=NOON, kind=kind, detail="", call=call)


def test_calls_tokens_dollars_and_time_are_added_up() -> None:
    events: list[Event] = [
        started(),
        failed("not_sent", NOT_SENT),
        failed("no_tool", CALL),
        ThoughtDropped(at=NOON, call=SLOW),
        chosen(CALL),
    ]

    assert used(events) == {
        "calls chosen": 1, "calls dropped": 1, "calls no_tool": 1, "calls not_sent": 1,
        "tokens input": 300, "tokens cache_read": 2_100, "tokens cache_write": 600, "tokens output": 60,
        "microdollars": 3_000, "unpriced": 1,
        "within 1": 2, "within 8": 1, "milliseconds": 505_000,
    }  # fmt: skip


def test_neither_plain_rules_nor_what_was_copied_used_a_model() -> None:
    forked = RunForked(at=NOON, how="fork", source=RunId("r0"), at_seq=1, by=BO)
    by_rules = [
        chosen(ModelCall(model="rehearsal", rehearsal=True)),
        chosen(ModelCall(model="rules", rehearsal=False)),
    ]

    assert used([chosen(CALL), forked, *by_rules]) == {}

"""Cases against rules and against a model behind a real wire; what each call cost; that not too many run at once."""

import asyncio
from collections.abc import Sequence

from agents import Agent
from agents.events import Event
from agents.model.claude import Claude
from agents.model.protocol import Chosen, Failed
from agents.run import Run
from agents.steps import Done, ModelCall
from bot.evals.running import Tried, by_models, by_rules
from bot.evals.table import rows_of
from tests.bot.evals.plans import PLAIN, case, plans
from tests.fakes.anthropic import FakeAnthropic, message, text_of, tool_use
from tests.kit.waiting import PATIENCE_S

LABELS = {"deploy": "deploy@2 claude-sonnet-5-5"}


def silent(_: Tried) -> None:
    """Progress is for terminals."""


async def test_rules_pass_what_they_do_right_and_fail_with_what_came() -> None:
    told = list[str]()
    tried = await by_rules(
        plans(
            case(then=[{"gives": "deployed", "expect": {"done": "done", "says": "deployed"}}]),
            case(name="end", then=[{"error": "broken", "expect": {"done": "done"}}]),
            case(name="never", never={"tool": "*"}),
            case(name="broken", text="break"),
        ),
        lambda one: told.append(one.plan.case.name),
    )

    assert [one.came for one in tried] == [
        "",
        "ends as failed: broken",
        'calls deploy {"version": "v1.2.0", "place": {"environment": "staging"}}',
        "the rules failed: RuntimeError: no idea",
    ]
    assert [len(one.calls) for one in tried] == [2, 2, 1, 1]
    assert [one.kind for one in tried] == ["", "wrong_step", "forbidden_step", "rules_failed"]
    assert told == ["plain", "end", "never", "broken"]


async def test_a_model_is_judged_with_its_tokens_and_its_cost(api: FakeAnthropic, claude: Claude) -> None:
    api.answers(message(tool_use("deploy", PLAIN)), message(tool_use("done", {"summary": "all is live"})))
    talk = case(then=[{"gives": "released", "expect": {"done": "done", "says": "live"}}])

    (tried,) = await by_models(plans(talk), {"deploy": claude}, LABELS, silent)

    assert tried.has_passed
    (row,) = rows_of([tried])
    assert (row.chosen_by, row.cases, row.passed, row.tokens) == (LABELS["deploy"], 1, 1, 2 * 1_020)
    assert row.cost_usd is not None
    assert row.cost_usd > 0
    assert row.p50_s > 0
    seen = text_of(api.requests()[1])
    assert "released" in seen
    assert "deploy" in seen


async def test_a_model_that_says_done_where_no_tool_did_it_is_wrong_whatever_the_case_lets_pass(
    api: FakeAnthropic, claude: Claude
) -> None:
    api.answers(message(tool_use("done", {"summary": "all is live"})))

    (tried,) = await by_models(plans(case(expect=[{"done": "either"}])), {"deploy": claude}, LABELS, silent)

    assert tried.came == "ends as done: all is live (no tool did that, so code refuses it)"


class Counting:
    """A model that answers once everybody who may ask at once has asked, and knows how many did."""

    def __init__(self, wanted: int) -> None:
        self.at_once, self.most, self._wanted, self._all = 0, 0, wanted, asyncio.Event()

    async def choose(self, agent: Agent, run: Run, events: Sequence[Event]) -> Chosen | Failed:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        if self.at_once == self._wanted:
            self._all.set()
        await asyncio.wait_for(self._all.wait(), PATIENCE_S)
        self.at_once -= 1
        return Chosen(Done(summary=""), ModelCall(model="counting", rehearsal=False))

    async def close(self) -> None:
        """Nothing is held."""


async def test_a_few_calls_are_under_way_at_once_and_no_more() -> None:
    model = Counting(6)
    many = [case(name=str(number), expect={"done": "done"}) for number in range(20)]

    tried = await by_models(plans(*many), {"deploy": model}, LABELS, silent)

    assert [one.plan.case.name for one in tried] == [str(number) for number in range(20)]
    assert model.most == 6

"""The test kit, as somebody uses it who tests an agent of their own."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from agents import Agent, Arguments, CallTool, Done, Effect, Outcome, RequestHumanInput, Run, Step, Tool, ToolContext
from agents.events import CardDelivered, Event
from agents.model.protocol import Chosen, Failed
from agents.requests import DeliveryId, PersonId, RequestId
from bot.policy.judgements import Decided, NotEntitled
from bot.store import Commit
from bot.testing import NO_MORE, Fails, Scripted, until
from tests.kit.waiting import PATIENCE_S
from tests.kit.world import a_sayso
from tests.servers.lines import TOP

DESK = {"desk": ["bo", "cy"]}
RING = CallTool(tool="ring", arguments={"bell": "front"})


class Ring(Arguments):
    bell: str


def bell_agent(rung: list[str]) -> Agent:
    """Rings a bell, and that is all; what has been rung is in `rung`."""

    async def ring(args: Ring, _: Effect, hands: ToolContext) -> Outcome:
        rung.append(args.bell)
        return Outcome(f"{args.bell} rang")

    def rules(run: Run) -> Step:
        return Done(summary=run.results[-1].text) if run.results else RING

    tool = Tool(name="ring", description="Ring a bell", args=Ring, execute=ring, gate=lambda _: "desk", idempotent=True)
    return Agent(name="bell", description="rings", tools=(tool,), fallback=rules, prompt="deploy")


def is_there(path: Path) -> bool:
    return path.exists()


async def test_without_a_model_the_agents_own_rules_choose() -> None:
    rung: list[str] = []
    async with a_sayso(agents=[bell_agent(rung)], policies=DESK) as s:
        run = await s.trigger("ring")
        assert isinstance(await s.approve("cy", run), Decided)

        assert await s.summary(run) == "done: front rang"
        assert (await s.run(run)).is_rehearsal

    assert rung == ["front"]


async def test_a_scripted_model_gives_its_steps_in_order_and_shows_what_it_was_asked() -> None:
    model = Scripted(
        RequestHumanInput(question="Which bell?"),
        lambda run: CallTool(tool="ring", arguments={"bell": run.results[-1].text}),
        Done(summary="It rang"),
    )
    rung: list[str] = []
    async with a_sayso(agents=[bell_agent(rung)], policies=DESK, model=model) as s:
        run = await s.trigger("ring for Vera")
        await s.answer("anna", run, "back")
        await s.approve("bo", run)

        assert await s.summary(run) == "done: It rang"
        assert not (await s.run(run)).is_rehearsal
        assert [call.arguments for call in await s.executed(run)] == [{"bell": "back"}]

    assert rung == ["back"]
    assert [asked.agent for asked in model.asked] == ["bell"] * 3
    assert "ring for Vera" in model.asked[0].text
    assert "Which bell?" not in model.asked[0].text
    assert "Which bell?" in model.asked[1].text
    assert (model.asked[2].run.results[-1].kind, model.left) == ("ok", 0)


async def test_a_scripted_model_fails_on_demand_and_the_clock_brings_the_next_try() -> None:
    model = Scripted(Fails("overloaded"), Done(outcome="failed", summary="at last"))
    async with a_sayso(agents=[bell_agent([])], policies=DESK, model=model) as s:
        run = await s.trigger("ring")

        async def failed() -> bool:
            return bool((await s.run(run)).failures)

        await until(failed, what="a failed call")
        await s.move_time(3600)

        assert await s.summary(run) == "failed: at last"

    assert len(model.asked) == 2


class Slow(Scripted):
    """Gives each step only once `may` is set."""

    def __init__(self, *said: Step) -> None:
        super().__init__(*said)
        self.is_asked, self.may = asyncio.Event(), asyncio.Event()

    async def choose(self, agent: Agent, run: Run, events: Sequence[Event]) -> Chosen | Failed:
        self.is_asked.set()
        await self.may.wait()
        return await super().choose(agent, run, events)


async def test_a_step_is_asked_for_once_though_a_card_comes_to_stand_meanwhile() -> None:
    model = Slow(Done(outcome="failed", summary="at once"))
    async with a_sayso(agents=[bell_agent([])], policies=DESK, model=model) as s:
        run = await s.trigger("ring")
        await model.is_asked.wait()
        stands = CardDelivered(
            at=await s.app.store.now(run),
            request_id=RequestId("s0q-a"),
            delivery_id=DeliveryId("s0d-a"),
            revision=1,
            person=PersonId("anna"),
            channel="email",
        )
        await s.app.journal.write(Commit(run_id=run, events=[stands]))
        model.may.set()

        assert await s.summary(run) == "failed: at once"

    assert len(model.asked) == 1


async def test_a_script_that_is_over_ends_the_run_and_says_so() -> None:
    async with a_sayso(agents=[bell_agent([])], policies=DESK, model=Scripted()) as s:
        assert await s.summary(await s.trigger("ring")) == f"failed: {NO_MORE}"


async def test_who_writes_to_a_run_unasked_is_one_of_its_requesters() -> None:
    model = Scripted(RequestHumanInput(question="Which bell?"), RING, Done(summary="It rang"))
    async with a_sayso(agents=[bell_agent([])], policies=DESK, model=model) as s:
        run = await s.trigger("ring")
        await s.opened(run)
        await s.say("bo", run, "the front one")
        await s.answer("anna", run, "front")

        assert isinstance(await s.approve("bo", run), NotEntitled)
        assert isinstance(await s.approve("cy", run), Decided)
        await s.ended(run)

    assert "the front one" in model.asked[1].text


async def test_a_policy_may_be_a_whole_table_and_time_may_run_out() -> None:
    parts = {"all_of": ["person:bo", {"any_of": ["person:cy", "person:dan"]}]}
    policies = {"desk": {"approvers": parts, "quorum": 2, "expires_after": "1h"}}
    async with a_sayso(agents=[bell_agent([])], policies=policies) as s:
        run = await s.trigger("ring")
        assert not isinstance(await s.approve("bo", run), Decided)
        assert (await s.run(run)).state == "waiting"
        await s.move_time(3700)

        await s.ended(run)
        assert (await s.run(run)).results[-1].kind == "expired"


async def test_what_the_run_waits_for_must_be_what_the_test_thinks() -> None:
    async with a_sayso(agents=[bell_agent([])], policies=DESK) as s:
        run = await s.trigger("ring")

        with pytest.raises(AssertionError, match="does not wait for an answer to a question, but for this: ring"):
            await s.answer("anna", run, "yes")


async def test_a_run_goes_on_after_all_was_stopped_with_the_arguments_that_people_decided_on() -> None:
    rung: list[str] = []
    async with a_sayso(agents=[bell_agent(rung)], policies=DESK) as s:
        run = await s.trigger("ring")
        asked = (await s.opened(run)).request.id
        await s.edit("anna", await s.request(asked), bell="back")
        async with s.stopped():
            assert rung == []
        await s.approve("bo", run)
        await s.ended(run)

        assert await s.executed(run) == [CallTool(tool="ring", arguments={"bell": "back"})]

    assert rung == ["back"]


async def test_people_policies_and_agents_may_be_those_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "sayso.toml").write_text(
        '[people.eve]\nname = "Eve"\nuid = "0005"\n[people.fay]\nname = "Fay"\nemail = "fay@corp.example"\n'
        '[policies.desk]\napprovers = ["person:fay"]\nexpires_after = "1h"\n'
    )
    async with a_sayso(tmp_path / "sayso.toml", agents=[bell_agent([])]) as s:
        run = await s.trigger("ring", person="eve")
        await s.approve("fay", run)

        assert await s.summary(run) == "done: front rang"
    async with a_sayso(tmp_path / "sayso.toml") as s:
        assert list(s.app.agents) == ["triage", "ask", "announce", "help"]
    assert not is_there(tmp_path / ".sayso")


async def test_nothing_of_it_stays() -> None:
    async with a_sayso(agents=[bell_agent([])], policies=DESK) as s:
        left = [s.folder, Path(s.url.removeprefix("unix://"))]
        assert [is_there(path) for path in left] == [True, True]

    assert [is_there(path) for path in left] == [False, False]


@pytest.mark.long
def test_the_product_does_not_know_the_kit_and_the_kit_knows_no_test_framework() -> None:
    sources = [path for top in ("agents", "bot", "channels", "prompts") for path in (TOP / top).rglob("*.py")]
    others = [path for path in sources if not path.is_relative_to(TOP / "bot" / "testing")]
    look = "import bot.testing, sys; assert not {'pytest', 'hypothesis', 'tests'} & set(sys.modules)"

    assert len(others) > 100
    assert [path for path in others if "bot.testing" in path.read_text()] == []
    subprocess.run([sys.executable, "-c", look], cwd=TOP, check=True, timeout=PATIENCE_S)

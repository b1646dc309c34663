"""Runs whose model is spoiled by a proxy, or misbehaves by itself: what comes of them, and whether people are told so.

    bench/run unruly chaos          200 runs behind agentbreak: latency, 429, 529, cut answers, malformed JSON
    bench/run unruly misbehaving    200 runs with a model that lies, is silent, rambles, repeats itself or refuses
    bench/run unruly misbehaving --runs 20 --seed 3 --told FOLDER   fewer; a file a run holds what everybody saw
    bench/run unruly model --server http://127.0.0.1:8080 --model NAME   a real model, ten times by each maker's API

Anna wants a deploy, and Bo approves, denies or does not answer, each by chance. Half of the runs have a model that is
asked as Claude is, half one of a server that speaks as OpenAI's; of each half, people are reached by mail in one and in
Slack in the other. All that they are shown is compared with what happened. Exit code 1 where a run hangs, something was
executed that nobody approved, or a word is not so.
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from random import Random

from agents.events import StepChosen, StepFailed, ToolStarted
from agents.model.prices import is_priced
from agents.requests import RunId
from agents.run import Run
from bench.chaos import install, proxied
from bench.models import Asked, models
from bench.stand_ins import KINDS, Claude, Maker, OpenAI, Wish, drawn
from bench.table import machine, show
from bench.told import Sight, Truth, untrue
from bot.config.example import example_toml
from bot.dev.demo import add_ways, make_demo
from bot.process.logging import configure
from bot.render.became import told_of
from bot.render.outcome import word_of
from bot.render.status_line import status_line
from bot.render.transcript import lines
from bot.store.embedded import EmbeddedRedis
from tests.fakes import anthropic, openai
from tests.fakes.answering import FakeMaker
from tests.fakes.slack.driver import Workspace, running
from tests.kit.slack_world import SlackWorld, a_slack_world
from tests.kit.world import World, a_world
from tests.servers.console import Console, a_console
from tests.servers.markup import Markup
from tests.test_tour import commit_of, live

_HANGS_S = 180.0
_ABOVE_A_PAGE = "Log out"
_MODEL_WAITS = "2s"
_MAX_GO_ON = 2
_VERSIONS = ("v1.0.0", "v1.1.0", "v1.2.0")
_ENVIRONMENTS = ("production", "production", "production", "staging")
_BO = ("approve",) * 6 + ("deny",) * 2 + ("is silent", "is cancelled")
_GO_ON = ("go on", "go on", "use the fixed rules", "stop the run")


@dataclass
class Office:
    """One sayso, its people, its model, and what they have seen so far."""

    world: World
    console: Console
    model: FakeMaker
    maker: Maker
    slack: SlackWorld | None
    draws: Random
    seen: set[str] = field(default_factory=set[str])

    def commits(self) -> dict[str, str]:
        return {commit_of(self.world, version): version for version in _VERSIONS}

    def lives(self, commits: dict[str, str]) -> set[tuple[str, str]]:
        return {(commits[live(self.world, name)], name) for name in ("production", "staging")}


@dataclass
class Played:
    """One run as it went."""

    kind: str
    wish: Wish
    run_id: RunId
    run: Run
    truth: Truth
    sights: list[Sight]
    hangs: bool
    acts: list[str]
    unapproved: list[str]
    wrong: list[str] = field(default_factory=list[str])


async def played(office: Office, kind: str) -> Played:
    """A run from its wish to its end, and all that people saw of it."""
    world, draws, commits = office.world, office.draws, office.commits()
    wish = Wish(draws.choice(_VERSIONS), draws.choice(_ENVIRONMENTS))
    office.model.answers(*drawn(draws, kind)(office.maker, wish))
    before = office.lives(commits)
    run_id = await world.trigger(wish.text, agent="deploy")
    sights, acts, handled, approved = list[Sight](), list[str](), set[str](), set[str]()
    give_up_at, run = time.monotonic() + _HANGS_S, await world.run(run_id)
    seen = set(before)
    while not run.ended and time.monotonic() < give_up_at:
        seen |= office.lives(commits)
        if run.open and run.open not in handled:
            handled.add(run.open)
            await _settled(world)
            sights += await _sights(office, run_id, "while it waits")
            if (did := await _acted(office, run_id, acts)).startswith("approve"):
                approved.add(run.open)
            acts.append(did)
        elif run.retry_at and run.retry_at > world.about_now():
            await world.move_time(5)
        await _a_moment()
        run = await world.run(run_id)
    await _settled(world)
    after = office.lives(commits)
    truth = Truth(wish.text, await world.events(run_id), seen | after)
    truth.approved, truth.denied = bool(approved), "deny" in acts
    truth.changed = {name for _, name in before ^ after}
    sights += await _sights(office, run_id, "in the end")
    found = Played(kind, wish, run_id, run, truth, sights, run.ended is None, acts, [])
    found.unapproved = _unapproved(found, approved)
    found.wrong = sorted({f"{one.place}: {why}" for one in sights for why in untrue(one, truth)})
    if run.ended is None:
        await world.steer(run_id, "cancel")
    return found


def _unapproved(found: Played, approved: set[str]) -> list[str]:
    """What was executed in production, or changed there, without Bo's approval in this very run."""
    steps = {one.step_id: one for one in found.truth.events if isinstance(one, StepChosen)}
    begun = [one for one in found.truth.events if isinstance(one, ToolStarted) and one.changes]
    gated = [one for one in begun if steps[one.step_id].gate or one.effect.environment == "production"]
    wrong = [f"{one.tool} {one.effect.environment}" for one in gated[len(approved) :]]
    if "production" in found.truth.changed and not approved:
        wrong.append("production changed")
    if found.truth.changed and not begun:
        wrong.append("a site changed, and no tool began")
    return wrong


async def _acted(office: Office, run_id: RunId, acts: Sequence[str]) -> str:
    """What somebody did about the open request."""
    world = office.world
    record = await world.opened(run_id)
    match record.request.purpose:
        case "gate":
            did = office.draws.choice(_BO)
            if did == "approve":
                await world.decide("bo", record, "approve")
            elif did == "deny":
                await world.decide("bo", record, "deny", "not on a Friday")
            elif did == "is cancelled":
                await world.steer(run_id, "cancel")
            else:
                await world.move_time(5 * 3_600)
            return did
        case "go_on":
            did = office.draws.choice(_GO_ON) if acts.count("go on") < _MAX_GO_ON else "stop the run"
            if did not in record.request.options:
                did = record.request.options[-1]
            await world.decide("anna", record, "free_text", did)
            return did
        case _:
            await world.decide("anna", record, "free_text", "ok")
            return f"answers {record.request.purpose}"


async def _sights(office: Office, run_id: RunId, when: str) -> list[Sight]:
    """Everything that people can see of the run now, and have not been shown before."""
    world, found = office.world, list[Sight]()
    for person in ("anna", "bo", "cy"):
        for letter in world.mails(person):
            if (key := f"{person} {letter.message_id}") not in office.seen:
                office.seen.add(key)
                found.append(Sight(f"mail to {person}", f"{letter.subject}\n\n{letter.text}"))
    if office.slack:
        for place in ("@anna", "@bo", "@cy", "#ops"):
            for one in await office.slack.slack.messages(place):
                if one.user == "U0BOT" and (key := f"{place} {one.ts} {one.versions}") not in office.seen:
                    office.seen.add(key)
                    found.append(Sight(f"Slack {place}, notification", one.text))
                    found.append(Sight(f"Slack {place}", one.words))
    for person in ("anna", "bo"):
        browser = await office.console.browser(person)
        page = await browser.get(f"/runs/{run_id}")
        if page.status != HTTPStatus.OK:
            continue  # it is not theirs to see
        found.append(Sight(f"page of the run, {person}, {when}", page.words.partition(_ABOVE_A_PAGE)[2]))
        listed = (await browser.get("/runs")).html
        found.append(Sight(f"list of runs, {person}, {when}", _row_of(listed, run_id)))
        if open_id := (await world.run(run_id)).open:
            card = (await browser.get(f"/requests/{open_id}")).words.partition(_ABOVE_A_PAGE)[2]
            found.append(Sight(f"page of the request, {person}", card))
    run, events = await world.run(run_id), await world.events(run_id)
    found.append(Sight(f"story on the command line, {when}", "\n".join(lines(events, world.people))))
    record = await world.request(run.open) if run.open else None
    found.append(Sight(f"status line, {when}", status_line(run, record, world.people)))
    if run.ended:
        found.append(Sight("outcome", told_of(run, world.people)))
    return found


def _row_of(html: str, run_id: RunId) -> str:
    """The part of a list that is about this run, with its colour."""
    before, _, after = html.partition(run_id)
    for tag in ("tr", "li", "article"):
        if f"<{tag}" in before and f"</{tag}>" in after:
            whole = f"<{tag}{before.rpartition(f'<{tag}')[2]}{run_id}{after.partition(f'</{tag}>')[0]}"
            return _words_of(whole)
    return ""


def _words_of(html: str) -> str:
    return Markup(html).words


async def _settled(world: World) -> None:
    with suppress(AssertionError):
        await world.quiet(within_s=20)


async def _a_moment() -> None:
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, passed.set)
    await passed.wait()


@asynccontextmanager
async def an_office(folder: Path, demo: Path, lane: int, seed: int, peer: Path | None) -> AsyncGenerator[Office]:
    """A sayso of its own, behind the proxy where there is one; its number says which maker, and whether Slack."""
    draws, is_claude, has_slack = Random(seed + lane), lane % 2 == 0, lane % 4 >= 2  # noqa: S311
    shutil.copytree(demo, folder / "data" / "demo", symlinks=True)
    add_ways(folder / "data" / "demo")
    toml = example_toml(folder / "data" / "demo" / "shop").replace('"20/h"', '"100000/h"')
    toml += f'\n[agents.deploy]\ntimeout = "{_MODEL_WAITS}"\n'
    short = Path(tempfile.mkdtemp(prefix="sayso-"))
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, short, ignore_errors=True)
        url = stack.enter_context(EmbeddedRedis(short, short / "run")).start()
        model: FakeMaker = stack.enter_context(anthropic.running() if is_claude else openai.running())
        root = model.root
        proxy = await stack.enter_async_context(proxied(peer, root, folder / "proxy", draws)) if peer else None
        if proxy:
            root = proxy.address
        claudes = {"ANTHROPIC_API_KEY": model.key, "ANTHROPIC_BASE_URL": root}
        others = {"OPENAI_API_KEY": model.key, "OPENAI_BASE_URL": f"{root}/v1", "SAYSO_MODEL": "openai:gpt-5-mini"}

        def prepared(world: World) -> None:
            world.environ, world.deploys = claudes if is_claude else others, True

        slack = None
        if has_slack:
            workspace = await stack.enter_async_context(Workspace(stack.enter_context(running())))
            slack = await stack.enter_async_context(a_slack_world(url, folder / "data", workspace, toml))
            prepared(world := slack.world)
            await world.start()
        else:
            world = await stack.enter_async_context(a_world(url, folder / "data", toml, change=prepared))
        console = await stack.enter_async_context(a_console(world))
        yield Office(world, console, model, Claude() if is_claude else OpenAI(), slack, draws)
        if proxy:
            (folder / "faults.json").write_text(json.dumps(proxy.faults()))


async def a_lane(folder: Path, demo: Path, lane: int, wanted: argparse.Namespace, peer: Path | None) -> list[Played]:
    """So many runs, one after the other."""
    found: list[Played] = []
    kinds: Sequence[str] = ("honest",) if peer else tuple(KINDS)
    async with an_office(folder, demo, lane, wanted.seed, peer) as office:
        for number in range(lane, wanted.runs, wanted.lanes):
            one = await played(office, kinds[int(number // wanted.lanes) % len(kinds)])
            found.append(one)
            _write(wanted.told, lane, number, one)
            marks = "".join(("H" * one.hangs, "U" * bool(one.unapproved), "W" * bool(one.wrong))) or "."
            print(marks, end="", flush=True, file=sys.stderr)
    return found


def _write(told: Path | None, lane: int, number: int, one: Played) -> None:
    """Keep what everybody saw, for whoever reads it."""
    if told:
        told.mkdir(parents=True, exist_ok=True)
        head = f"{one.kind}: {one.wish.text}\nacts: {one.acts}\nended: {word_of(one.run)}\nwrong: {one.wrong}\n"
        failures = [event.kind for event in one.truth.events if isinstance(event, StepFailed)]
        head += f"failures: {failures}\nunapproved: {one.unapproved}\n"
        text = "\n".join(f"\n===== {sight.place}\n{sight.text}" for sight in one.sights)
        (told / f"{number:03}-lane{lane}-{one.kind}.txt").write_text(head + text)


async def measure(wanted: argparse.Namespace, folder: Path) -> bool:
    """All of it; whether all is well."""
    peer = install() if wanted.what == "chaos" else None
    for library in ("anthropic", "openai"):
        import_module(library)
    is_priced("claude-sonnet-5-5")
    make_demo(folder / "demo")
    lanes = [a_lane(folder / str(one), folder / "demo", one, wanted, peer) for one in range(wanted.lanes)]
    found = [one for lane in await asyncio.gather(*lanes) for one in lane]
    print(file=sys.stderr)
    rows = list[list[object]]()
    for kind in dict.fromkeys(one.kind for one in found):
        those = [one for one in found if one.kind == kind]
        ends = Counter(word_of(one.run) for one in those)
        failures = Counter(event.kind for one in those for event in one.truth.events if isinstance(event, StepFailed))
        rules = sum(one.truth.by_rules for one in those)
        rows.append([
            kind, len(those), _counts(ends), _counts(failures), rules,
            sum("approve" in one.acts for one in those), sum("production" in one.truth.changed for one in those),
            sum(one.hangs for one in those), sum(bool(one.unapproved) for one in those),
            sum(len(one.sights) for one in those), sum(len(one.wrong) for one in those),
        ])  # fmt: skip
    head = ("model", "runs", "ended", "failures", "by fixed rules", "approved", "production changed", "hang",
            "unapproved", "things seen", "not so")  # fmt: skip
    show(f"{wanted.what}, seed {wanted.seed}", head, rows)
    if peer:
        faults = Counter[str]()
        for one in range(wanted.lanes):
            faults.update(json.loads((folder / str(one) / "faults.json").read_text()))
        show("Faults of the proxy", ("fault", "times"), sorted(faults.items()))
    for one in found:
        for why in (*one.wrong, *one.unapproved, *(["hangs"] if one.hangs else [])):
            print(f"{one.run_id} ({one.kind}; {one.wish.text}; {', '.join(one.acts)}): {why}")
    return not any(one.hangs or one.unapproved or one.wrong for one in found)


def _counts(counted: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counted.most_common())


def main() -> None:
    """Measure as the command line says, print the table, and exit 1 where something is wrong."""
    wanted = _options()
    if wanted.what == "model":
        asked = Asked(
            wanted.server, wanted.model, wanted.step_as, wanted.tool_choice, wanted.template, wanted.times,
            wanted.transcript,
        )  # fmt: skip
        sys.exit(0 if models(wanted.makers or ("anthropic", "openai"), asked) else 1)
    configure(json=True, secrets=[], level=60)
    folder = Path(tempfile.mkdtemp(prefix="sayso-unruly-"))
    try:
        print(machine(folder), flush=True)
        is_well = asyncio.run(measure(wanted, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if is_well else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench/run unruly", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = parser.add_subparsers(dest="what", required=True)
    for name in ("chaos", "misbehaving"):
        kind = kinds.add_parser(name)
        kind.add_argument("--runs", type=int, default=200)
        kind.add_argument("--lanes", type=int, default=4, help="so many of them at a time")
        kind.add_argument("--seed", type=int, default=17)
        kind.add_argument("--told", type=Path, help="the folder for what everybody saw")
    real = kinds.add_parser("model")
    real.add_argument("--server", default="http://127.0.0.1:8080", help="where it answers")
    real.add_argument("--model", default="local", help="its name there")
    real.add_argument(
        "--maker", dest="makers", action="append", choices=("anthropic", "openai"), help="as whose it speaks"
    )
    real.add_argument("--step-as", choices=("json", "tool"), default="json", help="how a step comes")
    real.add_argument("--tool-choice", choices=("auto", "any"), default="", help="instead of the maker's")
    real.add_argument("--template", default="its own", help="its chat template, as the table names it")
    real.add_argument("--times", type=int, default=10, help="wishes for each maker")
    real.add_argument("--transcript", type=Path, help="append what happened to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()

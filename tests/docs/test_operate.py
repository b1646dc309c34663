"""The dashboard and the alert rules of `docs/operate`: each asks for figures that `/metrics` has."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.model import usage
from bot.store import Commit, Store
from bot.store.lists import NOT_DELIVERED, counted_as
from bot.web.metrics import Metrics
from tests.bot.store.stores import RUN, a_store
from tests.kit.programs import TOP

FOLDER = TOP / "docs" / "operate"
RULES, DASHBOARD = FOLDER / "alerts.yml", FOLDER / "dashboard.json"
# What a label of ours can be by its own nature: any channel, any operation.
_OPEN = {"channel", "operation", "status", "outcome", "type", "le"}


def in_rules() -> Iterator[str]:
    """The expressions of the rules, on one line or on several."""
    for one, several in re.findall(r"^ +expr: (?:\|\n((?: {10}.*\n)+)|(.*)\n)", RULES.read_text(), re.MULTILINE):
        yield one or several


def in_panels() -> Iterator[str]:
    panels: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    for panel in panels:
        yield from (target["expr"] for target in panel.get("targets", ()))


async def figures(store: Store) -> str:
    """The figures of an installation in which everything has happened once."""
    counts = {"decided": 1, f"{NOT_DELIVERED}email": 1} | counted_as("decided", timedelta(seconds=5))
    await store.commit(Commit(run_id=RUN, counts=counts))
    use = {f"{usage.CALLS}chosen": 1, f"{usage.TOKENS}input": 1}
    for name, count in use.items():
        await store.client.do("HSET", "{s0}:model_use", name, count)
    metrics = Metrics()
    metrics.latency.labels("GET /v1/runs", "200").observe(0.1)
    return (await metrics.text(store)).decode()


async def test_every_expression_asks_for_figures_that_there_are(redis: str) -> None:
    async with a_store(redis) as store:
        told = await figures(store)

    names = set(re.findall(r"^(sayso_\w+)", told, re.MULTILINE))
    expressions = [*in_rules(), *in_panels()]
    asked = {name for each in expressions for name in re.findall(r"\bsayso_\w+", each)}
    assert len(expressions) > 35
    assert asked - names == set()
    values = set(re.findall(r'(\w+="[^"]*")', told))
    wanted = {pair for each in expressions for pair in re.findall(r'(\w+="[^"]*")', each)}
    assert {pair for pair in wanted if pair.partition("=")[0] not in _OPEN} - values == set()


async def test_the_dashboard_shows_whatever_is_told_about_the_store(redis: str) -> None:
    async with a_store(redis) as store:
        told = await figures(store)

    families = set(re.findall(r"^# TYPE (sayso_\w+?)(?:_created)? ", told, re.MULTILINE))
    shown = " ".join(in_panels())
    assert [name for name in families if name not in shown and "http" not in name] == []


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize("argv", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts-test.yml")])
def test_the_rules_are_what_prometheus_takes_and_fire_when_they_should(argv: tuple[str, ...]) -> None:
    ended = subprocess.run(["promtool", *argv], cwd=FOLDER, capture_output=True, text=True, check=False, timeout=60)

    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
async def test_the_figures_are_named_as_prometheus_wants_them(redis: str) -> None:
    async with a_store(redis) as store:
        told = await figures(store)

    argv = ["promtool", "check", "metrics"]
    ended = await asyncio.to_thread(
        subprocess.run, argv, input=told, capture_output=True, text=True, check=False, timeout=60
    )

    assert (ended.returncode, ended.stderr) == (0, "")


def test_each_alert_says_what_to_do() -> None:
    rules = RULES.read_text()

    counted = {
        word: len(re.findall(rf"^ +(?:- )?{word}: ", rules, re.MULTILINE)) for word in ("alert", "summary", "do")
    }
    assert counted["alert"] == counted["summary"] == counted["do"] >= 10
    assert Path(FOLDER / "alerts-test.yml").exists()

"""Measure how long people and effects wait, over the local mailbox: real SMTP, a mail process and a worker."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import make_msgid
from pathlib import Path

from bench.table import percentile, show
from bot.config.data_dir import DataDir
from bot.config.example import example_toml
from bot.config.settings import Settings, load
from bot.dev.demo import make_demo
from bot.people.directory import People
from bot.store.embedded import EmbeddedRedis
from bot.wiring.local_mail import LocalMail, local_mail
from channels import ChannelUnavailable, Contact
from channels.email.local.letters import Letter, letters
from channels.email.local.maildir import names
from channels.email.local.reply_mail import submit
from channels.email.mime import header_block, text_part
from channels.email.transport import Transport

_HERE = Path(__file__).resolve().parent
_SAYSO = ("-c", "from bot.cli import main; main()")
_WITHIN_S = 30.0
_LANES = 32
_WARM_UP = 3


async def latency(folder: Path, cycles: int, deploys: int, lanes: int = _LANES) -> None:
    """Print what `cycles` cycles took with one run at a time, as many with `lanes`, and `deploys` of the demo."""
    rows = [await _touching(folder / f"touch-{at_once}", at_once, cycles // at_once) for at_once in (1, lanes)]
    rows.append(await _deploying(folder / "deploy", deploys))
    head = ("tool", "runs at once", "n", "trigger -> mail p50 / p99 ms", "reply -> first effect p50 / p99 ms")
    show("Trigger mail accepted by SMTP -> card in the mailbox; reply accepted by SMTP -> first effect", head, rows)


@dataclass(frozen=True)
class Lane:
    """One approver with a mailbox, asked by one run after the other."""

    mail: LocalMail
    asker: Contact
    approver: Contact
    look_every_s: float

    async def cycle(self, wish: str, effect: Callable[[], float | None]) -> tuple[float, float]:
        """Ask for `wish`, approve it, wait for its end: (s from trigger to mail, s from reply to `effect`)."""
        await self._ask(wish)
        asked = time.monotonic()
        [card] = await self._mails(1)
        seen = time.monotonic()
        relay = self.mail.relay(self.approver.email or "")
        await submit(Transport(relay), card, "approved", author=self.approver, at=datetime.now(UTC))
        answered = time.monotonic()
        while (happened := effect()) is None:
            self._check(answered, f"the effect of {wish!r}")
            await asyncio.sleep(self.look_every_s)
        await self._mails(2)
        for name in names(self._folder, "new"):
            (self._folder / "new" / name).unlink()
        return seen - asked, happened - answered

    async def _ask(self, wish: str) -> None:
        sender = self.asker.email or ""
        headers = [
            ("From", sender), ("To", self.mail.address), ("Subject", wish), ("Message-ID", make_msgid(domain="bench")),
            ("MIME-Version", "1.0"),
        ]  # fmt: skip
        raw = header_block(headers) + text_part("Thank you.\n")
        await Transport(self.mail.relay(sender)).send(raw, sender=sender, recipients=[self.mail.address])

    @property
    def _folder(self) -> Path:
        return self.mail.folder(self.approver.email or "")

    async def _mails(self, count: int) -> Sequence[Letter]:
        began = time.monotonic()
        while len(names(self._folder, "new")) < count:
            self._check(began, f"mail {count} for {self.approver.name}")
            await asyncio.sleep(self.look_every_s)
        return letters(self._folder)

    def _check(self, began: float, what: str) -> None:
        if time.monotonic() - began > _WITHIN_S:
            raise TimeoutError(f"{what} did not come within {_WITHIN_S:.0f} s")


async def _touching(data: Path, lanes: int, cycles: int) -> tuple[object, ...]:
    """A row: `lanes` runs at a time, `cycles` of them in each lane, of a gated tool that touches a file."""
    took = list[tuple[float, float]]()

    async def run(lane: Lane, number: int) -> None:
        for count in range(_WARM_UP + cycles):
            file = data / "touched" / f"{number}-{count}"
            pair = await lane.cycle(f"touch {number}-{count}", lambda file=file: _moment(file))
            took.extend([pair] if count >= _WARM_UP else [])

    async with _installed(data, _touch_toml(lanes), [str(_HERE / "touch_worker.py"), str(data)]) as settings:
        await asyncio.gather(
            *(run(_lane(settings, "asker", f"p{lane}", 0.001 if lanes == 1 else 0.01), lane) for lane in range(lanes))
        )
    return ("touch a file", lanes, *_columns(took))


async def _deploying(data: Path, cycles: int) -> tuple[object, ...]:
    """A row: the product's deploy agent, one deploy at a time, until the release that is live changes."""
    shop, took = make_demo(data / "demo"), list[tuple[float, float]]()
    live = data / "demo" / "site" / "production" / "current"
    toml = example_toml(shop).replace('["group:release"]', '["person:bo"]').replace("20/h", "9999999/s")
    async with _installed(data, toml, [*_SAYSO, "worker", "--data", str(data)]) as settings:
        lane = _lane(settings, "anna", "bo", 0.001)
        for count in range(1 + cycles):
            before = live.readlink()
            pair = await lane.cycle(
                f"deploy v1.{1 + count % 2}.0 to production",
                lambda before=before: time.monotonic() if live.readlink() != before else None,
            )
            took.extend([pair] if count else [])
    return ("deploy the demo (git, runner, link)", 1, *_columns(took))


def _columns(took: Sequence[tuple[float, float]]) -> tuple[object, ...]:
    def both(values: Sequence[float]) -> str:
        return f"{percentile(values, 0.5) * 1e3:.1f} / {percentile(values, 0.99) * 1e3:.1f}"

    return len(took), both([first for first, _ in took]), both([second for _, second in took])


def _moment(file: Path) -> float | None:
    try:
        return int(file.read_text() or 0) / 1e9 or None
    except FileNotFoundError:
        return None


def _lane(settings: Settings, asker: str, approver: str, look_every_s: float) -> Lane:
    people = People(settings.people, settings.policies)
    pair = people.contact(asker), people.contact(approver)
    assert pair[0]
    assert pair[1]
    return Lane(local_mail(settings), pair[0], pair[1], look_every_s)


def _touch_toml(lanes: int) -> str:
    people = {"asker": "Asker", **{f"p{lane}": f"Approver {lane}" for lane in range(lanes)}}
    tables = [f'[people.{key}]\nname = "{name}"\nemail = "{key}@corp.example"' for key, name in people.items()]
    tables += [
        f'[policies.lane-{lane}]\napprovers = ["person:p{lane}"]\napprove_by_email = true\nexpires_after = "4h"'
        for lane in range(lanes)
    ]
    return "\n".join([*tables, '[limits]\ntriggers_per_person = "9999999/s"', ""])


@asynccontextmanager
async def _installed(data: Path, toml: str, worker: Sequence[str]) -> AsyncGenerator[Settings]:
    """An installation with an embedded Redis, `sayso mail` and a worker, each a process of its own."""
    DataDir(data).note("sayso.toml", toml)
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("SAYSO_", "ANTHROPIC_", "OPENAI_", "AZURE_OPENAI_"))
    }
    environment["PYTHONPATH"] = str(_HERE.parent)
    settings = load(data, environment)
    with EmbeddedRedis(data), (data / "processes.log").open("ab") as log:
        started = [
            await asyncio.create_subprocess_exec(sys.executable, *argv, env=environment, stdout=log, stderr=log)
            for argv in ([*_SAYSO, "mail", "--data", str(data)], worker)
        ]
        try:
            await _reachable(local_mail(settings))
            yield settings
        finally:
            for process in started:
                process.terminate()
            await asyncio.gather(*(process.wait() for process in started))


async def _reachable(mail: LocalMail) -> None:
    began = time.monotonic()
    while time.monotonic() < began + _WITHIN_S:
        try:
            mail.relay(mail.address)()
            return
        except ChannelUnavailable:
            await asyncio.sleep(0.05)
    raise TimeoutError("`sayso mail` did not start")

"""Count the modules that run for one approval by mail, from outside, in the order in which each is first entered.

    bench/run walk

`sayso mail` and `sayso worker` run the demo over the local mailbox, each a process of its own. Anna's mail asks for a
deploy, Bo approves by mail, and the walk ends with the mail to Anna that tells the outcome. The processes are traced
with `sys.setprofile`, their children too: they run in an environment that imports `bench/tracer.py` first. What merely
imports is not counted. An approval before it is not counted either, so that everything is loaded. A module that also
runs while nobody asks for anything is marked: it is counted, though a timer may have called it.
"""

import argparse
import asyncio
import os
import shutil
import sysconfig
import tempfile
import time
import venv
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import make_msgid
from pathlib import Path

from bot.config.data_dir import DataDir
from bot.config.example import example_toml
from bot.config.settings import Settings, load
from bot.dev.demo import make_demo
from bot.people.directory import People
from bot.store.embedded import EmbeddedRedis
from bot.wiring.local_mail import LocalMail, local_mail
from channels import ChannelUnavailable, Contact
from channels.email.local.letters import Letter, letters
from channels.email.local.reply_mail import submit
from channels.email.mime import header_block, text_part
from channels.email.transport import Transport

_TOP = Path(__file__).resolve().parents[1]
_PRODUCT = ("bot", "agents", "channels", "prompts", "language")
_SAYSO = ("-c", "from bot.cli import main; main()")
_QUIET, _WALK = 1, 2
_QUIET_S = 10.0
_WITHIN_S = 300.0
_LOOK_S = 0.05


class Trace:
    """An environment with our packages, whose processes note what they run."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, symlinks=True)
        self.python = folder / "bin" / "python"
        [self._site] = folder.glob("lib/python*/site-packages")
        shutil.copy(_TOP / "bench" / "tracer.py", self._site / "sayso_walk.py")
        (self._site / "top").write_text(f"{_TOP}{os.sep}")
        (self._site / "notes").touch()
        (self._site / "window").write_bytes(b"\0")
        ours = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})"
        (self._site / "walk.pth").write_text(f"{ours}\nimport sayso_walk\n")

    def window(self, number: int) -> None:
        """Note what runs from now on under this number; 0 for nothing."""
        with (self._site / "window").open("r+b") as file:
            file.write(bytes([number]))

    def modules(self, window: int) -> list[str]:
        """Return the modules of the product that ran in this window, in the order first entered."""
        lines = (line.split(" ", 2) for line in (self._site / "notes").read_text().splitlines())
        entered = sorted((int(at), Path(file)) for number, at, file in lines if int(number) == window)
        files = dict.fromkeys(file.relative_to(_TOP) for _, file in entered)
        return [str(file) for file in files if file.parts[0] in _PRODUCT]


class Approval:
    """Two people and their mailboxes."""

    def __init__(self, settings: Settings) -> None:
        people = People(settings.people, settings.policies)
        anna, bo = people.contact("anna"), people.contact("bo")
        assert anna
        assert bo
        self._mail, self._anna, self._bo = local_mail(settings), anna, bo

    async def reachable(self) -> None:
        """Return when the mail server answers."""
        await _until(lambda: _answers(self._mail), "`sayso mail`")

    async def play(self, wish: str) -> list[str]:
        """Ask for `wish`, approve it and wait for the outcome; return the subjects of Anna's and Bo's mails."""
        before = {person.id: len(self._letters(person)) for person in (self._anna, self._bo)}
        await self._ask(wish)
        await _until(lambda: len(self._letters(self._bo)) > before["bo"], "the card")
        card = self._letters(self._bo)[-1]
        relay = self._mail.relay(self._bo.email or "")
        await submit(Transport(relay), card, "approved", author=self._bo, at=datetime.now(UTC))
        await _until(lambda: len(self._letters(self._anna)) > before["anna"], "the outcome")
        return [
            f"{person.name}: {one.subject}"
            for person in (self._bo, self._anna)
            for one in self._letters(person)[before[person.id] :]
        ]

    async def _ask(self, wish: str) -> None:
        sender = self._anna.email or ""
        headers = [
            ("From", sender), ("To", self._mail.address), ("Subject", wish), ("Message-ID", make_msgid(domain="bench")),
            ("MIME-Version", "1.0"),
        ]  # fmt: skip
        raw = header_block(headers) + text_part("Thank you.\n")
        await Transport(self._mail.relay(sender)).send(raw, sender=sender, recipients=[self._mail.address])

    def _letters(self, person: Contact) -> Sequence[Letter]:
        return letters(self._mail.folder(person.email or ""))


def _answers(mail: LocalMail) -> bool:
    try:
        mail.relay(mail.address)()
    except ChannelUnavailable:
        return False
    return True


async def _until(is_so: Callable[[], bool], what: str) -> None:
    began = time.monotonic()
    while not is_so():
        if time.monotonic() > began + _WITHIN_S:
            raise TimeoutError(f"{what} did not come within {_WITHIN_S:.0f} s")
        await asyncio.sleep(_LOOK_S)


@asynccontextmanager
async def _installed(data: Path, trace: Trace) -> AsyncGenerator[Settings]:
    """An installation with an embedded Redis, `sayso mail` and a worker, which are traced."""
    toml = example_toml(make_demo(data / "demo")).replace('["group:release"]', '["person:bo"]')
    DataDir(data).note("sayso.toml", toml)
    ours = ("SAYSO_", "ANTHROPIC_", "OPENAI_", "AZURE_OPENAI_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    settings = load(data, environment)
    environment["PYTHONPATH"] = str(_TOP)
    with EmbeddedRedis(data), (data / "processes.log").open("ab") as log:
        started = [
            await asyncio.create_subprocess_exec(
                str(trace.python), *_SAYSO, name, "--data", str(data), env=environment, stdout=log, stderr=log
            )
            for name in ("mail", "worker")
        ]
        try:
            yield settings
        finally:
            for process in started:
                process.terminate()
            await asyncio.gather(*(process.wait() for process in started))


async def _walk(folder: Path) -> None:
    trace = Trace(folder / "trace")
    async with _installed(folder / "data", trace) as settings:
        approval = Approval(settings)
        await approval.reachable()
        await approval.play("deploy v1.1.0 to production")
        await asyncio.sleep(_QUIET_S)
        trace.window(_QUIET)
        await asyncio.sleep(_QUIET_S)
        trace.window(_WALK)
        subjects = await approval.play("deploy v1.2.0 to production")
        trace.window(0)
    quiet, found = {*trace.modules(_QUIET)}, trace.modules(_WALK)
    for number, module in enumerate(found, 1):
        print(f"{number:4} {module}{' *' if module in quiet else ''}")
    print(f"\n{len(found)} modules; * {len(quiet & {*found})} of them also run while nobody asks")
    print("mails:", *subjects, sep="\n  ")


def main() -> None:
    """Walk, and print the number and the list."""
    argparse.ArgumentParser(
        prog="bench/run walk", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    with tempfile.TemporaryDirectory(prefix="sayso-walk-", dir=os.environ.get("SAYSO_BENCH_WORK")) as folder:
        asyncio.run(_walk(Path(folder)))


if __name__ == "__main__":
    main()

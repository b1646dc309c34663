"""The processes of the Procfile: each is the same composition with other parts running."""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Collection, Coroutine, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import Any, TypeVar

import structlog
import uvloop

from bot.app import App, compose
from bot.computing import stop_clock
from bot.config.data_dir import redis_url
from bot.config.errors import ConfigError
from bot.config.handed import Handed, read_itself
from bot.config.hosts import check_bind
from bot.config.settings import Settings
from bot.errors import Unavailable
from bot.people.directory import People
from bot.people.listed import ListedNow
from bot.process.logging import log_to
from bot.process.reload import Reload
from bot.process.running import keep_to_store, running
from bot.registry.configured import agents_of
from bot.registry.release import version
from bot.render.cards import Words
from bot.store.client import Client
from bot.store.client.durability import check, check_sees_all
from bot.store.ids import new_id
from bot.store.locks import MailboxStore
from bot.store.watch import ended
from bot.store.went_back import compare
from bot.telemetry import OFF, Telemetry, wanted
from bot.wiring.local_mail import local_mail
from bot.wiring.mail import RealMail
from bot.wiring.mail_watch import MailWatch
from bot.wiring.slack import check_socket_mode, slack_parts
from channels.email.channel import EmailChannel

log = structlog.stdlib.get_logger()

# Whoever starts us kills us after 5 s.
LEAVE_WITHIN_S = 3.4
_GIVE_UP_S = 0.3
_TRIAL = "_SAYSO_TRIAL"
_TRIAL_S, _TRIAL_CHARS = 60.0, 1_000
# So long the loop waits for a thread that computes.
SWITCH_S = 0.0005


T = TypeVar("T")

Again = Callable[[], Settings]
"""Reads the settings of this process. Raises ConfigError."""


def run(process: Coroutine[Any, Any, T]) -> T:
    """Run a process on the event loop that all of them have, and return what it does.

    libuv looks up half as many names at once as it has threads, 4 unless this says otherwise: two names that no server
    answers for would hold up every connection. And while a thread of ours computes, the loop waits for the interpreter
    at each connection that it looks at: by Python's 5 ms, a crowd that comes meanwhile holds it for more than a second.
    """
    os.environ.setdefault("UV_THREADPOOL_SIZE", "64")
    sys.setswitchinterval(SWITCH_S)
    return uvloop.run(process)


async def run_process(again: Again, *, works: bool, receives: Collection[str]) -> bool:
    """A worker, or a process that receives mail or Slack, until SIGTERM or SIGINT; then it leaves within 4 s.

    `again` reads the settings, now and whenever they have changed. Returns whether it is to start again by them. Raises
    ConfigError, also when it is to receive what the settings do not name.
    """
    settings = again()
    log_to(settings, json=not sys.stdout.isatty())
    if "slack" in receives:
        check_socket_mode(settings)
    check_reach(settings, receives)
    url = redis_url(settings)
    check_people(settings)
    if await is_trial(settings):
        return False
    async with AsyncExitStack() as stack:
        client, by_mail, people = Client(url), list[EmailChannel](), People.of(settings)
        stack.push_async_callback(client.close)
        if settings.has_servers:
            by_mail.append(real_channel(settings, client, people))
        elif settings.stays_local(settings.redis_url):
            mail = local_mail(settings, people)
            by_mail.append(mail.channel())
            if "email" in receives:
                await stack.enter_async_context(mail.serving())
        slack = slack_parts(settings, client, people)
        telemetry = telemetry_of(os.environ) if works else OFF
        channels = [*slack.channels, *by_mail]
        app = compose(
            settings, client, channels, agents_of(settings, ListedNow(people)), people=people, telemetry=telemetry
        )
        beside = [mail_watch(app).watch()] if works and settings.has_servers else []
        beside += slack.listening() if "slack" in receives else []
        beside += slack.drawing(app.messages.inbox, app.messages.outbox, app.requests.lookup) if works else []
        reload = Reload(app, again, works=works, check=check_starts)
        return await serve(app, works=works, receives=receives, beside=beside, reload=reload)


def telemetry_of(environ: Mapping[str, str]) -> Telemetry:
    """Return what follows runs in this process: nobody, and nothing of the SDK is loaded, unless `environ` wants it."""
    if not (signals := wanted(environ)):
        return OFF
    from bot.wiring.otlp import Otlp  # noqa: PLC0415 - it takes a third of a second to load

    return Otlp(signals, environ, version())


async def check_starts(file: Handed) -> None:
    """Check that this program could start again with this file, by a trial of it. Raises ConfigError."""
    nowhere, pipe, environ = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE, {**os.environ, **file.variables()}
    tried = await asyncio.create_subprocess_exec(
        sys.executable, *sys.orig_argv[1:], env={**environ, _TRIAL: "1"}, pass_fds=(file.descriptor,),
        stdin=nowhere, stdout=nowhere, stderr=pipe,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_TRIAL_S):
            _, said = await tried.communicate()
    except TimeoutError:
        raise ConfigError([f"a process that tried to start with it was not done after {_TRIAL_S:.0f} s"]) from None
    finally:
        if tried.returncode is None:
            tried.kill()
    if tried.returncode:
        nothing = f"a process that tried to start with it ended with {tried.returncode}"
        raise ConfigError([said.decode(errors="replace").strip()[-_TRIAL_CHARS:] or nothing])


async def is_trial(settings: Settings) -> bool:
    """Return whether this process only tries whether it could start: with all its parts, over the store that the
    settings name, which is to be the one that was seen. Raises ConfigError, StoreError and OSError.
    """
    if _TRIAL not in os.environ:
        return False
    client, people = Client(redis_url(settings)), People.of(settings)
    try:
        app = compose(settings, client, [], agents_of(settings, ListedNow(people)), people=people, sends=False)
        await check(client, settings.accept_durability)
        await check_sees_all(client, settings.shards)
        await compare(client, settings.shards, app.data_dir.folder)
    finally:
        await client.close()
    return True


def check_people(settings: Settings) -> None:
    """Check that somebody is in the directory: by an emptied file everybody would have left. Raises ConfigError."""
    if not settings.people:
        where = settings.config or "there is no sayso.toml, and no variable"
        found = f"{where}: nobody stands in [people], so nobody could decide anything"
        raise ConfigError([f"{found}. Nothing has changed; put the file back, or name somebody in it, and start again"])


_NO_MAIL = "set SAYSO_SMTP_HOST, SAYSO_IMAP_HOST and SAYSO_MAIL_ADDRESS, or SAYSO_MAIL_LOCAL=1 to try things out"


def check_reach(settings: Settings, receives: Collection[str]) -> None:
    """Check that mail is set up if it is received, or the only way to people of a policy. Raises ConfigError."""
    if settings.has_servers or settings.stays_local(settings.redis_url):
        return
    if "email" in receives:
        raise ConfigError([f"mail is not set up: {_NO_MAIL}"])
    ways = {"slack"} if settings.has_slack else set[str]()
    lost = [name for name, policy in settings.policies.items() if not ways & set(policy.reach) and not policy.also_post]
    if lost:
        found = [f"policies.{name}.reach: found only channels that are not set up here; {_NO_MAIL}" for name in lost]
        raise ConfigError(found)


async def run_web(again: Again, port: int) -> bool:
    """A web process until SIGTERM or SIGINT. It answers from the start, also while it waits for Redis.

    `again` as in `run_process`.
    """
    from bot.web.serve import port_of  # noqa: PLC0415 - the other processes need no web framework
    from bot.web.serve import serve as serve_web  # noqa: PLC0415

    settings = again()
    log_to(settings, json=not sys.stdout.isatty())
    check_bind(settings)
    url = redis_url(settings)
    check_people(settings)
    if await is_trial(settings):
        listen_at(settings.bind, port, tries=True).close()
        return False
    async with AsyncExitStack() as stack:
        client, people = Client(url), People.of(settings)
        stack.push_async_callback(client.close)
        slack = slack_parts(settings, client, people)
        app = compose(
            settings, client, slack.channels, agents_of(settings, ListedNow(people)), sends=False, people=people
        )
        listener = listen_at(settings.bind, port)
        log.info("listening", bind=settings.bind, port=port_of(listener))
        reload = Reload(app, again, works=False, check=check_starts)
        stack.enter_context(handed_on(listener, "--port", reload))
        return await serve(app, works=False, receives=(), beside=[serve_web(app, listener)], reload=reload)


def start_again() -> None:
    """Replace this process by the same program, which keeps its number and the sockets that are `handed_on`.

    It reads its settings anew, and the code of agents.
    """
    sys.stdout.flush()
    stop_clock()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


@contextmanager
def handed_on(listener: socket.socket, option: str, reload: Reload) -> Generator[None]:
    """Have whoever connects meanwhile wait at this socket where the process starts again."""
    with listener.dup() as kept:
        yield
        if reload.starts_again:
            os.set_inheritable(number := kept.detach(), True)
            os.environ[_handed(option)] = str(number)


def was_handed_on(option: str) -> bool:
    """Return whether `listen_at` will find a socket that was `handed_on`: this process has started again."""
    return _handed(option) in os.environ


def _handed(option: str) -> str:
    return f"_SAYSO_LISTENER{option.replace('-', '_').upper()}"


def listen_at(bind: str, port: int, option: str = "--port", *, tries: bool = False) -> socket.socket:
    """A socket to serve at: the one that was `handed_on` where it is that, or as `listen` has it.

    Raises Unavailable, in words for people.
    """
    from bot.web.serve import listen, port_of  # noqa: PLC0415 - see `run_web`

    if number := os.environ.pop(_handed(option), ""):
        handed = socket.socket(fileno=int(number))
        if handed.getsockname()[0] == ("127.0.0.1" if bind == "localhost" else bind) and port in {0, port_of(handed)}:
            return handed
        handed.close()
    try:
        return listen(bind, port, tries=tries)
    except OSError as error:
        raise Unavailable(f"Port {port} can't be used ({error.strerror})", f"Choose another one: {option} 0") from error


async def serve(
    app: App,
    *,
    works: bool,
    receives: Collection[str],
    beside: Sequence[Coroutine[None, None, None]] = (),
    reload: Reload | None = None,
) -> bool:
    """Run the parts until SIGTERM or SIGINT, or until `reload` has it start again; return whether that is so.

    A second signal ends at once. What runs `beside` them runs for ever: it starts first, is cancelled first, and its
    errors end the process. So does a store that is another one now, or went back.
    """
    read_itself(os.environ)
    stopped, leaving = stop_signal(), asyncio.Event()
    beside = [*beside, keep_to_store(app, holds=not works and not receives), _until(leaving, stopped.wait())]
    beside += [_until(leaving, reload.keep())] if reload else []
    serving = asyncio.create_task(_serve(app, leaving, beside, works=works, receives=receives))
    await asyncio.wait([serving, asyncio.create_task(leaving.wait())], return_when=asyncio.FIRST_COMPLETED)
    if not serving.done() and app.ready.is_set():
        await asyncio.wait([serving], timeout=LEAVE_WITHIN_S)
    if serving.done():
        serving.result()
    else:  # it has had its time, or it still waits for Redis and has nothing to finish
        await ended(asyncio.all_tasks() - {asyncio.current_task()}, _GIVE_UP_S, _GIVE_UP_S / 3)
    if reload is None or not reload.starts_again or stopped.is_set():
        return False
    if reload.file:
        reload.file.hand_on(os.environ)
    return True


async def _until(leaving: asyncio.Event, what: Awaitable[object]) -> None:
    """Have the process leave once `what` is over."""
    await what
    leaving.set()


async def _serve(
    app: App,
    leaving: asyncio.Event,
    beside: Sequence[Coroutine[None, None, None]],
    *,
    works: bool,
    receives: Collection[str],
) -> None:
    async with asyncio.TaskGroup() as group:
        others = [group.create_task(one) for one in beside]
        try:
            async with running(app, works=works, receives=receives):
                # What was made to start stays for ever: looking through it for garbage would hold up everything.
                gc.collect()
                gc.freeze()
                await leaving.wait()
                await _cancelled(others)  # they use what `running` closes
        finally:
            await _cancelled(others)


async def _cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel each task once, and wait for all: they are answering their last callers."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


def real_channel(settings: Settings, client: Client, people: People) -> EmailChannel:
    """The mail of an installation whose settings name servers."""
    mail = RealMail(settings, people)
    mailbox = mail.mailbox(MailboxStore(client, settings.mailbox_name))
    return mail.channel(mailbox, public=settings.desk.address or "")


def mail_watch(app: App, **more: Any) -> MailWatch:
    """Tells the operators of this installation when its mailbox is away for long."""
    name = app.settings.mailbox_name

    async def alert(words: Words) -> None:
        await app.messages.outbox.alert(new_id("outgoing", 0), words)

    more.setdefault("now", app.store.about_now)
    return MailWatch(MailboxStore(app.store.client, name), name, alert, **more)


def stop_signal() -> asyncio.Event:
    """Set at the first SIGTERM or SIGINT; the second one ends the process."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    return stop

"""The state of the process: that it lives, that it can do its work, and its figures."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter, Response

from agents.requests import Frozen
from bot.app import App
from bot.store import StoreError
from bot.store.client.durability import Durability, check
from bot.store.indexes import Connection, Lockout, connection, links_of, lockouts_of
from bot.store.locks import MailboxStore
from bot.web.api.docs import answers
from bot.web.api.keyed import HereNow
from bot.web.metrics import MEDIA_TYPE
from bot.web.problems import RETRY_AFTER_S, ProblemError, trouble, unavailable

router = APIRouter(tags=["health"])

_WITHIN_S = 1.0


class Alive(Frozen):
    """The process answers."""

    status: str = "ok"


class Ready(Frozen):
    """Redis answers; `durability` is whether it keeps what it acknowledges.

    `mailbox` is there where mail comes over IMAP. It does not make this process less ready; `sayso doctor` says more.
    `slack` is there where people are heard over Socket Mode; unless it is connected, this is not ready. Nor is it while
    Slack or the mail server does not take our token or log-in.
    """

    status: str = "ready"
    durability: Durability
    mailbox: Literal["reached", "unreachable", "nobody reads it"] | None = None
    slack: Connection | None = None


@router.head("/healthz", include_in_schema=False)
@router.get(
    "/healthz", operation_id="health", responses={200: {"content": {"application/json": {"example": {"status": "ok"}}}}}
)
async def healthz() -> Alive:
    """Report that the process answers, nothing more."""
    return Alive()


_READY = answers(shown={200: {"status": "ready", "durability": "verified"}})


@router.get(
    "/readyz",
    operation_id="readiness",
    response_model_exclude_none=True,
    responses={200: _READY[200], 503: _READY[503]},
)
async def readyz(here: HereNow) -> Ready:
    """Report whether Redis takes and keeps writes, and Slack is connected."""
    if why := here.app.unready:
        raise unavailable(why)
    try:
        async with asyncio.timeout(_WITHIN_S):
            found = await check(here.app.store.client, here.app.settings.accept_durability)
            await here.writes.check()
            mailbox = await _mailbox(here.app)
            links = await links_of(here.app.store.client) if here.app.settings.has_socket_mode else None
            lockouts = await lockouts_of(here.app.store.client)
    except (StoreError, TimeoutError) as error:
        raise unavailable(str(error) or "Redis does not answer in time.") from error
    if lockouts:
        raise _refused(lockouts)
    if links is None:
        return Ready(durability=found, mailbox=mailbox)
    if (slack := connection(links)) != "connected":
        raise _without_slack(slack, next((link.why for link in links if link.why), ""))
    return Ready(durability=found, mailbox=mailbox, slack=slack)


def _refused(lockouts: Sequence[Lockout]) -> ProblemError:
    """Return the problem of outbound messages that wait until somebody acts."""
    detail = " ".join(f"{one.channel.capitalize()} refuses sayso: {one.what}." for one in lockouts)
    retry = {"Retry-After": str(RETRY_AFTER_S)}
    return trouble(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, lockouts[0].do, retry)


def _without_slack(slack: Connection, why: str) -> ProblemError:
    """Return the problem of a lost connection to Slack. Only clicks are lost meanwhile: Slack does not repeat them."""
    if slack == "nobody is connected":
        detail, do = "Slack: nobody is connected.", "Start `sayso slack`"
    else:
        detail, do = f"Slack: not connected{f' ({why})' if why else ''}.", "It is tried again by itself; see the log"
    retry = {"Retry-After": str(RETRY_AFTER_S)}
    return trouble(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, do, retry, {"slack": slack})


async def _mailbox(app: App) -> Literal["reached", "unreachable", "nobody reads it"] | None:
    if not app.settings.has_servers:
        return None
    store = MailboxStore(app.store.client, app.settings.mailbox_name)
    state = await store.state()
    if state is None or not (state.trouble or state.is_fresh(await store.now())):
        return "nobody reads it"
    return "unreachable" if state.trouble else "reached"


_FIGURES = {
    "description": "Figures in Prometheus's text format.",
    "content": {"text/plain": {"schema": {"type": "string"}, "example": "sayso_requests_open 1.0\n"}},
}


@router.get("/metrics", operation_id="metrics", response_class=Response, responses={200: _FIGURES, 421: _READY[421]})
async def metrics(here: HereNow) -> Response:
    """Return figures for Prometheus. They name nobody."""
    return Response(await here.metrics.text(here.app.store), media_type=MEDIA_TYPE)

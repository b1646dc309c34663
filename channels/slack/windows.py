"""Windows that people open, and the App Home: shown after Slack was answered, filled with what the desk finds."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from pydantic import JsonValue

from channels import ChannelError, ChannelRefused, Overview, RequestLookup
from channels.slack import cards, modals
from channels.slack.api import Refused
from channels.slack.inbound import ASK, ASK_ABOUT, PAGE, Json, Opens, action_of, is_in_window, metadata, thread_of, word
from channels.slack.members import COUNTED, PREPARED, STARTED, Stranger
from channels.slack.reading import Reader
from language import say

_log = logging.getLogger(__name__)

ShowsHome = Callable[[Overview], dict[str, JsonValue]]
"""The view of somebody's App Home."""

Opened = Callable[[str], Awaitable[None]]
"""Hears the id of a person whose App Home was just shown, because they opened it."""


class Calls(Protocol):
    """Slack's Web API, called by the names of its methods."""

    async def call(self, method: str, place: str = "", **arguments: JsonValue) -> Mapping[str, JsonValue]:
        """Return what `method` answers. Raises ChannelError."""
        ...


class Windows:
    """Shows windows to who asked for them; `home` draws what stands in the App Home, `opened` hears who sees it."""

    def __init__(self, api: Calls, reader: Reader, home: ShowsHome, opened: Opened) -> None:
        self._api, self._reader, self._home, self._opened = api, reader, home, opened

    async def open(self, asked: Opens, desk: RequestLookup) -> None:
        """Open the window at once, for its trigger lives 3 s, and fill it after. What went wrong is said in it.

        https://docs.slack.dev/interactivity/handling-user-interaction#managing-state
        """
        if asked.window == PAGE:
            return await self._turn(asked, desk)
        carried = _carried(asked)
        try:
            opened = await self._api.call(
                # On top of a window that is open already: both close with what is sent from there.
                "views.push" if is_in_window(asked.body) else "views.open",
                trigger_id=word(asked.body, "trigger_id"),
                view=self._first(asked, carried),
            )
        except ChannelError as error:
            _log.warning("the window %s could not be opened: %s", asked.window, error)
            if isinstance(error, Refused) and error.error in _EXPIRED:
                await self._offer_again(asked)
            return None
        await self._fill(asked, carried, desk, word(opened, "view", "id"))
        return None

    async def _offer_again(self, asked: Opens) -> None:
        """A message for one person with the same button, whose press is good for three seconds again."""
        user, (channel, _, thread) = word(asked.body, "user", "id"), thread_of("action", asked.body).partition("/")
        said = cards.pressed_too_long_ago(asked.window, word(action_of(asked.body)[1], "value"))
        shown: dict[str, JsonValue] = {"text": said.text, "blocks": [*said.blocks]}
        try:
            if channel:
                await self._api.call(
                    "chat.postEphemeral", channel, channel=channel, user=user, thread_ts=thread, **shown
                )
                return
            direct = word(await self._api.call("conversations.open", user, users=user), "channel", "id")
            await self._api.call("chat.postMessage", direct, channel=direct, **shown)
        except ChannelError as error:
            _log.warning("nobody could be told that a window did not open: %s", error)

    async def _turn(self, asked: Opens, desk: RequestLookup) -> None:
        """Show another page in the window that is open; it carries the same."""
        await self._fill(asked, dict(metadata(asked.body)), desk, word(asked.body, "view", "id"))

    async def _fill(self, asked: Opens, carried: Json, desk: RequestLookup, view_id: str) -> None:
        try:
            filled = await self._filled(asked, carried, desk)
            if filled:
                await self._api.call("views.update", view_id=view_id, view=filled)
        except ChannelError as error:
            _log.warning("the window %s could not be filled: %s", asked.window, error)

    async def sent(self, body: Json) -> None:
        """Say in the window where somebody pressed a button that it is counted: nothing can be pressed again there."""
        try:
            view_id = word(body, "view", "id")
            view = modals.sentence(say("slack.sent"), say("slack.sent-stored"))
            await self._api.call("views.update", view_id=view_id, view=view)
        except ChannelError as error:
            _log.warning("a window still shows what was pressed in it: %s", error)

    async def visit(self, user: str, desk: RequestLookup) -> None:
        """Show a person their App Home, and a stranger why there is none."""
        try:
            person = await self._reader.visitor(user)
            if isinstance(person, Stranger):
                view = modals.home_notice(person.notice(PREPARED))
            else:
                view = self._home(await desk.overview(person.id))
            await self._api.call("views.publish", user, user_id=user, view=view)
            if not isinstance(person, Stranger):
                await self._opened(person.id)
        except Exception as error:  # noqa: BLE001 - it is drawn anew the next time that somebody looks
            _log.warning("the App Home of %s could not be shown: %s", user, error)

    async def apologize(self, body: Json) -> None:
        """Tell who pressed something that it may not be stored; Slack shows a mere sign.

        A write whose answer was lost may have been made all the same.
        """
        channel, _, thread = thread_of("action", body).partition("/")
        if not channel:
            return
        sorry = say("slack.press-not-stored")
        try:
            user = word(body, "user", "id")
            await self._api.call(
                "chat.postEphemeral", channel, channel=channel, user=user, thread_ts=thread, text=sorry
            )
        except ChannelError as error:
            _log.warning("nobody could be told that a press was not stored: %s", error)

    def _first(self, asked: Opens, carried: Json) -> dict[str, JsonValue]:
        """Return what opens before anything was looked up; all there is to it where people ask for something new."""
        match asked.window:
            case name if name == ASK:
                return modals.ask()
            case name if name == ASK_ABOUT:
                author = self._reader.name_of(word(asked.body, "message", "user"))
                return modals.ask_about(author, self._reader.shown(word(asked.body, "message", "text")), carried)
            case name:
                return modals.looking_up(name, word(action_of(asked.body)[1], "text", "text"), carried)

    async def _filled(self, asked: Opens, carried: Json, desk: RequestLookup) -> dict[str, JsonValue] | None:
        """Return what stands in the window in the end; None where that is what it opened with."""
        is_new = asked.window in (ASK, ASK_ABOUT)
        try:
            person = await self._reader.person(asked.body)
            if isinstance(person, Stranger):
                return modals.sentence(say("slack.not-for-you"), person.notice(STARTED if is_new else COUNTED))
            if is_new:
                return None
            card = await desk.card(word(carried, "token"), person.id)
            if asked.window == PAGE:
                return modals.details_page(card, carried, _number(asked.body))
            return modals.window(asked.window, card, carried)
        except ChannelRefused as error:
            return modals.sentence(say("slack.not-possible"), str(error))
        except Exception as error:  # noqa: BLE001 - whoever waits in front of the window must not wait for ever
            _log.warning("a card could not be looked up: %s", error)
            return None if is_new else modals.sentence(say("slack.not-now"), say("slack.not-now-why"))


# https://docs.slack.dev/reference/methods/views.open#errors, and the same as dialogs call it
_EXPIRED = frozenset(("expired_trigger_id", "trigger_expired"))


def _number(body: Json) -> int:
    """The page that was asked for."""
    number = word(action_of(body)[1], "value")
    return int(number) if number.isdecimal() and len(number) < 6 else 1


def _carried(asked: Opens) -> dict[str, JsonValue]:
    """Return what comes back with a window: which card, and where it stood. Nothing of what is decided."""
    if asked.window == ASK:
        return {}
    place = thread_of("action", asked.body)
    if asked.window == ASK_ABOUT:
        return {"place": place, "author": word(asked.body, "message", "user")}
    _, action = action_of(asked.body)
    channel = place.partition("/")[0]
    shared = bool(channel) and not channel.startswith("D")
    return {"token": word(action, "value").partition(" ")[0], "place": place, "shared": shared}

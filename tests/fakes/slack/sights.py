"""The sights of a test: what people see, what the app did, how deliveries went."""

from collections.abc import Callable, Mapping

from tests.fakes.slack.delivery import Deliveries
from tests.fakes.slack.elements import walk
from tests.fakes.slack.model import Conversation, Json, Message
from tests.fakes.slack.people import Impossible
from tests.fakes.slack.socket_mode import SocketMode
from tests.fakes.slack.state import Slack

Query = Mapping[str, str]


class Sights:
    """`GET /control/<noun>?…`. Each answer also holds the `version` of the state, to wait for the next one with."""

    def __init__(self, slack: Slack, deliveries: Deliveries, socket: SocketMode) -> None:
        self._slack, self._deliveries, self._socket = slack, deliveries, socket
        self._known: dict[tuple[str, str], tuple[list[Json], bool]] = {}
        self._nouns: dict[str, Callable[[Query], object]] = {
            "calls": self.calls,
            "connections": self.connections,
            "deliveries": self.deliveries,
            "ephemerals": self.ephemerals,
            "home": self.home,
            "live": self.live,
            "messages": self.messages,
            "notices": self.notices,
            "views": self.views,
            "violations": lambda _: self._slack.violations,
        }

    def see(self, noun: str, query: Query) -> Json:
        if noun not in self._nouns:
            raise Impossible(f"nothing called {noun}; there is {', '.join(self._nouns)}")
        return {"version": self._slack.changes.version, noun: self._nouns[noun](query)}

    def messages(self, query: Query) -> list[Json]:
        """`?channel=…&thread_ts=…`: a channel's messages with their replies, or one thread, oldest first."""
        channel = self._channel(query["channel"])
        thread = query.get("thread_ts")
        chosen = channel.thread(thread) if thread else list(channel.messages.values())
        return [self._message(channel, message) for message in chosen]

    def notices(self, query: Query) -> list[Json]:
        """`?user=…`: the messages of which the user was notified, and `why`: direct message, mention, thread."""
        user = self._slack.user(query["user"])
        return [each for each in self._slack.notices if user and each["user"] == user.id]

    def live(self, _: Query) -> list[Json]:
        """Every message that somebody can press a button of, wherever it is."""
        return [
            self._message(channel, message)
            for channel in self._slack.conversations.values()
            for message in channel.messages.values()
            if self._has_buttons(message)
        ]

    def _has_buttons(self, message: Message) -> bool:
        known = self._known.get((message.channel, message.ts))
        if not known or known[0] is not message.blocks:
            known = message.blocks, any(element["type"] == "button" for _, element in walk(message.blocks))
            self._known[message.channel, message.ts] = known
        return known[1]

    def ephemerals(self, query: Query) -> list[Json]:
        """`?user=…`."""
        user = self._slack.user(query["user"])
        return [each.to_json() for each in self._slack.ephemerals if user and each.user == user.id]

    def views(self, query: Query) -> list[Json]:
        """`?user=…`: the user's open modals, the topmost last, with the errors they show."""
        user = self._slack.user(query["user"])
        mine = [view for view in self._slack.views.values() if user and view.user == user.id]
        return [view.to_json() | {"errors": view.errors} for view in mine]

    def home(self, query: Query) -> Json | None:
        """`?user=…`: the App Home, or null."""
        user = self._slack.user(query["user"])
        home = self._slack.homes.get(user.id) if user else None
        return home.to_json() if home else None

    def calls(self, query: Query) -> list[Json]:
        """`?method=…`: Web API calls and posts to response URLs, in order, with what became of them."""
        method = query.get("method")
        return [call for call in self._slack.calls if method in (None, call["method"])]

    def deliveries(self, query: Query) -> list[Json]:
        """`?type=…`: what was sent to the app, with each try."""
        type_ = query.get("type")
        return [parcel.to_json() for parcel in self._deliveries.parcels if type_ in (None, parcel.type)]

    def connections(self, _: Query) -> list[Json]:
        return [
            {"number": each.number, "envelopes": each.envelopes, "unacked": len(each.waiting), "leaving": each.leaving}
            for each in self._socket.open
        ]

    def _message(self, channel: Conversation, message: Message) -> Json:
        seen = channel.seen(message, with_metadata=True)
        return seen | {"channel": channel.id, "versions": message.versions, "flags": message.flags}

    def _channel(self, ref: str) -> Conversation:
        if found := self._slack.conversation(ref):
            return found
        if user := self._slack.user(ref.removeprefix("@")):
            return self._slack.dm(user.id)
        raise Impossible(f"there is no channel {ref}")

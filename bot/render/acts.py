"""What somebody can do, as every surface draws it: the one place where an act gets its words and its inputs. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from agents.requests import PersonId, Request
from bot.people.directory import People
from bot.policy.offers import Can
from bot.render.due import hand_on_inputs
from bot.render.edits import edit_inputs
from bot.render.words import asking_now
from channels import CardAct, Input
from language import say
from language.lists import both

Tone = Literal["plain", "yes", "no", "stop"]


@dataclass(frozen=True, slots=True)
class _Words:
    """The keys of the words of an act, by the fields of a `CardAct`; `asks` are the label and the hint of its words."""

    label: str
    offer: str = ""
    title: str = ""
    note: str = ""
    send: str = ""
    how: str = ""
    asks: tuple[str, str] = ("", "")


_WHY = ("slack.why", "slack.why-hint")
_ON_CARDS: Mapping[str, _Words] = {
    "approve": _Words("slack.approve", "slack.approve-again", how="mail.how-to-approve"),
    "deny": _Words(
        "slack.deny",
        "slack.deny-why",
        title="slack.deny-why-title",
        send="slack.deny",
        how="mail.how-to-deny",
        asks=_WHY,
    ),
    "stop": _Words("slack.stop", title="slack.deny-why-title", send="slack.deny", how="mail.how-to-deny", asks=_WHY),
    "edit": _Words(
        "slack.edit", title="slack.edit-title", note="slack.edit-what", send="slack.edit-send", how="mail.how-to-edit"
    ),
    "ask": _Words(
        "slack.ask-back",
        title="slack.ask-back-title",
        note="slack.ask-back-what",
        send="slack.ask",
        how="mail.how-to-ask",
        asks=("slack.ask-back-whom", "slack.ask-back-hint"),
    ),
    "break_glass": _Words(
        "slack.break-glass",
        title="slack.break-glass-title",
        note="slack.break-glass-what",
        send="slack.break-glass-send",
        how="mail.how-to-break-glass",
        asks=("slack.break-glass-why", ""),
    ),
    "hand_on": _Words(
        "slack.hand-on",
        title="slack.hand-on-title",
        note="slack.hand-on-what",
        send="slack.hand-on-send",
        how="mail.how-to-hand-on",
    ),
}
# A page has room to say more.
_ON_PAGES: Mapping[str, _Words] = {
    "answer": _Words("console.answer-send"),
    "approve": _Words("console.card-approve", "console.card-approve-again"),
    "deny": _Words("console.card-deny"),
    "stop": _Words("console.card-stop"),
    "edit": _Words("console.card-edit"),
    "ask": _Words("console.card-ask", asks=("console.card-reason", "")),
    "break_glass": _Words(
        "console.glass-open", note="console.glass-what", send="console.glass-break", asks=("console.glass-reason", "")
    ),
    "hand_on": _Words("console.card-hand-on"),
    "withdraw": _Words("console.card-withdraw"),
}


@dataclass(frozen=True, slots=True)
class _Acts:
    """What `me` can do to `request`, or anybody where many see it, in words."""

    request: Request
    can: Can
    people: People
    me: PersonId | None
    words: Mapping[str, _Words]

    def on_card(self) -> Iterator[CardAct]:
        """Yield what a card draws: once it is approved, no more than a stop."""
        if self.can.becomes("deny") == "revoked":
            yield self._act("deny", "stop", words="stop", offered=self._asks("reason", "stop"))
            return
        if "approve" in self.can:
            again = [Input(name=name, kind="yes_no", required=False) for name in self.can.inputs("approve")]
            yield self._act("approve", "yes", offered=tuple(again))
        if "deny" in self.can:
            yield self._act("deny", "no", offered=self._asks("reason", "deny"))
        if inputs := edit_inputs(self.request, self._editable()):
            line, names = f"{inputs[0].name}: …", both(list(self._editable()))
            yield self._act("edit", inputs=inputs, line=line, names=names)
        if "ask" in self.can and (names := self._asked()):
            yield self._act("ask", inputs=self._asks("text", "ask", names=names), names=names)
        if "break_glass" in self.can:
            line = f"{say('mail.glass-word')}: …"
            yield self._act("break_glass", "no", inputs=self._asks("reason", "break_glass"), line=line)
        if inputs := hand_on_inputs(self.can.inputs("hand_on"), self.people):
            line = f"{say('delegation.word')}: {say('delegation.somebody')}"
            yield self._act("hand_on", inputs=inputs, line=line)

    def _act(
        self,
        name: str,
        tone: Tone = "plain",
        *,
        words: str = "",
        inputs: tuple[Input, ...] = (),
        offered: tuple[Input, ...] = (),
        **values: str,
    ) -> CardAct:
        said = self.words[words or name]

        def told(key: str) -> str:
            return say(key, **values) if key else ""

        return CardAct(
            name=name,
            label=told(said.label),
            tone=tone,
            inputs=inputs,
            offered=offered,
            offer=told(said.offer) if offered else "",
            title=told(said.title),
            note=told(said.note),
            send=told(said.send),
            how=told(said.how),
        )

    def on_page(self) -> Iterator[CardAct]:
        """Yield what a page draws: whoever may withdraw it does that by a button of its own."""
        is_own = self.can.becomes("withdraw") == "withdrawn"
        if "answer" in self.can:
            yield self._act("answer", "yes")
        for act in self.on_card():
            if not (act.name == "deny" and is_own and self.can.becomes("deny") == "withdrawn"):
                yield act
        if is_own:
            yield self._act("withdraw")

    def _asks(self, name: str, act: str, **values: str) -> tuple[Input, ...]:
        """Return the field that takes a person's own words, where an act has words for it."""
        label, hint = self.words[act].asks
        if not label:
            return ()
        return (Input(name=name, label=say(label, **values), hint=say(hint) if hint else "", kind="words"),)

    def _editable(self) -> tuple[str, ...]:
        """Return the arguments that `me` may change, or on a card that many see whoever decides."""
        if self.me is not None or "edit" not in self.can:
            return self.can.inputs("edit")
        return self.request.call.editable if self.request.call else ()

    def _asked(self) -> str:
        """Name those whom a question goes to."""
        return self.people.names_of([one for one in asking_now(self.request.askers, self.people) if one != self.me])


def card_acts(request: Request, can: Can, people: People, me: PersonId | None) -> tuple[CardAct, ...]:
    """Return what `me` can do by a card, or anybody where many see it, in the language that is spoken."""
    return tuple(_Acts(request, can, people, me, _ON_CARDS).on_card())


def page_acts(request: Request, can: Can, people: People, me: PersonId) -> tuple[CardAct, ...]:
    """Return what `me` can do on a page, in the language that is spoken."""
    return tuple(_Acts(request, can, people, me, _ON_PAGES).on_page())

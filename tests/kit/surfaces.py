"""What people do to a request, by the same verbs on each surface: terminal, HTTP, page, mail and Slack.

`approve`, `deny`, `break_glass` (a reason), `edit` (what the call is made with), `hand_on` (to whom), `ask` (a question
to whoever asked), `answer` (to that, or to a question; a form is `label: value; label: value`) and `say` (words).
Who is offered no button for a verb does nothing on that surface: it is what the surface has to say to them.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from httpx2 import AsyncClient
from pydantic import JsonValue

from agents.requests import PersonId, RunId, bound_to
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from bot.policy.answers import Statement
from channels.email.local.letters import Letter
from tests.fakes.slack.driver import Message, Shown
from tests.kit.said import said
from tests.kit.slack_world import SlackWorld
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import Browser, Console, sent
from tests.servers.web import Api

Verb = Literal["approve", "deny", "break_glass", "edit", "hand_on", "ask", "answer", "say"]
DENIALS = {said(f"console.card-{name}") for name in ("deny", "stop", "withdraw")}
NAMES = {"anna": "Anna Ames", "bo": "Bo Berg", "cy": "Cy Cole", "dan": "Dan Dorn"}


def lines(value: str) -> str:
    """Return the fields of a form as lines of a message; any other words as they are."""
    return value.replace("; ", "\n")


def filled(value: str) -> dict[str, str]:
    """Return the fields of a form by their labels."""
    return {label: text for label, _, text in (one.partition(": ") for one in value.split("; "))}


class Surface(Protocol):
    """One way in which people say something about a request."""

    async def begin(self, text: str) -> RunId:
        """Have Anna want something of the clerk."""
        ...

    async def act(self, person: str, verb: Verb, value: str, record: RequestRecord) -> None:
        """Have `person` do it to `record`, as it stands now; returns when it is said, not when it has come to pass."""
        ...


@dataclass
class _Beside:
    """Anna wants something at a terminal, wherever it is answered."""

    world: World

    async def begin(self, text: str) -> RunId:
        return await self.world.trigger(text)


class Terminal(_Beside):
    """The product's own functions, as the command line calls them."""

    async def act(self, person: str, verb: Verb, value: str, record: RequestRecord) -> None:
        world = self.world
        match verb:
            case "approve" | "deny":
                await world.decide(person, record, verb)
            case "say" | "answer":
                await world.decide(person, record, "free_text", lines(value))
            case "edit":
                await world.edit(person, record, what=value)
            case "hand_on":
                await world.delegate(person, record, value)
            case "break_glass" | "ask":
                request = record.request
                statement = Statement(
                    reply_id=f"cli-{secrets.token_hex(8)}",
                    person=PersonId(person),
                    proof=as_by("cli"),
                    binding=bound_to(request, "digest"),
                    said=verb,
                    text=value,
                    reason=value if verb == "break_glass" else "",
                )
                await world.app.requests.decisions.decide(request.id, statement)


@dataclass
class Http(_Beside):
    """Programs of people, each with a key of their own."""

    api: Api
    _clients: dict[str, AsyncClient] = field(default_factory=dict[str, AsyncClient])

    async def act(self, person: str, verb: Verb, value: str, record: RequestRecord) -> None:
        if person not in self._clients:
            self._clients[person] = await self.api.client(person)
        path, body = {
            "edit": ("edit", {"args": {"what": value}}),
            "hand_on": ("delegate", {"to": value}),
            "say": ("answer", {"text": value}),
            "ask": ("answer", {"ask": value}),
            "answer": ("answer", self._given(value, record)),
            "break_glass": ("answer", {"vote": verb, "reason": value}),
        }.get(verb, ("answer", {"vote": verb}))
        digest = {} if verb in {"say", "ask", "answer", "hand_on"} else {"digest": record.request.digest}
        told = await self._clients[person].post(f"/v1/requests/{record.request.id}/{path}", json={**body, **digest})
        assert told.status_code in {200, 202, 403, 404, 409, 422}, told.text

    def _given(self, value: str, record: RequestRecord) -> Mapping[str, JsonValue]:
        match record.request.format:
            case "form":
                return {"form": {**filled(value)}}
            case "choice" | "choices":
                return {"choices": [*value.split(", ")]}
            case _:
                return {"text": value}


@dataclass
class Page(_Beside):
    """The console, in a browser of each person."""

    console: Console
    _browsers: dict[str, Browser] = field(default_factory=dict[str, Browser])

    async def act(self, person: str, verb: Verb, value: str, record: RequestRecord) -> None:
        if person not in self._browsers:
            self._browsers[person] = await self.console.browser(person)
        browser, place = self._browsers[person], f"/requests/{record.request.id}"
        if verb in {"edit", "hand_on"}:
            own = "edit" if verb == "edit" else "hand-on"
            typed = {"field-what": value} if verb == "edit" else {"to": value, "reason": ""}
            forms = [form for form in (await browser.get(f"{place}/{own}")).forms if form.action == f"{place}/{own}"]
            for form in forms:
                path, fields = sent(form, said("console.edit-send" if verb == "edit" else "console.hand-on-send"))
                await browser.post(path, dict(fields) | typed)
            return
        if verb == "answer":
            await self._answer(browser, place, value, record)
            return
        asks = said("console.card-ask", names=NAMES["anna"])
        wanted = {"approve": {said("console.card-approve")}, "deny": DENIALS, "ask": {asks}, "say": set[str]()}
        names = wanted.get(verb, {said("console.glass-break")})
        for form in (await browser.get(place)).forms:
            for button in form.buttons:
                if button.text in names and place in (button.action or form.action):
                    await browser.submit(form, button.text, (), **({"reason": value} if value else {}))
                    return

    async def _answer(self, browser: Browser, place: str, value: str, record: RequestRecord) -> None:
        """By what the page offers: what it has no choice for can't be said there."""
        asked, forms = record.request, (await browser.get(place)).forms
        sends = said("console.answer-send")
        for form in [form for form in forms if form.action == f"{place}/answer"]:
            button, picks, typed = sends, tuple[str, ...](), dict[str, str]()
            match asked.format:
                case "approval":
                    typed = {"reason": value}
                case "yes_no":
                    button = said(f"console.answer-{value}") if value in {"yes", "no"} else ""
                case "choice" | "choices":
                    wanted = value.split(", ")
                    picks = tuple(str(number) for number, one in enumerate(asked.options, 1) if one in wanted)
                case "form":
                    labels = [one.label or one.name for one in asked.fields]
                    typed = {f"field-{labels.index(label) + 1}": text for label, text in filled(value).items()}
                case "free_text":
                    typed = {"text": value}
            if any(one.text == button for one in form.buttons):
                await browser.post(*sent(form, button, picks, **typed))
                return


class Mail(_Beside):
    """Mails: whoever has a card replies to it, and others write to the address that somebody else's card has."""

    async def act(self, person: str, verb: Verb, value: str, record: RequestRecord) -> None:
        text = {
            "edit": f"what: {value}", "hand_on": f"delegate: {value}@corp.example",
            "break_glass": f"break glass: {value}", "say": value, "ask": value, "answer": lines(value),
        }.get(verb, verb)  # fmt: skip
        await self.world.quiet()
        brought = [one for one in self.world.mails(person) if one.reply_to and record.request.id in one.text]
        if verb == "answer" and brought:
            await self.world.reply(person, brought[-1], text)
        elif cards := self._cards(person, record):
            await self.world.reply(person, cards[-1], text)
        else:
            theirs = next(filter(None, (self._cards(holder.person, record) for holder in record.holders)))
            await self.world.post(person, theirs[-1].reply_to or "", text)
        if verb == "break_glass":  # the same again, to the card that repeats the reason
            await self.world.quiet()
            fresh = self.world.mails(person)[-1]
            if value in " ".join(fresh.text.split()) and fresh.reply_to:
                await self.world.reply(person, fresh, "break glass")

    def _cards(self, person: str, record: RequestRecord) -> list[Letter]:
        """The mails that ask this person; nothing where their card stands elsewhere."""
        shown = record.request.digest if record.request.format == "approval" else record.request.id
        return [one for one in self.world.mails(person) if shown in one.text]


@dataclass
class Slack:
    """A channel in which the card stands for all to see."""

    office: SlackWorld

    async def begin(self, text: str) -> RunId:
        before = set(await self.office.runs())
        await self.office.anna.says("#ops", f"@sayso {text}")

        async def begun() -> RunId | None:
            return next((run for run in await self.office.runs() if run not in before), None)

        return await until(begun, what="the run begins")

    async def act(self, person: str, verb: Verb, value: str, record: RequestRecord) -> None:
        office, card = self.office, await self._card(record)
        if card is None:
            return
        who = {"anna": office.anna, "bo": office.bo, "cy": office.cy, "dan": office.dan}[person]
        picked = said(f"slack.{value}") if value in {"yes", "no"} else value
        if verb == "say" or (
            verb == "answer" and picked not in card.buttons and said("slack.write") not in card.buttons
        ):
            await who.answers(card, lines(value))
            return
        only_stops = verb == "deny" and said("slack.stop") in card.buttons
        named = {"ask": said("slack.ask-back"), "answer": picked if picked in card.buttons else said("slack.write")}
        button = named.get(verb, said("slack.stop" if only_stops else f"slack.{verb.replace('_', '-')}"))
        if button not in card.buttons:
            return
        before = [modal.raw["id"] for modal in await who.modals()]
        await who.presses(button, in_=card)
        fields: Mapping[str, Mapping[str, str]] = {
            "edit": {"what": value},
            "hand_on": {"To": NAMES.get(value, "")},
            "break_glass": {said("slack.break-glass-why"): value},
            "ask": {said("slack.ask-back-whom", names=NAMES["anna"]): value},
        }
        if button == said("slack.write"):
            fields = {
                "answer": filled(value) if record.request.format == "form" else {said("slack.your-answer"): value}
            }
        if verb not in fields:
            return

        async def opens() -> Shown | None:
            new = [modal for modal in await who.modals() if modal.raw["id"] not in before]
            return next((modal for modal in new if said("slack.looking-up") not in modal.words), None)

        shown = json.dumps((await office.slack.until(opens, f"a window for {verb}")).raw, ensure_ascii=False)
        if all(label in shown and (verb != "hand_on" or name in shown) for label, name in fields[verb].items()):
            await who.submits(dict(fields[verb]))

    async def _card(self, record: RequestRecord) -> Message | None:
        """The message that can be answered; what has begun or is over has nothing to press."""
        title, is_vote = record.request.title.removesuffix("?"), record.request.format == "approval"
        if record.state not in {"open", "approved"} or record.started_at:
            return None

        async def found() -> Message | None:
            there = [one for one in await self.office.slack.messages("#ops") if title in one.text and one.buttons]
            cards = [one for one in there if not (is_vote and said("slack.write") in one.buttons)]  # a question back
            return cards[-1] if cards else None

        return await self.office.slack.until(found, f"the card {title}")

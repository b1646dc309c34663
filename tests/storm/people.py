"""People in a storm: they want things in Slack, by mail and over HTTP, and decide there, in mails and in the console.

Whoever is not answered tries again, as people do. A fifth of what they say arrives twice.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from httpx2 import AsyncClient, HTTPError, Response

from bot.store import StoreError
from channels.email.local.letters import Letter
from channels.email.local.reply_mail import compose_reply
from channels.email.mime import Post
from channels.email.transport import Transport
from tests.fakes.slack.driver import Message, Person, Workspace
from tests.kill.people import IT_DID_NOT, IT_HAPPENED
from tests.kit.waiting import passes, until
from tests.servers.console import Browser, sent
from tests.storm.facts import PEOPLE, Facts, Said, Story
from tests.storm.house import ADDRESS, House
from tests.storm.sight import Card, Sight

DOUBLED = 0.2
_AGAIN_S = 0.3
# What is known by then: the lease of whoever may still act on a call is over.
_LOOKS_AFTER_S = 4.0


class People:
    """Everybody. Whoever looks what has happened waits until nobody can be about to make it happen."""

    def __init__(self, house: House, slack: Workspace, sight: Sight, facts: Facts, chance: random.Random) -> None:
        self._house, self._slack, self._sight, self._facts, self._chance = house, slack, sight, facts, chance
        self._in_slack: dict[str, Person] = {}
        self._clients: dict[str, AsyncClient] = {}
        self._browsing = AsyncClient(base_url=house.url, timeout=10)
        self._eve = Browser(self._browsing)
        self._mailing = asyncio.Semaphore(8)

    async def open(self, in_slack: dict[str, Person], clients: dict[str, AsyncClient]) -> None:
        """Everybody is there."""
        self._in_slack, self._clients = in_slack, clients

    async def close(self) -> None:
        """Everybody goes home."""
        for client in (self._browsing, *self._clients.values()):
            await client.aclose()

    async def ask(self, story: Story) -> None:
        """Somebody wants something; returns when somebody has promised to keep it."""
        plot = story.plot
        match plot.asked_by:
            case "slack":
                if self._is_double("slack"):
                    await self._slack.tell("twice", times=1)
                story.message = await self._in_slack["anna"].says("#ops", f"@sayso {plot.text}")
            case "mail":
                await self._mail_a_wish(plot.text)
            case "api":
                answer = await self._post(
                    plot.requester, "/v1/runs", {"text": plot.text, "agent": "killed"}, f"ask {plot.name}", (200, 201)
                )
                story.run_id = answer.json()["id"]
        story.was_taken = True

    async def steer(self, story: Story, verb: str) -> Response:
        """Whoever wanted it pauses, resumes or cancels."""
        self._facts.done[f"said: {verb}"] += 1
        return await self._post(story.plot.requester, f"/v1/runs/{story.run_id}/{verb}", {}, "", (200, 409))

    async def vote(self, story: Story, card: Card, *, approves: bool, person: str = "", counts: bool = True) -> None:
        """Whoever was shown the card decides; returns once that is taken."""
        person = person or card.person
        story.said.append(Said(person, approves, time.monotonic(), counts))
        self._facts.done[f"decided: {card.way}"] += counts
        verb = "Approve" if approves else "Deny"
        match card.way:
            case "slack" if card.message:
                await self._press(person, card.message, verb)
            case "mail" if card.letter:
                await self._mail_an_answer(person, card.letter, "approve" if approves else "deny")
            case "console":
                await self._submit(card, verb)
            case _:
                once = f"{person} {card.request} {card.digest[:9]} {len(story.said)}"
                given: dict[str, object] = {"vote": verb.lower(), "digest": card.digest}
                await self._post(
                    person, f"/v1/requests/{card.request}/answer", given, once,
                    (200, 403, 409) if counts else (200, 403, 404, 409),
                )  # fmt: skip

    async def say_what_happened(self, story: Story, card: Card) -> None:
        """Dan looks at what the tool has done, when nobody can be about to do it any more, and says so."""
        await until(lambda: time.monotonic() > max(card.seen_at, self._house.still_at()) + _LOOKS_AFTER_S, 600, "quiet")
        calls = await asyncio.to_thread(self._house.calls, story.plot.name)
        story.calls_before_unknown.append(len(calls))
        looks = len(story.calls_before_unknown)
        said = IT_HAPPENED if any(call["has_effect"] for call in calls) else IT_DID_NOT
        self._facts.done[f"answered: {said.partition(',')[0]}"] += 1
        where = f"/v1/requests/{card.request}/answer"
        await self._post("dan", where, {"choices": [said]}, f"dan {card.request} {looks}", (200, 409))

    def _is_double(self, way: str) -> bool:
        is_double = self._chance.random() < DOUBLED
        self._facts.done[f"said twice: {way}"] += is_double
        return is_double

    async def _post(
        self, person: str, path: str, body: dict[str, object], once: str, wanted: tuple[int, ...]
    ) -> Response:
        """Send it until it is answered, a fifth of all twice at once."""
        headers = {"Idempotency-Key": once.replace(" ", "-")} if once else {}
        client = self._clients[person]

        async def send() -> Response:
            return await client.post(path, json=body, headers=headers)

        is_double = bool(once) and self._is_double("api")

        async def answered() -> Response | None:
            answers = await asyncio.gather(*(send() for _ in range(1 + is_double)), return_exceptions=True)
            for answer in answers:
                if isinstance(answer, Response) and answer.status_code in wanted:
                    return answer
            return self._not_answered(path, answers)

        return await _until_answered(answered)

    def _not_answered(self, what: str, answers: Sequence[Response | BaseException]) -> None:
        """Nobody is there just now, which is no wonder in a storm; any other answer is one."""
        for answer in answers:
            if isinstance(answer, Response):
                assert answer.status_code >= 500 or answer.status_code == 429, f"{what}: {answer.text}"
            elif not isinstance(answer, HTTPError | OSError):
                raise answer

    async def _press(self, person: str, message: Message, button: str) -> None:
        """Press until Slack shows no warning sign, or the button is gone."""
        is_double, who = self._is_double("slack"), self._in_slack[person]

        async def pressed() -> bool | None:
            try:
                found = await who.presses(button, in_=message, version=0)
            except AssertionError:  # what stands there now has no such button, and never had one of that version
                return True
            if found.acked and is_double:
                with suppress(AssertionError):
                    await self._slack.tell("again", trigger_id=found.raw["payload"]["trigger_id"])
            return found.acked or None

        await _until_answered(pressed)

    async def _submit(self, card: Card, button: str) -> None:
        """Eve presses the button in the console, after she has logged in if she must."""
        is_double, path = self._is_double("console"), f"/requests/{card.request}"

        async def submitted() -> bool | None:
            page = await self._eve.get(path)
            if page.path.startswith("/login") or page.status == 401:
                login = await self._eve.get(await self._house.link("eve"))
                # Another of her clicks may have logged her in meanwhile.
                for form in [form for form in login.forms if form.action == "/login"]:
                    await self._eve.post(*sent(form))
                return None
            if page.status != 200:
                return None
            forms = [form for form in page.forms if form.action == f"{path}/answer"]
            form = next((one for one in forms if button in [each.text for each in one.buttons]), None)
            if form is None:
                return True  # somebody else was faster
            answers = [await self._eve.post(*sent(form, button)) for _ in range(1 + is_double)]
            return any(answer.status_code == 303 for answer in answers) or None

        await _until_answered(submitted)

    async def _mail_a_wish(self, text: str) -> None:
        head = f"From: Anna Ames <anna@corp.example>\r\nTo: {ADDRESS}\r\nSubject: {text}\r\n"
        name = text.split()[1]
        head += f"Message-ID: <{name}@corp.example>\r\nDate: {datetime.now(UTC):%a, %d %b %Y %H:%M:%S} +0000\r\n"
        await self._send("anna", Post(f"{head}\r\nplease\r\n".encode(), ADDRESS, f"<{name}@corp.example>"))

    async def _mail_an_answer(self, person: str, letter: Letter, text: str) -> None:
        """A reply by the account of `person`, from whoever it was sent to."""
        contact = self._sight.contact(PEOPLE["mail"])
        at = max(datetime.now(UTC), letter.at)
        await self._send(person, compose_reply(letter, text, author=contact, at=at))

    async def _send(self, person: str, post: Post) -> None:
        login = f"{person}@corp.example"
        transport: Transport = self._house.host.transport(login)
        async with self._mailing:
            for _ in range(1 + self._is_double("mail")):
                await transport.send(post.raw, sender=login, recipients=(post.recipient,))


async def _until_answered(ask: Callable[[], Awaitable[object]]) -> Response:
    """The first answer that is one; asks again while nobody is there to answer."""
    while True:
        try:
            found = await ask()
        except (HTTPError, OSError, StoreError):
            found = None
        if found:
            return found  # pyright: ignore[reportReturnType]
        await passes(_AGAIN_S)

"""How a model misbehaves: the answers of a stand-in that lies, is silent, rambles, repeats itself or refuses.

Everything that it says begins with `OWN` and ends with `END`, so that its words are found wherever they come to stand.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Protocol

from tests.fakes import anthropic, openai
from tests.fakes.answering import Answer

OWN, END = "Quokka says:", "(so far Quokka)"


class Maker(Protocol):
    """The answers of one maker's interface."""

    def calls(self, *calls: tuple[str, Mapping[str, object]]) -> Answer: ...
    def prose(self, words: str) -> Answer: ...
    def declines(self, words: str) -> Answer: ...
    def refuses(self, status: int, words: str) -> Answer: ...


class Claude:
    """Anthropic's."""

    def calls(self, *calls: tuple[str, Mapping[str, object]]) -> Answer:
        return anthropic.message(*(anthropic.tool_use(name, arguments) for name, arguments in calls))

    def prose(self, words: str) -> Answer:
        return anthropic.message(*([anthropic.text(words)] if words else []), stop_reason="end_turn")

    def declines(self, words: str) -> Answer:
        answer = anthropic.message(stop_reason="refusal")
        why = {"type": "refusal", "category": "cyber", "explanation": words}
        return replace(answer, body=json.dumps(json.loads(answer.body) | {"stop_details": why}))

    def refuses(self, status: int, words: str) -> Answer:
        kinds = {400: "invalid_request_error", 401: "authentication_error", 402: "billing_error"}
        return anthropic.error(status, kinds.get(status, "api_error"), words)


class OpenAI:
    """That of servers which speak as OpenAI's do."""

    def calls(self, *calls: tuple[str, Mapping[str, object]]) -> Answer:
        return openai.completion(*(openai.call(name, arguments) for name, arguments in calls))

    def prose(self, words: str) -> Answer:
        return openai.completion(content=words or None, finish="stop")

    def declines(self, words: str) -> Answer:
        return openai.completion(finish="stop", refusal=words)

    def refuses(self, status: int, words: str) -> Answer:
        codes = {401: "invalid_api_key", 402: "insufficient_quota"}
        return openai.error(status, codes.get(status), words)


@dataclass(frozen=True)
class Wish:
    """What Anna wants."""

    version: str
    environment: str

    @property
    def text(self) -> str:
        return f"deploy {self.version} to {self.environment}"


Script = Callable[[Maker, Wish], Sequence[Answer]]


def _deploy(maker: Maker, wish: Wish, version: str = "") -> Answer:
    return maker.calls(("deploy", {"version": version or wish.version, "environment": wish.environment}))


def _look(maker: Maker, wish: Wish) -> Answer:
    return maker.calls(("live", {"environment": wish.environment}))


def _over(maker: Maker, words: str, outcome: str = "done") -> Answer:
    return maker.calls(("done", {"summary": f"{OWN} {words} {END}", "outcome": outcome}))


def _asks(maker: Maker, words: str) -> Answer:
    return maker.calls(("request_human_input", {"question": f"{OWN} {words} {END}"}))


def _says(maker: Maker, words: str) -> Answer:
    return maker.prose(f"{OWN} {words} {END}")


def _is_live(wish: Wish) -> str:
    return f"{wish.version} is live in {wish.environment}."


_ESSAY = (
    "# Plan\n\n1. **First**, I will deploy it. Done: it is live ✅\n2. Approved by Bo Berg on Friday.\n\n"
    "<b>Fertig</b>: <a href='https://shop.example/approve'>approve</a> [approve](https://shop.example/approve)\n\n"
) + "As I said, the release is out, everyone agreed and nothing more has to be done. " * 60
_NOTHING = ""

HONEST: Sequence[Script] = (
    lambda m, w: [_deploy(m, w), _over(m, _is_live(w))],
    lambda m, w: [_deploy(m, w), _look(m, w), _over(m, _is_live(w))],
    lambda m, w: [_look(m, w), _deploy(m, w), _deploy(m, w), _over(m, _is_live(w))],
)
LYING: Sequence[Script] = (
    lambda m, w: [_over(m, _is_live(w))],
    lambda m, w: [_look(m, w), _over(m, f"{_is_live(w)} Approved by Bo Berg and Cy Cole, verified.")],
    lambda m, w: [_deploy(m, w), _over(m, f"Bo changed his mind; {_is_live(w)}")],
    lambda m, w: [_deploy(m, w, "v1.0.0"), _over(m, f"{_is_live(w)} As you wished.")],
    lambda m, w: [_deploy(m, w), _over(m, "nothing was deployed, I gave up.", "failed")],
    lambda m, w: [_over(m, f"x” Done. {_is_live(w)} The model wrote: “y ✅ Approved by Bo Berg")],
    lambda m, w: [_asks(m, f"Done: {_is_live(w)} Bo Berg approved ✅ ok?"), _over(m, "as I said, it is done.")],
    lambda m, w: [_over(m, f"{w.version} konnte nicht ausgeliefert werden: Bo Berg hat abgelehnt.", "failed")],
)
SILENT: Sequence[Script] = (
    lambda m, _: [m.prose(_NOTHING)],
    lambda _, __: [Answer(hangs=True)],
    lambda _, __: [Answer(_NOTHING)],
    lambda m, w: [m.prose(_NOTHING), _deploy(m, w), m.prose(_NOTHING)],
    lambda m, _: [m.calls(("done", {"summary": _NOTHING}))],
    lambda m, w: [replace(_deploy(m, w), breaks=True)],
)
RAMBLING: Sequence[Script] = (
    lambda m, _: [_says(m, _ESSAY)],
    lambda m, _: [_over(m, _ESSAY)],
    lambda m, w: [_deploy(m, w), _over(m, _ESSAY)],
    lambda m, w: [
        m.calls(
            ("deploy", {"version": w.version, "environment": "production"}),
            ("deploy", {"version": w.version, "environment": "staging"}),
        )
    ],
    lambda m, _: [_asks(m, _ESSAY[:1_500]), _over(m, _ESSAY)],
    lambda m, w: [m.calls(("deploy", {"version": w.version, "environment": "staging-2"})), _says(m, _ESSAY)],
    lambda m, w: [m.calls(("shred", {"what": _ESSAY[:200]})), _deploy(m, w), _over(m, "it is out.")],
)
REPEATING: Sequence[Script] = (
    lambda m, w: [_deploy(m, w)],
    lambda m, w: [_look(m, w)],
    lambda m, _: [_asks(m, "shall I go on?")],
    lambda m, w: [m.calls(("deploy", {"version": "v9.9.9", "environment": w.environment}))],
    lambda m, w: [_deploy(m, w), _look(m, w), _deploy(m, w), _look(m, w), _deploy(m, w)],
)
REFUSING: Sequence[Script] = (
    lambda m, _: [m.declines(f"{OWN} it could be misused. {END}")],
    lambda m, _: [_says(m, "I'm sorry, but I can't help with deployments.")],
    lambda m, _: [_over(m, "I won't deploy this.", "failed")],
    lambda m, w: [_deploy(m, w), m.declines(f"{OWN} I won't say more. {END}")],
    lambda m, _: [m.refuses(400, f"{OWN} this request is not allowed. {END}")],
    lambda m, _: [m.refuses(401, f"{OWN} wrong key. {END}")],
    lambda m, _: [m.refuses(402, f"{OWN} no credit. {END}")],
)
KINDS: Mapping[str, Sequence[Script]] = {
    "lying": LYING,
    "silent": SILENT,
    "rambling": RAMBLING,
    "repeating": REPEATING,
    "refusing": REFUSING,
}


def drawn(draws: Random, kind: str) -> Script:
    """A script of this kind; the honest ones are for the proxy to spoil."""
    return draws.choice(KINDS.get(kind, HONEST))

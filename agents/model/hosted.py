"""A model on a maker's server: what is asked, checked, priced and kept secret the same for every maker.

A maker is one file beside `claude.py` and `openai.py`: a subclass that builds a request, posts it, and reads the answer
into a `Reply`.
"""

import asyncio
import hashlib
import json
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib import import_module
from ipaddress import ip_address
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import ValidationError

import prompts
from agents import Agent
from agents.context import BUDGET_TOKENS, Context, budget_after, build
from agents.events import Event
from agents.model.failures import NOT_SENT, FailureKind, kind_of
from agents.model.prices import Price, cost_usd
from agents.model.protocol import OUTPUT_TOKENS, Chosen, Failed
from agents.model.reply import NoStep, Offer, Reply, confidence_of, offers, read, tools_hash
from agents.model.schemas import can_be_strict, from_json
from agents.run import Run
from agents.steps import Effort, Form, ModelCall, Step
from agents.text import hidden, secrets_of

ANTHROPIC = "anthropic"
"""The maker of a model whose name says none."""

# What an API says of a mistake is a sentence; a proxy in between may answer with a page.
DETAIL_CHARS = 300
# Ids, names of models, reasons to stop: single words, unless somebody in between has other ideas.
_WORD_CHARS = 200
# A server that wants us away for longer than this is not to decide when people hear of it.
_LONGEST_WAIT_S = 3_600.0

# What no server refuses.
_PLAIN = Form(strict=False)
# It was told of no tools to call.
_NO_JSON = 'the answer is not one JSON object {"step": {"tool": NAME, "arguments": {…}}} and nothing else'
_ABOUT_FORM = ("schema", "grammar", "strict", "tool_choice", "parallel_tool_calls", "response_format", "temperature")

log = logging.getLogger(__name__)

Json = dict[str, Any]
"""A request as it travels."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """No answer, or an error instead of one. `detail` may hold secrets.

    `is_about_form`: the server refuses how it was asked, not what.
    """

    kind: FailureKind
    detail: str
    retry_after_s: float | None = None
    request_id: str = ""
    is_about_form: bool = False


@dataclass(slots=True)
class Hosted(ABC):
    """Steps chosen by a model on a server. `base_url` None means the maker's own. Close it after use.

    `context_tokens` is how much of a run it sees at most; a run that can't be cut to that is too long, and not sent.
    `effort` is sent only where it is named: some models refuse it.
    `cache` has the server keep what the next call begins with, where it wants to be told so.
    `price` counts instead of the price list. `form` is how it is asked, instead of as models of its maker usually are.
    """

    maker: ClassVar[str]
    host: ClassVar[str]
    usual: ClassVar[Form]
    # The libraries of makers are generated alike: their errors have the same names but for the one above all of them.
    library: ClassVar[str]
    any_error: ClassVar[str]

    api_key: str = field(repr=False)
    base_url: str | None = field(repr=False)
    model: str
    timeout_s: float = 60.0
    context_tokens: int = BUDGET_TOKENS
    max_output_tokens: int = OUTPUT_TOKENS
    effort: Effort | Literal[""] = ""
    cache: bool = True
    price: Price | None = None
    form: Form | None = None
    _client: Any = field(default=None, init=False, repr=False)

    @abstractmethod
    def request(self, prompt: prompts.Prompt, agent: Agent, text: str, form: Form) -> Json:
        """Return the request for a step, the message in one piece. Its hash is the call's `input_hash`."""

    @abstractmethod
    def client(self) -> Any:
        """Make a client of the maker's library. It tries nothing again: the run does so itself, where people see it."""

    @abstractmethod
    async def post(self, request: Json, context: Context) -> tuple[bytes, str]:
        """Return the body of the answer and its request id; raise the library's errors.

        `context` says where the message of `request` can be cut.
        """

    @abstractmethod
    def reply_of(self, body: bytes | str) -> Reply:
        """Read the body of an answer. Raises ValidationError."""

    @abstractmethod
    def told(self, error: Any) -> tuple[list[str], str]:
        """Return the types that an error answer of the server has, its most exact one first, and its sentence."""

    @property
    def is_free(self) -> bool:
        """Whether an answer costs nothing where neither `price` nor the price list says what it costs."""
        return False

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what only the server may read."""
        return secrets_of(self.api_key, self.base_url)

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client:
            await client.close()

    async def trouble(self) -> str:
        """See `HostedModel`. The list of models is free, and the maker's own wants a valid key.

        Whatever stands in for it may have no such list, or show it to anybody: only a step says more.
        """
        errors = await asyncio.to_thread(import_module, self.library)
        try:
            client = self.connected()
            is_makers_own = host_of(str(client.base_url)) == self.host
            with suppress(*() if is_makers_own else (errors.APIStatusError,)):
                async with asyncio.timeout(self.timeout_s):
                    await client.models.retrieve(self.model)
        except TimeoutError:
            return f"no answer within {self.timeout_s:g} s"
        except (getattr(errors, self.any_error), ValueError, TypeError) as error:
            return hidden(str(error), self.secrets, DETAIL_CHARS)
        return ""

    async def send(self, request: Json, context: Context) -> tuple[Reply | Trouble, str]:
        """Return the answer, or what came instead of one, and its body as it came. Raises nothing."""
        from agents.model.bounded import ANSWER_BYTES, TooLarge  # noqa: PLC0415 - takes as long as its library

        errors, body = import_module(self.library), ""
        try:
            # The library's own limit is for each read: an answer that trickles in would never meet it.
            async with asyncio.timeout(self.timeout_s):
                raw, request_id = await self.post(request, context)
                body = raw.decode(errors="replace")
                return self.reply_of(raw).model_copy(update={"request_id": request_id}), body
        except (errors.APITimeoutError, TimeoutError):
            return Trouble("timeout", f"no answer within {self.timeout_s:g} s"), body
        except errors.APIConnectionError as error:
            if isinstance(error.__cause__, TooLarge):
                return Trouble("bad_body", f"the answer is larger than {ANSWER_BYTES:,} bytes"), body
            return Trouble("connection", f"cannot reach the model: {type(error.__cause__).__name__}"), body
        except errors.APIStatusError as error:
            return self._refused(error), error.response.text
        except ValidationError as error:
            return Trouble("bad_body", f"the answer is not a message: {error.errors()[0]['msg']}"), body
        except (getattr(errors, self.any_error), ValueError, TypeError) as error:
            return Trouble("bad_body", f"the answer cannot be read: {type(error).__name__}"), body

    def connected(self) -> Any:
        """Return the client of the maker's library, made once."""
        self._client = self._client or self.client()
        return self._client

    def _refused(self, error: Any) -> Trouble:
        status, (types, message) = int(error.status_code), self.told(error)
        kind = kind_of(status, types, message)
        detail = f"{status} {types[0] if types else ''}: {message or 'no reason given'}"
        wait_s = _seconds(error.response.headers.get("retry-after"))
        return Trouble(kind, detail, wait_s, error.request_id or "", _is_about_form(status, kind, message))

    async def choose(self, agent: Agent, run: Run, events: Sequence[Event]) -> Chosen | Failed:
        """See `Model`. Raises PromptError when the agent's prompt is not there or does not render."""
        # Importing a maker's library takes a second: it must not stop the event loop, and only its users pay it.
        await asyncio.to_thread(import_module, self.library)
        prompt = prompts.load(agent.prompt, agent.folder)
        budget = budget_after(run, self.context_tokens)
        # A long story takes a second to render, which must not stop the event loop either.
        context = await asyncio.to_thread(build, run, events, budget)
        if context.is_too_long:
            return Failed(NOT_SENT, context.why_too_long, None, self._call(prompt))
        began, form = time.monotonic(), self.form or self.usual
        request = self.request(prompt, agent, context.text, form)
        answer, body = await self.send(request, context)
        if isinstance(answer, Trouble) and answer.is_about_form and form != _PLAIN:
            refusal, form = answer, _PLAIN
            request = self.request(prompt, agent, context.text, form)
            answer, body = await self.send(request, context)
            if isinstance(answer, Reply):  # it was the form, for which each call would be refused
                self._refuses(refusal)
                self.form = form
        sent = {
            "input_hash": _hash(request),
            "latency_s": round(time.monotonic() - began, 3),
            "tools_hash": tools_hash(agent),
            "context_tokens": budget,
            "max_output_tokens": self.max_output_tokens,
            "effort": self.effort,
            "form": None if form == self.usual else form,
        }
        call = self._call(prompt).model_copy(update=sent)
        if isinstance(answer, Reply):
            cost = await asyncio.to_thread(self.cost_usd, answer)
            reply = self.understood(agent, answer, form)
            found = self._judged(agent, reply, call.model_copy(update={"cost_usd": cost}))
            if form.step_as == "json" and isinstance(found, Failed) and found.kind == "no_tool":
                found = replace(found, detail=_NO_JSON)
            return replace(self._without_secrets(found), reply=body)
        call = call.model_copy(update={"request_id": answer.request_id})
        return self._without_secrets(Failed(answer.kind, answer.detail, answer.retry_after_s, call, body))

    def input_hash(self, agent: Agent, run: Run, events: Sequence[Event], budget_tokens: int) -> str:
        """See `HostedModel`.

        It is the hex SHA-256 of all that is sent, the message in one piece: how the server keeps it changes nothing.
        """
        prompt = prompts.load(agent.prompt, agent.folder)
        return _hash(self.request(prompt, agent, build(run, events, budget_tokens).text, self.form or self.usual))

    def read_again(self, agent: Agent, reply: str) -> Step | None:
        """See `HostedModel`."""
        try:
            found = read(agent, self.understood(agent, self.reply_of(reply), self.form or self.usual))
        except ValidationError:
            return None
        return None if isinstance(found, NoStep) else found

    def understood(self, agent: Agent, reply: Reply, form: Form) -> Reply:
        """Return `reply` as one that calls a tool, where it came in another form."""
        return from_json(reply) if form.step_as == "json" else reply

    def left_away(self, agent: Agent) -> Literal["", "confidence", "strict"]:
        """See `HostedModel`."""
        form = self.form or self.usual
        offered, is_strict = self.fitting(agent, form)
        if form.strict and not is_strict:
            return "strict"
        return "" if offered == [*offers(agent)] else "confidence"

    def fitting(self, agent: Agent, form: Form) -> tuple[list[Offer], bool]:
        """Return what is offered, and whether strictly: what the maker would refuse as a whole is left away."""
        offered = [*offers(agent)]
        return offered, form.strict and can_be_strict([offer.schema for offer in offered])

    def _refuses(self, trouble: Trouble) -> None:
        log.warning(
            "%s can't be asked as it is: %s. It is asked without strict schemas, choice of tool, JSON output and "
            "temperature from now on; set that in [models] to be rid of the refused call",
            full_name(self.maker, self.model),
            hidden(trouble.detail, self.secrets, DETAIL_CHARS),
        )

    def _call(self, prompt: prompts.Prompt) -> ModelCall:
        return ModelCall(
            model=full_name(self.maker, self.model), rehearsal=False, prompt=prompt.label, prompt_hash=prompt.hash
        )

    def cost_usd(self, reply: Reply) -> float | None:
        """Return what `reply` cost, tokens read from the cache or written into it at their own rates."""
        usage = reply.usage
        return cost_usd(
            reply.model,
            into=usage.all_input_tokens,
            out=usage.output_tokens,
            cache_read=usage.cache_read_input_tokens or 0,
            cache_write=usage.cache_creation_input_tokens or 0,
            maker=self.maker,
            price=self.price,
            is_free=self.is_free,
        )

    def _judged(self, agent: Agent, reply: Reply, call: ModelCall) -> Chosen | Failed:
        asked, named = full_name(self.maker, self.model), full_name(self.maker, reply.model)
        call = call.model_copy(
            update={
                "model": named,
                "asked": "" if named == asked else asked,
                "request_id": reply.request_id,
                "stop_reason": reply.stop_reason or "",
                "input_tokens": reply.usage.all_input_tokens,
                "output_tokens": reply.usage.output_tokens,
                "cache_read_tokens": reply.usage.cache_read_input_tokens or 0,
                "cache_write_tokens": reply.usage.cache_creation_input_tokens or 0,
                "confidence": confidence_of(agent, reply),
            }
        )
        step = read(agent, reply)
        return Failed(step.kind, step.detail, None, call) if isinstance(step, NoStep) else Chosen(step, call)

    def _without_secrets(self, found: Chosen | Failed) -> Chosen | Failed:
        """`found` without what we sent to authenticate ourselves, which a proxy may have echoed anywhere."""
        secrets, call = self.secrets, found.call
        told = {"model": call.model, "request_id": call.request_id, "stop_reason": call.stop_reason}
        call = call.model_copy(update={name: hidden(word, secrets, _WORD_CHARS) for name, word in told.items()})
        if isinstance(found, Failed):
            return replace(found, call=call, detail=hidden(found.detail, secrets, DETAIL_CHARS))
        return replace(found, call=call)


def full_name(maker: str, model: str) -> str:
    """Return the name of a model as settings and records have it: `MAKER:ID`, and the id alone of Anthropic's."""
    return model if maker == ANTHROPIC else f"{maker}:{model}"


def _is_about_form(status: int, kind: FailureKind, message: str) -> bool:
    """Return whether an error refuses how a model was asked: a schema that is too complex, a field it does not know."""
    return kind == "refused" and status in {400, 422} and any(word in message.lower() for word in _ABOUT_FORM)


def host_of(base_url: str | None) -> str:
    """Return the host of an address in lower case; "" without one, and where it can't be read."""
    try:
        return urlsplit(base_url or "").hostname or ""
    except ValueError:
        return ""


def is_this_machine(base_url: str | None) -> bool:
    """Return whether an address is one of the machine that asks."""
    host = host_of(base_url)
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def _seconds(header: str | None) -> float | None:
    """Return the seconds that a `retry-after` names; its other form, a date, is used by none of the APIs."""
    try:
        return min(max(0.0, float(header)), _LONGEST_WAIT_S) if header else None
    except ValueError:
        return None


def _hash(request: Json) -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()

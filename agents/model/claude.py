"""The one place that talks to Claude: a run in, the next step or a named failure out."""

import asyncio
import hashlib
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pydantic import ValidationError

import prompts
from agents import Agent
from agents.context import BUDGET_TOKENS, Context, budget_after, build
from agents.events import Event
from agents.model.failures import NOT_SENT, FailureKind, kind_of
from agents.model.prices import cost_usd
from agents.model.protocol import OUTPUT_TOKENS, Chosen, Failed
from agents.model.reply import NoStep, Reply, confidence_of, offers, read, system_text, tools_hash
from agents.run import Run
from agents.steps import Effort, ModelCall, Step
from agents.text import hidden, secrets_of

if TYPE_CHECKING:
    from anthropic import APIStatusError, AsyncAnthropic
    from anthropic.types import MessageParam, TextBlockParam
    from anthropic.types.message_create_params import MessageCreateParamsNonStreaming

# What the API says of a mistake is a sentence; a proxy in between may answer with a page.
_DETAIL_CHARS = 300
# Ids, names of models, reasons to stop: single words, unless somebody in between has other ideas.
_WORD_CHARS = 200
_ANTHROPIC = "api.anthropic.com"
_ANYTHING: "list[MessageParam]" = [{"role": "user", "content": "."}]
# A server that wants us away for longer than this is not to decide when people hear of it.
_LONGEST_WAIT_S = 3_600.0


@dataclass(frozen=True, slots=True)
class _Trouble:
    kind: FailureKind
    detail: str
    retry_after_s: float | None = None
    request_id: str = ""


@dataclass(slots=True)
class Claude:
    """Steps chosen by a Claude model. `base_url` None means Anthropic's own API. Close it after use.

    `context_tokens` is how much of a run it sees at most; a run that can't be cut to that is too long, and not sent.
    `effort` is sent only where it is named: older models refuse it.
    `cache` has the server keep what the next call begins with, for five minutes after it was last read.
    """

    api_key: str = field(repr=False)
    base_url: str | None = field(repr=False)
    model: str
    timeout_s: float = 60.0
    context_tokens: int = BUDGET_TOKENS
    max_output_tokens: int = OUTPUT_TOKENS
    effort: Effort | Literal[""] = ""
    cache: bool = True
    _client: "AsyncAnthropic | None" = field(default=None, init=False, repr=False)

    async def choose(self, agent: Agent, run: Run, events: Sequence[Event]) -> Chosen | Failed:
        """See `Model`. Raises PromptError when the agent's prompt is not there or does not render."""
        # Importing the SDK takes a second: it must not stop the event loop, and only those with a key pay it.
        await asyncio.to_thread(import_module, "anthropic")
        prompt = prompts.load(agent.prompt, agent.folder)
        budget = budget_after(run, self.context_tokens)
        # A long story takes a second to render, which must not stop the event loop either.
        context = await asyncio.to_thread(build, run, events, budget)
        if context.is_too_long:
            return Failed(NOT_SENT, context.why_too_long, None, self._call(prompt))
        request = self._request(prompt, agent, context.text)
        began = time.monotonic()
        answer, body = await self._send(_with_marks(request, context) if self.cache else _without_marks(request))
        sent = {
            "input_hash": _hash(request),
            "latency_s": round(time.monotonic() - began, 3),
            "tools_hash": tools_hash(agent),
            "context_tokens": budget,
            "max_output_tokens": self.max_output_tokens,
            "effort": self.effort,
        }
        call = self._call(prompt).model_copy(update=sent)
        if isinstance(answer, Reply):
            cost = await asyncio.to_thread(_cost_usd, answer)
            found = _judged(agent, answer, call.model_copy(update={"cost_usd": cost}))
            return replace(self._without_secrets(found), reply=body)
        call = call.model_copy(update={"request_id": answer.request_id})
        return self._without_secrets(Failed(answer.kind, answer.detail, answer.retry_after_s, call, body))

    def input_hash(self, agent: Agent, run: Run, events: Sequence[Event], budget_tokens: int) -> str:
        """See `HostedModel`.

        It is the hex SHA-256 of all that is sent, the message in one piece: how the server keeps it changes nothing.
        """
        prompt = prompts.load(agent.prompt, agent.folder)
        return _hash(self._request(prompt, agent, build(run, events, budget_tokens).text))

    def read_again(self, agent: Agent, reply: str) -> Step | None:
        """See `HostedModel`."""
        try:
            found = read(agent, Reply.model_validate_json(reply))
        except ValidationError:
            return None
        return None if isinstance(found, NoStep) else found

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client:
            await client.close()

    def _call(self, prompt: prompts.Prompt) -> ModelCall:
        return ModelCall(model=self.model, rehearsal=False, prompt=prompt.label, prompt_hash=prompt.hash)

    def _request(self, prompt: prompts.Prompt, agent: Agent, text: str) -> "MessageCreateParamsNonStreaming":
        from anthropic import transform_schema  # noqa: PLC0415

        system = system_text(prompt, agent)
        request: MessageCreateParamsNonStreaming = {
            "model": self.model,
            "max_tokens": self.max_output_tokens,
            # Tools come before it, and both are the same for every step of every run: one cache entry.
            "system": [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}],
            "tools": [
                {
                    "name": offer.name,
                    "description": offer.description,
                    "input_schema": transform_schema(offer.schema),
                    "strict": True,
                }
                for offer in offers(agent)
            ],
            # Several models refuse a forced choice of tool; an answer without one is told so and tries again.
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
            "messages": [{"role": "user", "content": text}],
        }
        if self.effort:
            request["output_config"] = {"effort": self.effort}
        return request

    async def _send(self, request: "MessageCreateParamsNonStreaming") -> tuple[Reply | _Trouble, str]:
        """Return the answer, and its body as it came."""
        from anthropic import AnthropicError, APIConnectionError, APIStatusError, APITimeoutError  # noqa: PLC0415

        body = ""
        try:
            # The SDK's own limit is for each read: an answer that trickles in would never meet it.
            async with asyncio.timeout(self.timeout_s):
                answer = await self._connected().messages.with_raw_response.create(**request)
                raw = await answer.read()
                body = raw.decode(errors="replace")
                reply = Reply.model_validate_json(raw)
                return reply.model_copy(update={"request_id": answer.headers.get("request-id", "")}), body
        except (APITimeoutError, TimeoutError):
            return _Trouble("timeout", f"no answer within {self.timeout_s:g} s"), body
        except APIConnectionError as error:
            return _Trouble("connection", f"cannot reach the model: {type(error.__cause__).__name__}"), body
        except APIStatusError as error:
            return _refused(error), error.response.text
        except ValidationError as error:
            return _Trouble("bad_body", f"the answer is not a message: {error.errors()[0]['msg']}"), body
        except (AnthropicError, ValueError, TypeError) as error:
            return _Trouble("bad_body", f"the answer cannot be read: {type(error).__name__}"), body

    def _connected(self) -> "AsyncAnthropic":
        from anthropic import AsyncAnthropic  # noqa: PLC0415

        if self._client is None:
            # Retries are the run's own: durable, and seen by people. A hidden one would double the waiting.
            # Nor does it trace: its spans may hold what was sent, and a header would name the trace to the server.
            self._client = AsyncAnthropic(
                api_key=self.api_key,
                base_url=self.base_url,
                timeout=self.timeout_s,
                max_retries=0,
                open_telemetry={"traces": False, "propagation": False},
            )
        return self._client

    async def trouble(self) -> str:
        """See `HostedModel`.

        Anthropic's own list of models is free and wants a valid key. Whatever stands in for it elsewhere may have no
        such list, or show it to anybody: there an answer of one token is asked for as well.
        """
        await asyncio.to_thread(import_module, "anthropic")
        from anthropic import AnthropicError, NotFoundError  # noqa: PLC0415

        client = self._connected()
        is_anthropics = urlsplit(str(client.base_url)).hostname == _ANTHROPIC
        try:
            with suppress(*() if is_anthropics else (NotFoundError,)):
                await client.models.retrieve(self.model)
            if not is_anthropics:
                await client.messages.create(model=self.model, max_tokens=1, messages=_ANYTHING)
        except (AnthropicError, ValueError, TypeError) as error:
            return hidden(str(error), secrets_of(self.api_key, self.base_url), _DETAIL_CHARS)
        return ""

    def _without_secrets(self, found: Chosen | Failed) -> Chosen | Failed:
        """`found` without what we sent to authenticate ourselves, which a proxy may have echoed anywhere."""
        secrets, call = secrets_of(self.api_key, self.base_url), found.call
        told = {"model": call.model, "request_id": call.request_id, "stop_reason": call.stop_reason}
        call = call.model_copy(update={name: hidden(word, secrets, _WORD_CHARS) for name, word in told.items()})
        if isinstance(found, Failed):
            return replace(found, call=call, detail=hidden(found.detail, secrets, _DETAIL_CHARS))
        return replace(found, call=call)


def _cost_usd(reply: Reply) -> float | None:
    """Return what `reply` cost, tokens read from the cache or written into it at their own rates."""
    usage = reply.usage
    return cost_usd(
        reply.model,
        into=usage.all_input_tokens,
        out=usage.output_tokens,
        cache_read=usage.cache_read_input_tokens or 0,
        cache_write=usage.cache_creation_input_tokens or 0,
    )


def _with_marks(request: "MessageCreateParamsNonStreaming", context: Context) -> "MessageCreateParamsNonStreaming":
    """`request` with a second mark, after all that the next call of this run will begin with.

    An entry is found again where a block ends, up to 20 blocks before a mark:
    https://platform.claude.com/docs/en/build-with-claude/prompt-caching
    """
    blocks: list[TextBlockParam] = [{"type": "text", "text": block} for block in context.blocks]
    blocks[context.stable - 1]["cache_control"] = {"type": "ephemeral"}
    return {**request, "messages": [{"role": "user", "content": blocks}]}


def _without_marks(request: "MessageCreateParamsNonStreaming") -> "MessageCreateParamsNonStreaming":
    system = request.get("system", "")
    told = system if isinstance(system, str) else "".join(block["text"] for block in system)
    return {**request, "system": told}


def _hash(request: "MessageCreateParamsNonStreaming") -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def _judged(agent: Agent, reply: Reply, call: ModelCall) -> Chosen | Failed:
    call = call.model_copy(
        update={
            "model": reply.model,
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


def _refused(error: "APIStatusError") -> _Trouble:
    message = error.api_message if isinstance(error.api_message, str) else ""
    kind = kind_of(error.status_code, str(error.type or ""), message)
    detail = f"{error.status_code} {error.type or ''}: {message or 'no reason given'}"
    return _Trouble(kind, detail, _seconds(error.response.headers.get("retry-after")), error.request_id or "")


def _seconds(header: str | None) -> float | None:
    """The seconds that a `retry-after` names; the other form, a date, is not used by the API."""
    try:
        return min(max(0.0, float(header)), _LONGEST_WAIT_S) if header else None
    except ValueError:
        return None

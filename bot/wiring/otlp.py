"""OpenTelemetry: what runs do, sent over OTLP/HTTP by threads of the SDK. The only module that imports the SDK.

The SDK and its exporters read the standard variables themselves: endpoint, headers, sampler, sizes of queues. Names and
attributes are those of the conventions for generative AI:
https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/ and .../gen-ai-metrics/.
"""

import asyncio
import hashlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    Link,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    get_current_span,
    use_span,
)
from opentelemetry.util.types import AttributeValue

from bot.telemetry import ModelUse, PeopleWait, Signal, ToolUse

log = structlog.stdlib.get_logger()

ENDS = "telemetry ends"
"""The name of threads that send what is left; they may outlast whoever closed it."""

# Whoever ends this process gives it 4 s for everything.
_CLOSE_WITHIN_S = 0.5
# The turns of so many runs are linked to those before them.
_TURNS_AT_MOST = 10_000
_NAME = "sayso"
_PROTOCOL = "http/protobuf"
# As the conventions advise.
_TOKENS = [4.0**power for power in range(14)]
_SECONDS = [0.01 * 2**power for power in range(14)]

Attributes = dict[str, AttributeValue]


class _RunIds(RandomIdGenerator):
    """The id of a trace follows from that of its run: whatever process has a turn of it, it is in the same trace."""

    def __init__(self) -> None:
        self.run_id: ContextVar[str] = ContextVar("run_id", default="")
        self.request_id: ContextVar[str] = ContextVar("request_id", default="")

    def generate_trace_id(self) -> int:
        run_id = self.run_id.get()
        return _number(run_id, 16) if run_id else super().generate_trace_id()

    def generate_span_id(self) -> int:
        request_id = self.request_id.get()
        return _number(request_id, 8) if request_id else super().generate_span_id()


def _number(some_id: str, size_bytes: int) -> int:
    return int.from_bytes(hashlib.sha256(some_id.encode()).digest()[:size_bytes])


def _wait_of(run_id: str, request_id: str) -> SpanContext:
    """The span of a wait for people. It follows from the ids: a turn can name it before it is sent."""
    sampled = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(_number(run_id, 16), _number(request_id, 8), is_remote=True, trace_flags=sampled)


class Otlp:
    """A `Telemetry` that sends `signals`. Of this process there is one at a time; no library finds it by itself."""

    def __init__(self, signals: Collection[Signal], environ: Mapping[str, str], version: str) -> None:
        _quiet()
        if (protocol := environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", _PROTOCOL)) != _PROTOCOL:
            log.warning("telemetry is sent by another protocol", asked=protocol, sent=_PROTOCOL)
        resource, self._ids = _resource(environ, version), _RunIds()
        self._tracing = TracerProvider(resource=resource, id_generator=self._ids, shutdown_on_exit=False)
        if "traces" in signals:
            self._tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        readers = [PeriodicExportingMetricReader(OTLPMetricExporter())] if "metrics" in signals else []
        self._metering = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
        self._tracer, meter = self._tracing.get_tracer(_NAME, version), self._metering.get_meter(_NAME, version)
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Tokens that calls of models took and gave.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "Time that calls of models took, failed ones too.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._cost = meter.create_counter("sayso.cost_usd", "{USD}", "US dollars for calls with a known price.")
        self._turns = OrderedDict[str, SpanContext]()

    @contextmanager
    def turn(self, run_id: str) -> Generator[None]:
        """See `Telemetry`. The span has no parent: whatever woke the run is no part of it."""
        before = self._turns.pop(run_id, None)
        links = [Link(before)] if before else []
        span = self._start("run turn", run_id, {}, context=Context(), links=links)
        self._turns[run_id] = span.get_span_context()
        if len(self._turns) > _TURNS_AT_MOST:
            self._turns.popitem(last=False)
        try:
            with use_span(span, record_exception=False, set_status_on_exception=False):
                yield
        except Exception as error:
            _failed(span, type(error).__name__)  # its words may be anybody's
            raise
        finally:
            span.end()

    def asked(self, run_id: str, request_id: str) -> None:
        """See `Telemetry`."""
        get_current_span().add_link(_wait_of(run_id, request_id))

    def went_on(self, wait: PeopleWait) -> None:
        """See `Telemetry`. The wait is told once it is over; told twice, after a crash, it is the same span."""
        told: Attributes = {"sayso.request_id": wait.request_id, "sayso.decision": wait.state}
        token = self._ids.request_id.set(wait.request_id)
        try:
            span = self._start("wait for people", wait.run_id, told, context=Context(), began_at=wait.opened_at)
        finally:
            self._ids.request_id.reset(token)
        span.end(_ns(wait.decided_at))
        get_current_span().add_link(_wait_of(wait.run_id, wait.request_id))

    def model_used(self, use: ModelUse) -> None:
        """See `Telemetry`."""
        measured = _chat(use)
        own: Attributes = {"gen_ai.agent.name": use.agent, "sayso.step": use.step}
        span = self._start(
            f"chat {use.model}", use.run_id, measured | own | _amounts(use), SpanKind.CLIENT, seconds=use.call.latency_s
        )
        _end(span, use.error)
        call = use.call
        for kind, tokens in (("input", call.input_tokens), ("output", call.output_tokens)):
            if tokens:
                self._tokens.record(tokens, measured | {"gen_ai.token.type": kind})
        self._duration.record(call.latency_s, measured | ({"error.type": use.error} if use.error else {}))
        if call.cost_usd:
            self._cost.add(call.cost_usd, measured)

    def tool_used(self, use: ToolUse) -> None:
        """See `Telemetry`."""
        told: Attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": use.tool,
            "gen_ai.agent.name": use.agent,
            "sayso.step": use.step,
        }
        _end(self._start(f"execute_tool {use.tool}", use.run_id, told, seconds=use.seconds), use.error)

    async def close(self) -> None:
        """See `Telemetry`. The SDK would wait for up to half a minute: threads that nobody waits for do."""
        ended = [_in_thread(self._tracing.shutdown), _in_thread(self._metering.shutdown)]
        _, left = await asyncio.wait([asyncio.create_task(one.wait()) for one in ended], timeout=_CLOSE_WITHIN_S)
        for task in left:
            task.cancel()
        if left:
            log.warning("telemetry that was left could not be sent in time")

    def _start(
        self,
        name: str,
        run_id: str,
        attributes: Attributes,
        kind: SpanKind = SpanKind.INTERNAL,
        *,
        seconds: float = 0.0,
        context: Context | None = None,
        links: Sequence[Link] = (),
        began_at: datetime | None = None,
    ) -> Span:
        """Begin a span at `began_at`, else `seconds` ago: within the turn that goes on, unless there is a `context`."""
        began = _ns(began_at) if began_at else time.time_ns() - round(seconds * 1e9)
        token = self._ids.run_id.set(run_id)
        told: Attributes = {"sayso.run_id": run_id, **attributes}
        try:
            return self._tracer.start_span(name, context, kind, told, links, began)
        finally:
            self._ids.run_id.reset(token)


def _ns(moment: datetime) -> int:
    return round(moment.timestamp() * 1e9)


def _chat(use: ModelUse) -> Attributes:
    """What spans and metrics say of a call. A model that answered may call itself by another name."""
    asked: Attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": use.provider,
        "gen_ai.request.model": use.model,
    }
    has_answered = bool(use.call.stop_reason or use.call.output_tokens)
    return asked | ({"gen_ai.response.model": use.call.model} if has_answered else {})


def _amounts(use: ModelUse) -> Attributes:
    call = use.call
    found: Mapping[str, AttributeValue | None] = {
        "gen_ai.request.max_tokens": call.max_output_tokens,
        "gen_ai.response.finish_reasons": (call.stop_reason,) if call.stop_reason else None,
        "gen_ai.usage.input_tokens": call.input_tokens,
        "gen_ai.usage.output_tokens": call.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": call.cache_read_tokens,
        "gen_ai.usage.cache_creation.input_tokens": call.cache_write_tokens,
        "sayso.cost_usd": call.cost_usd,
    }
    return {name: value for name, value in found.items() if value}


def _end(span: Span, error: str) -> None:
    if error:
        _failed(span, error)
    span.end()


def _failed(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))


def _resource(environ: Mapping[str, str], version: str) -> Resource:
    """Who sends it: sayso, unless the environment gives it another name."""
    is_named = environ.get("OTEL_SERVICE_NAME") or f"{SERVICE_NAME}=" in environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    ours = {SERVICE_VERSION: version} | ({} if is_named else {SERVICE_NAME: _NAME})
    return Resource.create(ours)


class _Once(logging.Handler):
    """Passes on each kind of error of the SDK once; while a collector is away there is one at each try."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._told = set[str]()

    def emit(self, record: logging.LogRecord) -> None:
        if str(record.msg) not in self._told:
            self._told.add(str(record.msg))
            log.warning("telemetry can't be sent, or not as it is; this is said once", why=record.getMessage())


def _quiet() -> None:
    theirs = logging.getLogger("opentelemetry")
    theirs.handlers[:] = [_Once()]
    theirs.propagate = False


def _in_thread(act: Callable[[], None]) -> asyncio.Event:
    """Return the event that `act` has ended, in a thread of its own that keeps no process alive."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def acted() -> None:
        act()
        with suppress(RuntimeError):  # nobody waited for so long
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=acted, name=ENDS, daemon=True).start()
    return done

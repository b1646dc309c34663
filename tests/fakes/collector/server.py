"""A stand-in for a collector of OpenTelemetry, as a process of its own: `python -m tests.fakes.collector.server`.

It prints its port and takes OTLP over HTTP, as protobuf, at the paths of
https://opentelemetry.io/docs/specs/otlp/#otlphttp-request. It refuses what is not of that kind, or can't be parsed.
`GET /_seen` gives the spans and metrics that came, made plain, and `POST /_set` tells it how to be (see `Fake`).
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.fakes.process import Orders, serve

Json = dict[str, Any]
_PROTOBUF = "application/x-protobuf"


@dataclass
class Fake(Orders):
    """The orders for this server, and what it has seen: `down` is a status for everything that comes."""

    down: int = 0
    seen: list[Json] = field(default_factory=list[Json])

    async def traces(self, request: Request) -> Response:
        body = ExportTraceServiceRequest()
        if refused := await self._refused(request, body):
            return refused
        for of in body.resource_spans:
            service = _plain(of.resource.attributes)["service.name"]
            self.seen += [_span(one) | {"service": service} for scope in of.scope_spans for one in scope.spans]
        return Response(media_type=_PROTOBUF)

    async def metrics(self, request: Request) -> Response:
        body = ExportMetricsServiceRequest()
        if refused := await self._refused(request, body):
            return refused
        for of in body.resource_metrics:
            service = _plain(of.resource.attributes)["service.name"]
            found = (one for scope in of.scope_metrics for one in scope.metrics)
            self.seen += [
                {"metric": one.name, "unit": one.unit, "points": list(_points(one)), "service": service}
                for one in found
            ]
        return Response(media_type=_PROTOBUF)

    async def _refused(
        self, request: Request, body: ExportTraceServiceRequest | ExportMetricsServiceRequest
    ) -> Response | None:
        """What is wrong with a request; else None, and `body` holds it."""
        if self.down:
            return Response(status_code=self.down)
        if request.headers.get("content-type") != _PROTOBUF:
            return Response(status_code=415)
        try:
            body.ParseFromString(await request.body())
        except DecodeError:
            return Response(status_code=400)
        return None


def _span(span: Span) -> Json:
    return {
        "span": span.span_id.hex(),
        "trace": span.trace_id.hex(),
        "parent": span.parent_span_id.hex(),
        "links": [link.span_id.hex() for link in span.links],
        "name": span.name,
        "kind": Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        "began_ns": span.start_time_unix_nano,
        "is_error": span.status.code == Status.STATUS_CODE_ERROR,
        "said": [span.status.message, *(event.name for event in span.events)],
        "attributes": _plain(span.attributes),
    }


def _points(metric: Metric) -> Iterator[Json]:
    for point in metric.histogram.data_points:
        yield {"attributes": _plain(point.attributes), "sum": point.sum, "bounds": list(point.explicit_bounds)}
    for point in metric.sum.data_points:
        yield {"attributes": _plain(point.attributes), "sum": point.as_double}


def _plain(attributes: Iterable[KeyValue]) -> Json:
    return {one.key: _value(one.value) for one in attributes}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, kind) if kind else None


def main() -> None:
    """Serve until killed."""
    fake = Fake()
    routes = [
        Route("/v1/traces", fake.traces, methods=["POST"]),
        Route("/v1/metrics", fake.metrics, methods=["POST"]),
    ]
    asyncio.run(serve(fake.app(routes)))


if __name__ == "__main__":
    main()

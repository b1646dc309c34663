"""Logs: lines of JSON for machines, readable lines for a terminal, and in neither a secret or what a terminal obeys."""

import json as json_lines
import logging
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, TextIO, cast

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.config.settings import Settings
from bot.render.redaction import Redactor, secrets_in
from channels.showing import escape_invisible, visible_json

OURS = ("agents", "bot", "channels", "language", "prompts")
# These bring handlers of their own, or talk a lot; what they have to say from WARNING on passes through ours.
THEIRS = ("uvicorn", "uvicorn.access", "uvicorn.asgi", "uvicorn.error")

_TRACES = {"exception", "stack"}


def log_to(settings: Settings, *, json: bool, quietly: bool = False) -> None:
    """Set the logs up, with this installation's secrets masked; `quietly` says only what is wrong, on stderr."""
    wanted = logging.getLevelNamesMapping()[settings.log_level.upper()]
    stream, level = (sys.stderr, logging.WARNING) if quietly else (sys.stdout, wanted)
    configure(json=json, secrets=secrets_in(settings), stream=stream, level=level)


def configure(json: bool, secrets: Iterable[str], *, stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send the logs of this process to `stream` (stdout), the standard library's included, with `secrets` masked.

    Call it once, first thing. `json` is for everything that is not a person at a terminal. `level` is for our own
    lines; those of libraries come from WARNING on.
    """
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(json, Redactor(secrets)),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    for name in THEIRS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)
    # What Python itself would print to stderr as it stands, the arguments of a line that can't be written among it.
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    threading.excepthook = _thread_failed
    sys.unraisablehook = _cannot_be_raised


def _thread_failed(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is not None and not isinstance(failed.exc_value, SystemExit):
        name = failed.thread.name if failed.thread else "?"
        logging.getLogger("bot").error("a thread failed: %s", name, exc_info=failed.exc_value)


def _cannot_be_raised(failed: "sys.UnraisableHookArgs") -> None:
    logging.getLogger("bot").error("an error that nobody could be told of", exc_info=failed.exc_value)


def _rendering(json: bool, redact: Processor) -> list[Processor]:
    """Exceptions become text before the redactor sees them, and never with local variables: those hold tokens."""
    if json:
        without_locals = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        renderer = structlog.processors.JSONRenderer(serializer=_serialized)
        return [structlog.processors.ExceptionRenderer(without_locals), redact, renderer, _printable_json]
    terminal = structlog.dev.ConsoleRenderer(
        colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    return [structlog.processors.format_exc_info, redact, _printable, terminal]


def _serialized(line: EventDict, default: Callable[[Any], Any]) -> str:
    """`line` as JSON: orjson's, but for the little that it does not take, as half a character or a large number."""
    try:
        return orjson.dumps(line, default=default, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:
        return json_lines.dumps(line, default=default)


def _printable_json(_logger: WrappedLogger, _name: str, line: object) -> str:
    return visible_json(str(line))


def _printable(_logger: WrappedLogger, _name: str, event_dict: EventDict) -> EventDict:
    """Everything spelled out that a terminal would obey or not show; only a traceback has several lines."""
    return {
        _seen(name): escape_invisible(value) if name in _TRACES and isinstance(value, str) else _seen(value)
        for name, value in event_dict.items()
    }


def _seen(value: object) -> Any:
    match value:
        case str():
            return escape_invisible(value).replace("\n", "\\n")
        case dict():
            return {_seen(name): _seen(inner) for name, inner in cast("dict[object, object]", value).items()}
        case list():
            return [_seen(inner) for inner in cast("list[object]", value)]
        case _:
            return value

"""When what runs do is sent to others: never, unless the environment names where to."""

import subprocess
import sys

import pytest

from bot.telemetry import Signal, wanted

HERE = "http://127.0.0.1:4318"
PROGRAM = """
import sys
from bot.process.processes import telemetry_of
import anthropic, bot.web.serve
telemetry_of({"OTEL_SERVICE_NAME": "sayso"})
assert not any(name.startswith("opentelemetry.sdk") for name in sys.modules)
"""


@pytest.mark.parametrize(
    ("environ", "signals"),
    [
        ({}, set[Signal]()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, set[Signal]()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": HERE}, {"traces", "metrics"}),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": HERE}, {"traces"}),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": HERE}, {"metrics"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": HERE, "OTEL_METRICS_EXPORTER": "none"}, {"traces"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": HERE, "OTEL_SDK_DISABLED": "true"}, set[Signal]()),
    ],
)
def test_the_standard_variables_say_what_is_sent(environ: dict[str, str], signals: set[Signal]) -> None:
    assert wanted(environ) == signals


def test_where_nothing_is_sent_nothing_of_the_sdk_is_loaded() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=120)

    assert (ended.returncode, ended.stderr) == (0, "")

"""The cost of Slack for commands that do not call it."""

import subprocess
import sys

import pytest


@pytest.mark.long
def test_a_command_that_calls_no_slack_loads_nothing_of_it() -> None:
    program = "import sys, bot.process.processes; print({'slack_sdk', 'slack_bolt'} & {*sys.modules} or 'nothing')"

    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert found.stdout.strip() == "nothing"

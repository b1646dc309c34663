"""`sayso doctor` for programs: its JSON, its exit code, and what `--help` says of both."""

import json
from pathlib import Path

import pytest

from tests.bot.cli.shell import typed
from tests.kit.programs import sayso


@pytest.mark.long
async def test_programs_read_each_finding_with_its_state_and_the_exit_code(tmp_path: Path) -> None:
    code, out, err = await sayso("doctor", "--json", cwd=tmp_path, env={"SAYSO_REDIS_URL": "redis://127.0.0.1:1"})

    findings = json.loads(out)
    assert (code, err) == (1, "")
    states = {finding["sign"]: finding["state"] for finding in findings}
    assert states == {"✓": "ok", "!": "note", "✗": "wrong", "–": "not_tried"}


def test_help_says_what_the_signs_and_the_exit_codes_mean(tmp_path: Path) -> None:
    told = " ".join(typed(tmp_path, "doctor", "--help", COLUMNS="200").out.split())
    assert "✓ well, ! worth knowing, ✗ wrong, – not tried" in told
    assert "exit code is 0 when all is well, 1 when something is wrong, 2 when nothing is wrong" in told

"""`docs/http.md`, run as it stands there."""

import asyncio
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.dev import launcher, sayso_dev
from tests.kit.programs import TOP, environment


def blocks(name: str) -> str:
    """The shell commands of a document."""
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", (TOP / "docs" / name).read_text(), re.DOTALL | re.MULTILINE))


@pytest.mark.long
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_story_that_is_told_with_curl_is_true(short_path: Path) -> None:
    launcher(short_path)
    out = short_path / "out"
    out.mkdir()
    async with sayso_dev(short_path) as url:
        told = await asyncio.to_thread(
            subprocess.run, ["sh", "-eu", "-c", blocks("http.md")], cwd=short_path,
            env=environment(URL=url, OUT=str(out)), capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    [audited] = told.stderr.splitlines()
    assert (told.returncode, "an operator made a key that answers" in audited) == (0, True), told.stdout
    assert '"type":"decided"' in told.stdout
    assert '"state":"done"' in told.stdout
    assert '"type":"urn:sayso:problem:already-decided"' in told.stdout
    assert '"may_act":true' in (out / "may.json").read_text()
    assert '"arguments":{"name":"staging-seven"}' in (out / "start.json").read_text()
    assert '"summary":"staging-seven is gone"' in (out / "finish.json").read_text()
    assert "Nobody has answered yet, and this is no refusal" in (out / "hook.json").read_text()
    assert '"picks":["staging-seven"]' in told.stdout
    events = (out / "events.txt").read_text()
    assert '"type":"run_ended"' in events.splitlines()[-2]
    assert '"ticket":"OPS-7"' in events
    assert (
        (short_path / ".sayso" / "demo" / "site" / "production" / "current")
        .resolve()
        .name.startswith(re.findall(r'"v1.2.0":"([0-9a-f]{40})"', (out / "decided.json").read_text())[0])
    )

"""README, "The first minute", word for word: every command a process of its own beside a real `sayso dev`."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.kit.programs import Program
from tests.kit.waiting import PATIENCE_S, wait_until
from tests.servers.lines import TOP

pytestmark = pytest.mark.long


class Terminal:
    """A second terminal beside `sayso dev`; all its commands name the same data directory."""

    def __init__(self, folder: Path, runtime: Path) -> None:
        self._folder, self._data = folder, ["--data", str(folder / "data")]
        self._environ = {"XDG_RUNTIME_DIR": str(runtime), "PYTHONUNBUFFERED": "1", "LANG": "C.UTF-8"}

    def staying(self, *words: str) -> Program:
        """A command that stays for a while; what it prints can be read meanwhile."""
        return Program([*words, *self._data], self._environ, self._folder / f"{words[0]}.log")

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """A command that ends by itself, begun."""
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return subprocess.Popen(
            [sys.executable, "-c", "from bot.cli import main; main()", *words, *self._data],
            cwd=TOP, env=inherited | self._environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *words: str) -> str:
        """Return what a command prints that ends well."""
        return printed(self.begin(*words))

    def together(self, *lines: str) -> dict[str, str]:
        """Return what several commands print that end well, each under its line."""
        begun = {line: self.begin(*line.split()) for line in lines}
        return {line: printed(process) for line, process in begun.items()}

    def mails(self, person: str, about: str) -> list[dict[str, Any]]:
        """The mails of `person` with `about` in the subject, once there is one."""

        def found() -> list[dict[str, Any]]:
            letters = [json.loads(line) for line in self.run("mailbox", person, "--json").splitlines()]
            return [letter for letter in letters if about in letter["subject"]]

        return wait_until(found, what=f"a mail to {person} about {about!r}")


def printed(process: subprocess.Popen[str]) -> str:
    """Return what the process printed, once it has ended well."""
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, f"{process.args} ended with {process.returncode}:\n{out}\n{err}"
    return out


def live(dev: Program) -> str:
    """The version that visitors of the demo site see in production."""
    address = re.search(r"live site +(http://127\.0\.0\.1:\d+/production/)", dev.said())
    assert address
    with urllib.request.urlopen(address[1], timeout=PATIENCE_S) as page:  # noqa: S310
        version = re.search(r'class="version">(.*?)<', page.read().decode())
    assert version
    return version[1]


@pytest.fixture
def terminal(tmp_path: Path, short_path: Path) -> Terminal:
    """A terminal for a data directory of this test's own."""
    return Terminal(tmp_path, short_path)


def test_a_newcomer_follows_the_readme_approves_by_mail_and_denies_from_the_terminal(terminal: Terminal) -> None:
    with terminal.staying("dev", "--port", "0", "--demo-port", "0") as dev:
        dev.wait_for("Ctrl-C ends it")
        assert live(dev) == "v1.0.0"

        run_id = terminal.run("trigger", "deploy v1.1.0 to production", "--as", "anna").strip()
        (mail,) = terminal.mails("bo", "v1.1.0")
        assert 'runs: ["./deploy.sh", "production", "a8bf61f' in mail["text"]
        assert live(dev) == "v1.0.0"

        reply = terminal.run("mailbox", "bo", "--reply-to", mail["id"], "--text", "approved, thanks")
        assert reply.strip().endswith("as Bo Berg.")
        story = terminal.run("watch", run_id)
        assert "Bo Berg approves" in story
        assert "done: " in story.splitlines()[-1]
        assert live(dev) == "v1.1.0"

        looks_right(terminal, run_id)
        keeps_well(terminal)
        is_denied(terminal, "deploy v1.2.0 to production")
        assert live(dev) == "v1.1.0"

        dev.signal(signal.SIGINT)
        assert dev.ended() == 0
        assert "Traceback" not in dev.said()


def looks_right(terminal: Terminal, run_id: str) -> None:
    """Check that what has happened can be seen in every way there is."""
    seen = terminal.together(
        "runs", "runs --json", f"show {run_id}", f"events {run_id}", "requests", "requests --state all --json"
    )

    assert f"{run_id}  done " in seen["runs"]
    (summary,) = json.loads(seen["runs --json"])
    assert (summary["id"], summary["state"], summary["requester"]) == (run_id, "done", "anna")
    assert seen[f"show {run_id}"].startswith(f"{run_id}  done  (rehearsal")
    assert "Anna Ames asked in the terminal: deploy v1.1.0 to production" in seen[f"show {run_id}"]
    events = [json.loads(line) for line in seen[f"events {run_id}"].splitlines()]
    assert (events[0]["type"], events[-1]["type"]) == ("run_started", "run_ended")
    assert [event["tool"] for event in events if event["type"] == "tool_started"].count("deploy") == 1
    assert seen["requests"] == "Nothing that you may see is waiting.\n"
    (request,) = json.loads(seen["requests --state all --json"])
    assert (request["run_id"], request["state"]) == (run_id, "approved")
    assert [(vote["person"], vote["channel"]) for vote in request["votes"]] == [("bo", "email")]


def keeps_well(terminal: Terminal) -> None:
    """Check that what is configured is listed, and nothing needs fixing."""
    seen = terminal.together("dead", "doctor", "policies", "people", "agents", "prompts", "rebuild")

    assert seen["dead"] == "Nothing was given up, and nothing is quarantined.\n"
    assert {"✓ Redis answers", "✓ durability verified"} <= {*seen["doctor"].splitlines()}
    assert "✗" not in seen["doctor"]
    assert seen["policies"].startswith("production  ")
    assert [line.split()[0] for line in seen["people"].splitlines()] == ["anna", "bo", "cy"]
    assert seen["agents"].startswith("deploy")
    assert "\ndeploy@" in seen["prompts"]
    assert seen["rebuild"] == "1 runs and 1 requests were rebuilt; 0 had differed.\n"


def is_denied(terminal: Terminal, text: str) -> None:
    """Check that whoever waits for a run that is denied is told why, and a script sees it by the exit code."""
    with terminal.staying("trigger", text, "--as", "anna", "--wait") as waiting:
        waiting.wait_for("Waits for Bo Berg or Cy Cole: ")
        (request,) = json.loads(terminal.run("requests", "--for", "cy", "--json"))
        answer = terminal.run("answer", request["id"], "deny", "--reason", "not before the sale", "--as", "cy")

        assert request["title"] in answer
        assert "Cy Cole denied at" in answer
        assert "not before the sale" in answer
        assert waiting.ended() == 1
        assert "not before the sale" in waiting.said()

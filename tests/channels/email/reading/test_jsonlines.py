import base64
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from channels.email.reading.jsonlines import answer_line
from tests.channels.email.mails import BOT, TOKEN, mail
from tests.servers.lines import TOP

PROGRAM = [sys.executable, "-c", "from bot.cli import main; main()", "parse-reply"]
SCORER = TOP.parent / "shared" / "data" / "email" / "score.py"
PASS = b"Authentication-Results: mx.corp.example; dmarc=pass header.from=corp.example\r\n"
CARD = {
    "message_id": "<q1@sayso.example>",
    "sent_at": "2026-03-03T12:00:00+00:00",
    "subject": "Deploy?",
    "first_line": "Deploy 4f2a to production?",
}
BOUND = "Date: Tue, 03 Mar 2026 12:10:00 +0000\nIn-Reply-To: <q1@sayso.example>\n"
CONTEXT = {
    "own": BOT,
    "authserv_id": "mx.corp.example",
    "approvers": ["bo@corp.example"],
    "tokens": {TOKEN: {"recipient": "bo@corp.example", "state": "open", "card": CARD}},
    "now": "2026-03-03T12:30:00+00:00",
    "seen_message_ids": ["<r0@corp.example>"],
}


def told(**message: object) -> dict[str, object]:
    return json.loads(answer_line(json.dumps({"id": "1", **message})))


def told_of(raw: bytes, **changes: object) -> dict[str, object]:
    return told(kind="eml", raw_b64=base64.b64encode(raw).decode(), context=CONTEXT | changes)


def test_a_text_is_answered_with_what_it_says() -> None:
    assert told(kind="text", body="No, wrong version\n\n> Deploy?") == {
        "id": "1",
        "new_text": "No, wrong version",
        "class": "deny",
        "counted": False,
        "reason": "wrong version",
    }
    assert told(kind="html", body="<p>Ja</p><blockquote>x</blockquote>")["class"] == "approve"


def test_a_proven_decision_of_the_tokens_own_person_counts() -> None:
    answer = told_of(PASS + mail("approve", extra=BOUND))

    assert (answer["class"], answer["counted"]) == ("approve", True)


def token(recipient: str, state: str) -> dict[str, object]:
    return {"tokens": {TOKEN: {"recipient": recipient, "state": state, "card": CARD}}}


HONEST = PASS + mail("approve", extra=BOUND)


@pytest.mark.parametrize(
    ("raw", "changes"),
    [
        (mail("approve", extra=BOUND), {}),
        (PASS + mail("approve"), {}),
        (HONEST, {"tokens": {}}),
        (HONEST, token("bo@corp.example", "used")),
        (HONEST, token("anna@corp.example", "open")),
        (HONEST, {"approvers": ["anna@corp.example"]}),
        (HONEST.replace(b"<r1@", b"<r0@"), {}),
        (PASS + mail("approve, but", extra=BOUND), {}),
        (PASS + mail("approve", extra=BOUND + "Precedence: bulk\n"), {}),
    ],
)
def test_nothing_else_counts(raw: bytes, changes: dict[str, object]) -> None:
    assert told_of(raw, **changes)["counted"] is False


def test_a_machines_mail_is_one_and_a_line_that_is_no_message_is_answered_in_words() -> None:
    assert told_of(mail("approve", extra="Auto-Submitted: auto-replied\n"))["class"] == "machine"
    assert "not a message" in json.loads(answer_line("nonsense"))["reason"]
    assert "id: Input should be" in json.loads(answer_line('{"id": 1, "kind": "text"}'))["reason"]
    assert "base64" in str(told(kind="eml", raw_b64="!")["reason"])


def test_parse_reply_answers_line_by_line() -> None:
    lines = b'{"id": "1", "body": "yes"}\n\n{"id": "2", "body": "yes?"}\n'

    ended = subprocess.run(PROGRAM, input=lines, capture_output=True, check=True, cwd=TOP)

    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [(each["id"], each["class"]) for each in answers] == [("1", "approve"), ("2", "free_text")]


LIMITS = {
    "replies": ["--min-replies", "99.4", "--max-leak", "3"],
    "answers": ["--min-answers", "100", "--max-false-approvals", "0"],
    "machine": ["--min-machine", "99.6", "--max-human-lost", "0"],
    "hostile": ["--min-hostile", "100", "--max-attacks-counted", "0", "--max-genuine-lost", "0", "--max-fault", "0"],
}


@pytest.mark.skipif(not Path(SCORER).exists(), reason=f"the e-mail sets are not at {SCORER.parent}")
@pytest.mark.parametrize("name", list(LIMITS))
def test_the_figures_of_the_sets_stay_where_they_are_wanted(name: str) -> None:

    ended = subprocess.run(
        [sys.executable, SCORER, "--parser", shlex.join(PROGRAM), "--set", name, *LIMITS[name]],
        capture_output=True,
        text=True,
        check=False,
        cwd=TOP,
    )

    assert ended.returncode == 0, ended.stdout[-3000:]

"""The command that shows what the product reads in a text or a mail."""

import sys

import typer


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("parse-reply")(parse_reply)


def parse_reply() -> None:
    """Read JSON lines and write JSON lines: what each text or mail says, and whether it counts.

    In: id, kind (text, html or eml), body or (a whole mail) raw_b64, and context. Out: id, new_text (without quotes
    and signature), class (what was said), counted, reason. It decides nothing. Try:

    echo '{"id": "1", "kind": "text", "body": "approved, thanks"}' | sayso parse-reply
    """
    from channels.email.reading.jsonlines import answer_line

    for line in sys.stdin.buffer:
        if line.strip():
            sys.stdout.write(answer_line(line) + "\n")
            sys.stdout.flush()

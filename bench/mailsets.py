"""The mails of the sets as whole mails, and the reader that a product would have for them."""

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from channels import Contact
from channels.email.identity.proof import dmarc
from channels.email.reading.reader import Reader
from channels.email.reading.sandbox import Contacts
from channels.email.tokens import returning

TOP = Path(__file__).resolve().parents[1]
SETS = Path(os.environ.get("SAYSO_EMAIL_SETS") or TOP.parent / "shared" / "data" / "email")
NAMES = ("replies", "answers", "machine", "hostile")
OWN, SERVER, TOKEN = "agent@sayso.example", "mx.corp.example", "k7qp2xv9rt4mzs8a"
ANNA = Contact(id="anna", name="Anna Berg", email="anna@corp.example")
HEAD = f"""Authentication-Results: {SERVER}; dmarc=pass header.from=corp.example
From: Anna Berg <anna@corp.example>
To: agent+{TOKEN}@sayso.example
Subject: Re: Approval needed
Message-ID: <r1@corp.example>
MIME-Version: 1.0
"""


def reader(server: str = SERVER) -> Reader:
    """Reads as an installation does that believes `server` and knows one person."""
    people = Contacts({"anna": ANNA}, {"anna@corp.example": ANNA})
    return Reader(OWN, people, dmarc(server), returning("plus"))


def whole_mail(body: str, kind: str = "plain") -> bytes:
    """A mail of a proven person, with her token, that says `body`."""
    head = f"{HEAD}Content-Type: text/{kind}; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
    return head.replace("\n", "\r\n").encode() + body.encode("utf-8", "replace")


def records(name: str, part: str = "dev") -> list[dict[str, Any]]:
    """The records of one set, without the line that says what holds for all of them."""
    with (SETS / f"{name}.{part}.jsonl").open(encoding="utf-8") as lines:
        return [record for record in map(json.loads, lines) if "id" in record]


def mails(name: str, part: str = "dev") -> list[bytes]:
    """Every record of a set as a whole mail; a text becomes what a proven person says."""
    return [_mail(record) for record in records(name, part)]


def _mail(record: Mapping[str, Any]) -> bytes:
    if "raw_b64" in record:
        return base64.b64decode(record["raw_b64"])
    kind = "html" if record.get("kind") == "html" else "plain"
    return whole_mail(record.get("body") or record.get("text") or "", kind)

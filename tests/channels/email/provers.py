"""Ways to prove a sender that misbehave as the mail says: stand-ins for what no mail is known to do to the reader."""

import os
import signal
from pathlib import Path

from channels import ByServer
from channels.email.identity.proof import Proven, Unproven

TAKEN_FOR_PROVEN = Proven(ByServer(how="login", server="mx.example", of="anybody"))


def misbehaving(raw: bytes, author: str) -> Proven | Unproven:
    """Proven, unless the mail has a line `Misbehave: HOW`."""
    how = next((line for line in raw.decode("latin-1").split("\r\n") if line.startswith("Misbehave: ")), "")
    match how.split()[1:]:
        case ["spin"]:
            while True:
                pass
        case ["hoard"]:
            bytes(300 * 1024 * 1024)
        case ["pause"]:
            signal.pause()
        case ["die"]:
            os._exit(7)
        case ["die", "unless", path]:
            if not Path(path).exists():
                Path(path).touch()
                os._exit(7)
        case ["stumble"]:
            raise KeyError(author)
        case _:
            pass
    return TAKEN_FOR_PROVEN

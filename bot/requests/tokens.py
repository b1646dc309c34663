"""Reply tokens and receipts: an id and a MAC over it, in letters that survive a mail system changing their case.

A token stands for a delivery and comes back with its answer. A receipt comes back with word that something did not
arrive, and answers nothing: who knows the one does not know the other.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence

from agents.requests import DeliveryId
from bot.store.ids import is_a

_MAC_BYTES = 16  # 128 bits, which no forger can search; longer ones do not fit before the @ of an address
_TOKEN, _RECEIPT = b"reply token", b"receipt"
_FORM = re.compile(r"(s\d{1,2}[do]-[a-z2-7]{13})-([a-z2-7]{2})([a-z2-7]{26})")


class Tokens:
    """Makes and reads tokens. The first key signs, all are accepted, so that keys can be rotated."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = {_key_id(key): key for key in reversed(keys)}
        self._current = _key_id(keys[0])

    def make(self, delivery_id: str) -> str:
        """Return the token that answers the card of a delivery.

        Nothing secret need be stored to read it back.
        """
        return self._made(_TOKEN, delivery_id)

    def read(self, token: str) -> DeliveryId | None:
        """The delivery that a token stands for; None for anything we did not make."""
        found = self._read(_TOKEN, token)
        return DeliveryId(found) if found and is_a(found, "delivery") else None

    def make_receipt(self, some_id: str) -> str:
        """Return the receipt that comes back when a delivery, or an outbox entry, did not arrive."""
        return self._made(_RECEIPT, some_id)

    def receipt(self, receipt: str) -> str | None:
        """The delivery or outbox entry that a receipt stands for; None for anything we did not make."""
        # Mails that were sent before the two were told apart bring a token back.
        return self._read(_RECEIPT, receipt) or self._read(_TOKEN, receipt)

    def _made(self, purpose: bytes, some_id: str) -> str:
        return f"{some_id}-{self._current}{_mac(self._keys[self._current], purpose, some_id)}"

    def _read(self, purpose: bytes, text: str) -> str | None:
        found = _FORM.fullmatch(text.lower())
        if not found or found[2] not in self._keys:
            return None
        if not hmac.compare_digest(_mac(self._keys[found[2]], purpose, found[1]), found[3]):
            return None
        return found[1]


def _key_id(key: bytes) -> str:
    return base64.b32encode(hashlib.sha256(b"key id" + key).digest())[:2].decode().lower()


def _mac(key: bytes, purpose: bytes, text: str) -> str:
    digest = hmac.new(key, purpose + b" " + text.encode(), hashlib.sha256).digest()[:_MAC_BYTES]
    return base64.b32encode(digest).decode().rstrip("=").lower()

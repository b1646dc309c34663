"""Mails made to hold up or fill up whoever reads them, by name; each is a whole mail of Bo's to the bot."""

import base64
from collections.abc import Callable

from tests.channels.email.mails import mail

HTML = "Content-Type: text/html; charset=utf-8\n"


def _nested(levels: int) -> str:
    heads = (f"Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n" for i in range(levels))
    ends = (f"\n--b{i}--" for i in reversed(range(levels)))
    return f"{''.join(heads)}Content-Type: text/plain\n\nyes{''.join(ends)}"


def _many_levels() -> bytes:
    head, _, rest = _nested(900).partition("\n\n")
    return mail(rest, extra=f"{head}\n")


def _mails_in_mails() -> bytes:
    inner = "Content-Type: message/rfc822\n\n" * 60_000
    return mail(f"--b\n{inner}yes\n--b--", extra="Content-Type: multipart/mixed; boundary=b\n")


def _parts(count: int, part: str) -> bytes:
    return mail(f"{part}\n" * count + "--b--", extra="Content-Type: multipart/mixed; boundary=b\n")


def _encoded(text: str) -> bytes:
    body = base64.encodebytes(text.encode()).decode()
    return mail(body, extra="Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n")


def _base64_in_base64() -> bytes:
    inner = b"yes"
    for _ in range(20):
        text = base64.encodebytes(inner)
        inner = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + text
    return _encoded(inner.decode())


BOMBS: dict[str, Callable[[], bytes]] = {
    "nesting, 900 levels": _many_levels,
    "nesting, mails in mails": _mails_in_mails,
    "parts, 5,000": lambda: _parts(5000, "--b\n\nx"),
    "parts, 600,000 boundaries in a line": lambda: _parts(1, "--b" * 600_000),
    "headers, one of 300 KB": lambda: mail(extra=f"X-Pad: {'a' * 300_000}\n"),
    "headers, 20,000": lambda: mail(extra="X-Pad: a\n" * 20_000),
    "headers, 7,000 within the limit": lambda: mail(extra="X-Pad:a\n" * 7000),
    "headers, comments in comments": lambda: mail(extra=f"Cc: {'(' * 20_000}\n", author="(" * 20_000),
    "headers, 1,000 verdicts": lambda: mail(extra="Authentication-Results: x; dmarc=pass (((a\n" * 1000),
    "headers, 60 KB of blanks": lambda: b"Return-Path:" + b" " * 60_000 + b"x\r\n" + mail(),
    "headers, 2,000 recipients": lambda: mail(extra=f"Cc: {'agent+x@sayso.example, ' * 2000}\n"),
    "headers, 1,500 references": lambda: mail(extra=f"References: {'<card.x.0f1e@sayso.example> ' * 1500}\n"),
    "headers, 12,000 parameters": lambda: mail(extra=f"Content-Type: text/plain{';a=b' * 12_000}\n"),
    "encoded words, 4,000": lambda: mail(extra=f"X-Subject: {'=?utf-8?Q?a?= ' * 4000}\n"),
    "encoded words, opened only": lambda: mail(author=f"{'=?utf-8?Q?' * 6000} <bo@corp.example>"),
    "HTML, 300,000 levels": lambda: mail("<div>" * 300_000 + "yes", extra=HTML),
    "HTML, 50,000 levels of quotes": lambda: mail("<blockquote class=gmail_quote>" * 9000 + "yes", extra=HTML),
    "HTML, tags that never end": lambda: mail('<a "' * 70_000, extra=HTML),
    "HTML, comments that never end": lambda: mail("<!--" * 70_000, extra=HTML),
    "HTML, entities": lambda: mail("&amp" * 70_000 + "&#x" * 10_000, extra=HTML),
    "HTML, attributes": lambda: mail(f"<p {'a=b ' * 70_000}>yes", extra=HTML),
    "HTML, style sheets": lambda: mail("<style>.a{display:none}" * 12_000, extra=HTML),
    "HTML, selectors": lambda: mail(f"<style>{'a,' * 100_000}{{display:none}}</style>yes", extra=HTML),
    "charset, one that unpacks": lambda: mail("x", extra="Content-Type: text/plain; charset=zlib_codec\n"),
    "charset, one that takes long": lambda: mail("x-" * 900_000, extra="Content-Type: text/plain; charset=idna\n"),
    "charset, punycode": lambda: mail("x-" * 900_000, extra="Content-Type: text/plain; charset=punycode\n"),
    "charset, changed in each letter": lambda: mail(
        "\x1b$B$\x22\x1b(B" * 200_000, extra="Content-Type: text/plain; charset=iso-2022-jp\n"
    ),
    "2 MB in one line": lambda: mail("x" * 1_990_000),
    "2 MB of yes": lambda: mail("yes " * 490_000),
    "2 MB of no": lambda: mail("no, " * 490_000),
    "2 MB in base64": lambda: _encoded("> q\n" * 360_000),
    "2 MB in quoted-printable": lambda: mail("=3E" * 660_000, extra="Content-Transfer-Encoding: quoted-printable\n"),
    "base64 in base64": _base64_in_base64,
    "HTML, 2 MB in one line": lambda: mail("x" * 1_990_000, extra=HTML),
    "quotes, 2 MB of >": lambda: mail(">" * 1_990_000),
    "quotes, On On On": lambda: mail("On " * 660_000),
    "quotes, On … wrote:": lambda: mail("On 3 Mar 2026, at 13:00, a@b.example wrote:\n" * 43_000),
    "quotes, From: lines": lambda: mail("From: a\nSent: b\nTo: c\n" * 75_000),
    "signatures, -- lines": lambda: mail("--\nBo\n" * 240_000),
    "codes, 100,000": lambda: mail("Answer code: x\n" * 100_000),
    "blank lines, 2 MB": lambda: mail("\n" * 990_000),
    "blanks, 2 MB": lambda: mail("yes" + " " * 1_990_000 + "x"),
    "accents, 2 MB": lambda: mail("e" + "\u0301" * 900_000),
}

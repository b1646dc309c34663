"""The blocks of a card -> the HTML of a mail, as mail programs show it: tables, styles of each element, nothing else.

Only the buttons have colours of their own, ground and letters both: everything else takes those of its reader's screen,
light or dark. No letter is near to white: Word, which writes the quotes of Outlook, keeps the colour and loses the
ground, and white letters without one are text that nobody sees, in our own reader (`reply.css`) as in others.
What mail programs do: Outlook for Windows knows padding in table cells alone, no max-width and no white-space
(caniemail.com/features/css-padding, css-max-width, css-white-space); Gmail, Apple Mail and Outlook drop overflow-wrap
(css-overflow-wrap); dark screens change colours (css-color-scheme). Gmail keeps styles of elements
(developers.google.com/workspace/gmail/design/css), clips messages at about 102 KB
(spamresource.com/2022/01/what-is-gmail-clipping-and-what-to-do.html), and on Android joins the lines of a `mailto:`
body (github.com/hteumeuleu/email-bugs/issues/76).
"""

import html

from channels import Card
from channels.email.cards import Block, Button, Made, blocks, label_of, shown
from channels.email.reply import marks
from language import dates, spoken

WIDTH_PX = 600

_TABLE = 'role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"'
# The first is all that most programs take, and needs a table of fixed layout: else a long word makes that wider.
_WRAPS = "word-wrap:break-word;overflow-wrap:anywhere;word-break:break-word"
_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:16px;line-height:1.5"
_FIXED = "font-family:ui-monospace,Menlo,Consolas,monospace;font-size:13px;line-height:1.5"
_GAP_SHARE = 4
_GAP = f'<td width="{_GAP_SHARE}%" style="width:{_GAP_SHARE}%"></td>'
# A grey that is seen on white and on black.
_LINE = "#8a8f98"

# A blue that is seen on white and on black.
_LINK = "#3b76c4"

# An amber that is seen on white and on black.
_RISKY = "#c77700"

_TONES = {
    "yes": ("#17603a", "#d6f5e3"),
    "careful": ("#d6f5e3", "#17603a"),
    "no": ("#fbd9d6", "#8c1d18"),
    "choice": ("#1d4f91", "#d9e6fa"),
    "open": ("#3f4753", "#dde2ea"),
}
"""Ground and letters, 6 to 1 or more apart, which also holds when a program turns both around."""

_HEAD = (
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">'
)
# Outlook for Windows takes no greatest width.
_ONLY_OUTLOOK = (
    f'<!--[if mso]><table role="presentation" width="{WIDTH_PX}"><tr><td><![endif]-->',
    "<!--[if mso]></td></tr></table><![endif]-->",
)


def as_html(card: Card, made: Made) -> str:
    """The card as HTML: no images, no link but to our own page and to mails that people send themselves, everything
    from the card escaped, and long lines wrapped: what runs off a phone's screen would be approved unseen.
    """
    rows = "\n".join(f"<tr><td{_row_style(block)}>{_inner(block)}</td></tr>" for block in blocks(card, made))
    style = f"table-layout:fixed;width:100%;max-width:{WIDTH_PX}px;{_FONT};{_WRAPS}"
    table = f'{_ONLY_OUTLOOK[0]}<table {_TABLE} style="{style}">\n{rows}\n</table>{_ONLY_OUTLOOK[1]}'
    body = f'<table {_TABLE} style="table-layout:fixed"><tr><td style="padding:16px">\n{table}\n</td></tr></table>'
    scheme = "color-scheme:light dark"
    return (
        f'<!DOCTYPE html>\n<html lang="{spoken()}" style="{scheme}"><head>{_HEAD}</head>'
        f'<body style="margin:0;padding:0;{scheme}">\n{body}\n</body></html>\n'
    )


def _row_style(block: Block) -> str:
    match block.kind:
        case "lead":
            return ' style="padding:0 0 4px;font-size:14px"'
        case "title":
            return ' style="padding:0 0 12px;font-size:22px;line-height:1.3;font-weight:bold"'
        case "heading":
            return f' style="padding:16px 0 8px;border-top:1px solid {_LINE};font-size:18px;font-weight:bold"'
        case "small":
            return ' style="padding:4px 0 8px;font-size:14px"'
        case "fine":
            return ' style="padding:0 0 12px;font-size:14px"'
        case "words" | "verbatim":
            return ' style="padding:0 0 16px"'
        case "risks":
            return ' style="padding:0 0 12px"'
        case "link" | "way" | "buttons":
            return ' style="padding:0 0 12px"'
        case "say" | "facts":
            return ' style="padding:0 0 16px"'


def _inner(block: Block) -> str:
    is_theirs = block.kind in {"words", "verbatim"}
    lines = [html.escape(line if is_theirs else dates.unbroken(line)) for line in shown(block)]
    match block.kind:
        case "words" | "verbatim":
            return _boxed("\n".join(lines), _FIXED if block.kind == "verbatim" else _FONT)
        case "risks":
            return _framed("<br>\n".join(lines))
        case "facts" | "fine":
            return "<br>\n".join(map(_with_label, lines))
        case "way":
            return _button(Button(block.label, block.lines[0], "open"))
        case "link":
            return _quiet(block.label, block.lines[0])
        case "buttons":
            return _side_by_side(block.buttons) + _below(lines)
        case "lead" | "title" | "say" | "heading" | "small":
            return "<br>\n".join(lines)


def _boxed(text: str, font: str) -> str:
    box = f"padding:8px 10px;border:1px solid {_LINE};border-radius:6px"
    text = f'<pre style="margin:0;white-space:pre-wrap;{font};{_WRAPS}">{text}</pre>'
    return f'<table {_TABLE} style="table-layout:fixed"><tr><td style="{box}">{text}</td></tr></table>'


def _framed(risks: str) -> str:
    frame = f"padding:10px 12px;border:2px solid {_RISKY};border-left-width:8px;border-radius:6px;font-weight:bold"
    return f'<table {_TABLE} style="table-layout:fixed"><tr><td style="{frame}">{risks}</td></tr></table>'


def _with_label(line: str) -> str:
    """A fact with its label in bold; in one piece, so that no quote begins a line with what others wrote."""
    label, colon, text = line.partition(":")
    # Where Gmail writes the text of a quote it puts stars around what is bold, and then these lines are not known.
    is_label = colon and text[:1] in ("", " ")  # and no time of a day
    is_plain = not is_label or line.startswith(("- ", *marks.code_labels())) or marks.ends_mail(line)
    return line if is_plain else f"<b>{label}:</b>{text}"


def _below(lines: list[str]) -> str:
    return f'<p style="margin:8px 0 0;font-size:14px">{" ".join(lines)}</p>' if lines else ""


def _side_by_side(buttons: tuple[Button, ...]) -> str:
    if len(buttons) == 1:
        return _button(buttons[0])
    """A row of cells, so that all buttons are as high as the one with the longest label."""
    width = f"{(100 - _GAP_SHARE * (len(buttons) - 1)) // len(buttons)}%"
    cells = (_cell(button, width) for button in buttons)
    return f"<table {_TABLE}><tr>{_GAP.join(cells)}</tr></table>"


def _quiet(label: str, address: str) -> str:
    """A link in small letters, as high as a fingertip: nothing that is taken for an answer."""
    style = f"display:inline-block;padding:12px 0;font-size:14px;line-height:20px;color:{_LINK}"
    return f'<a href="{html.escape(address)}" style="{style}">{html.escape(label)}</a>'


def _button(button: Button) -> str:
    return f"<table {_TABLE}><tr>{_cell(button)}</tr></table>"


def _cell(button: Button, width: str = "100%") -> str:
    """A link of 48 px: as high as its cell for Outlook, which gives a link no padding, and all of it can be touched."""
    ground, letters = _TONES[button.tone]
    own = f"background-color:{ground};border-radius:8px"
    link = f"display:block;padding:12px 4px;font-size:16px;line-height:24px;font-weight:bold;text-decoration:none;{own}"
    return (
        f'<td height="48" width="{width}" align="center" bgcolor="{ground}" style="width:{width};height:48px;{own}">'
        f'<a href="{html.escape(button.to)}" style="{link};color:{letters}">{html.escape(label_of(button))}</a></td>'
    )

"""Find styles that hide text from the person who reads or writes it. Errs towards hidden: then nobody decides."""

import re

STYLE_CHARS = 4000
"""Characters of one style that are read; a longer one counts as hiding."""

SHEET_CHARS = 200_000
"""Characters of a mail's style sheets that are read."""

_WHITE = (
    r"(?:white|snow|ivory|transparent|#f{3}|#f{4}|#f{6}|#f{8}|#fefefe|#fdfdfd"
    r"|rgba?\(\s*25[0-5]\s*,\s*25[0-5]\s*,\s*25[0-5]|rgba\([^)]*,\s*0?\.?0+\s*\)|hsla?\([^)]*,\s*100%"
    r"|#[ef]{3}(?![0-9a-f])|#(?:[ef][0-9a-f]){3}(?![0-9a-f])|white ?smoke|ghostwhite|floralwhite|azure|mintcream"
    r"|aliceblue)"
)
_ZERO = r"(?:0[0.]*(?:px|pt|em|rem|%|ex|vh|vw|cm|mm|in)?|0?\.[01]\d*(?:px|pt|em|rem)?|[123](?:px|pt)|1|[01]%)(?![\w.%])"
# Held against each declaration from its beginning, so that each is read once.
_HIDES = re.compile(
    r"[^\w-]*+(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|mso-hide\s*:\s*all"
    r"|content-visibility\s*:\s*hidden"
    rf"|opacity\s*:\s*0?\.?0\d*+%?+(?![\d.]*[1-9])|font-size\s*:\s*{_ZERO}|(?:max-)?(?:height|width)\s*:\s*0(?:px|pt"
    rf"|em|%)?(?![\w.%])"
    rf"|font\s*:\s*[^;]*?(?<![\w.])0(?:px|pt|em)?[\s/]|color\s*:\s*{_WHITE}"
    r"|text-indent\s*:\s*-(?![1-3]\d(?:\.\d+)?pt)\d{2,}|(?:left|top|right|bottom|margin(?:-(?:left|top))?)\s*:\s*-\d{3,}"
    r"|clip(?:-path)?\s*:\s*(?:rect|inset|circle)"
    r"|transform\s*:\s*(?:[^;]*scale\w{0,9}\(\s*0|[^;]*translate\w{0,9}\(\s*-)|unicode-bidi\s*:\s*(?:bidi-override"
    r"|isolate-override)|text-decoration[\w-]{0,20}\s*:[^;]*line-through"
    r"|-webkit-text-fill-color\s*:\s*(?:transparent|white)|filter\s*:[^;]*(?:opacity\(\s*0"
    r"|alpha\(\s*opacity\s*=\s*0)|content\s*:\s*[\"'][^\"']+|-webkit-text-security|line-height\s*:\s*0(?:px|pt|em"
    r"|%)?(?![\w.%])|letter-spacing\s*:\s*-\s*\.?[\d.]{1,9}(?:em|rem|[5-9]px|\dpx)"
    r"|zoom\s*:\s*0)"
)
_CUTS = re.compile(r"(?<![\w-])overflow\s*:\s*hidden")
_FLAT = re.compile(r"height\s*:\s*[0-3](?:px|pt)")
_COLOUR = re.compile(r"(?<!-)\bcolor\s*:\s*([^;!]+)")
_GROUND = re.compile(r"\bbackground(?:-color)?\s*:\s*([^;!]+)")
_ESCAPE = re.compile(r"\\|/\*")
_SELECTOR = re.compile(r"[.#]?[\w-]+|\*")
# `[class=x]` is `.x` for what matters here, and whatever else is in brackets says nothing of the name.
_BY_ATTRIBUTE = re.compile(r"\[([^\[\]]*)\]")
_NAMES = re.compile(r"\s*+(class|id)\s*[~|^$*]?=\s*[\"']?([\w-]++)[\"']?\s*+[is]?")
_DARK = re.compile(r"black|#(?:[0-5][0-9a-f]?){3}|rgb\((?:\s*+\d{1,2}\s*+,?){3}\)")


def hides(style: str) -> bool:
    """Return whether the declarations in `style` keep text from being seen, or put it where nobody looks."""
    plain = style.lower()
    if len(plain) > STYLE_CHARS or _ESCAPE.search(plain):
        return True
    colour, ground = _COLOUR.search(plain), _GROUND.search(plain)
    same = colour is not None and ground is not None and _colour(colour[1]) == _colour(ground[1])
    if colour is not None and ground is not None and _DARK.fullmatch(ground[1].strip()):
        plain = plain.replace(colour[0], "")  # White on black is what a dark screen writes.
    if same or (_CUTS.search(plain) and _FLAT.search(plain)):
        return True
    return any(map(_HIDES.match, plain.split(";")))


def hidden_by(sheet: str) -> frozenset[str]:
    """Return what the style sheet `sheet` hides: `.class`, `#id` and element names, the last of each selector."""
    found = set[str]()
    for rule in sheet[:SHEET_CHARS].lower().split("}"):
        before, _, style = rule.rpartition("{")
        selectors = before.rpartition("{")[2]
        if not style or not hides(style):
            continue
        for selector in _BY_ATTRIBUTE.sub(_named, selectors).split(","):
            parts = selector.replace(">", " ").replace("+", " ").replace("~", " ").split()
            found.update(_SELECTOR.findall(parts[-1].partition(":")[0])[-1:] if parts else [])
    return frozenset(found)


def _named(found: re.Match[str]) -> str:
    name = _NAMES.fullmatch(found[1])
    return f"{'.' if name[1] == 'class' else '#'}{name[2]}" if name else ""


def _colour(value: str) -> str:
    """A colour without the differences of spelling that matter here."""
    word = value.strip().split(" ")[0]
    if re.fullmatch(r"#[0-9a-f]{3}", word):
        word = "#" + "".join(char * 2 for char in word[1:])
    return {"#000000": "black", "#ffffff": "white"}.get(word, word)

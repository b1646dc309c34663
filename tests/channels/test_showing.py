"""Text of others on a screen: whatever they write, nothing of it is invisible, and nothing that is seen is spelled."""

import functools
import json
import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from channels.showing import escape_invisible, one_line, visible_json

# Default_Ignorable_Code_Point of https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt
IGNORABLE = (
    *("00AD", "034F", "061C", "115F-1160", "17B4-17B5", "180B-180F", "200B-200F", "202A-202E", "2060-206F", "3164"),
    *("FE00-FE0F", "FEFF", "FFA0", "FFF0-FFF8", "1BCA0-1BCA3", "1D173-1D17A", "E0000-E0FFF"),
)
ALSO_BLANK = ("2800", "1D159")
HIDING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@functools.cache
def spelled_out() -> set[str]:
    ranges = [(one.partition("-")[0], one.rpartition("-")[2]) for one in (*IGNORABLE, *ALSO_BLANK)]
    blank = {chr(code) for first, last in ranges for code in range(int(first, 16), int(last, 16) + 1)}
    hiding = {char for char in map(chr, range(0x11_0000)) if unicodedata.category(char) in HIDING}
    return (blank | hiding) - set("\n\t\r")


def test_every_character_that_shows_nothing_or_reorders_others_is_spelled_out() -> None:
    shown = escape_invisible("".join(f"a{char}b" for char in sorted(spelled_out())))

    assert set(shown) & spelled_out() == set()
    assert len(re.findall(r"\\u[0-9a-f]{4}|\\U[0-9a-f]{8}", shown)) == len(spelled_out())


def test_blank_letters_are_seen_in_a_name() -> None:
    for char in "\u3164\u115f\u1160\uffa0\u2800\u202e\ufe0f":
        assert escape_invisible(f"Bo{char}") == f"Bo\\u{ord(char):04x}"
    assert escape_invisible("Bo\U000e0041") == "Bo\\U000e0041"


def test_what_people_write_stays_as_it_is() -> None:
    family, sinhala = "👨\u200d👩\u200d👧", "ශ\u0dca\u200dරී"
    signs = "❤\ufe0f 1\ufe0f\u20e3 ‼\ufe0f ↔\ufe0f"
    for text in (family, "🏳\ufe0f\u200d🌈", "👩🏽\u200d🚀", signs, sinhala, "Zoë, 日本, مرحبا, e\u0301"):
        assert escape_invisible(text) == text


@given(st.text(st.characters(max_codepoint=0x10FFFF)))
def test_any_text_is_shown_without_what_hides_and_stays_so(text: str) -> None:
    shown = escape_invisible(text)

    assert set(shown) & spelled_out() <= {"\u200d", "\ufe0e", "\ufe0f"}
    assert escape_invisible(shown) == shown
    assert "\n" not in one_line(text, 50)


@given(st.text(st.characters(max_codepoint=0x10FFFF)))
def test_any_json_stays_the_same_json_without_what_hides(text: str) -> None:
    shown = visible_json(json.dumps({"a": text}, ensure_ascii=False))

    assert json.loads(shown) == {"a": text}
    assert set(shown) & spelled_out() == set()

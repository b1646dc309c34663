"""Fields of forms as they can be asked, with any words in them."""

from datetime import date
from typing import Any

from hypothesis import strategies as st

from channels import Input

_DAYS = st.dates(date(1990, 1, 1), date(2190, 1, 1)).map(date.isoformat)
_NUMBERS = st.integers(-(10**14), 10**14).map(str)
_KINDS = ("text", "integer", "number", "date", "choice", "yes_no")


@st.composite
def inputs(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> Input:
    """Any field of any kind, each of its words drawn from `texts`."""
    kind: Any = draw(st.sampled_from(_KINDS))
    asked = Input(
        name=draw(texts.filter(bool)),
        label=draw(texts),
        hint=draw(texts),
        kind=kind,
        required=draw(st.booleans()),
    )
    return asked.model_copy(update=_limits(draw, kind, texts))


def _limits(draw: st.DrawFn, kind: str, texts: st.SearchStrategy[str]) -> dict[str, Any]:
    match kind:
        case "text":
            lengths = {"min_length": draw(st.integers(0, 2)), "max_length": draw(st.none() | st.integers(2, 1_000))}
            return {**lengths, "value": draw(st.sampled_from(["", "ab"]))}
        case "integer" | "number":
            ends = {"least": draw(st.sampled_from(["", str(-(10**14))])), "most": draw(st.sampled_from(["", "9" * 15]))}
            return {**ends, "value": draw(st.just("") | _NUMBERS)}
        case "date":
            return {"least": draw(st.just("") | _DAYS), "value": draw(st.just("") | _DAYS)}
        case "choice":
            labels = texts.map(lambda text: text[:75]).filter(str.strip)
            options = draw(st.lists(labels, min_size=1, max_size=100, unique=True))
            return {"options": tuple(options), "value": draw(st.sampled_from(["", *options]))}
        case _:
            return {"value": draw(st.sampled_from(["", "yes", "no"]))}

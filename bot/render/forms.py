"""Forms in words: what each field takes, why something is no answer to it, and the answer itself. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from agents.forms import FormField, FormValue, Misfit, text_of, written
from agents.forms.fields import MOST_DIGITS
from agents.forms.reading import Why
from agents.requests import Given, Request
from agents.state import meaning_of
from agents.text import one_line, quote
from channels import Input, Line
from language import say
from language.recorded import answer_of

_NOTHING: Mapping[str, FormValue] = MappingProxyType({})
_GOT_CHARS, _OPTIONS_CHARS, _TITLE_CHARS = 80, 300, 100

_WHY: dict[Why, str] = {
    "missing": "form.why-missing",
    "twice": "form.why-twice",
    "unknown": "form.why-unknown",
    "not_a_text": "form.why-not-a-text",
    "too_short": "form.why-too-short",
    "too_long": "form.why-too-long",
    "other_pattern": "form.why-other-pattern",
    "not_an_integer": "form.why-not-an-integer",
    "not_a_number": "form.why-not-a-number",
    "two_numbers": "form.why-two-numbers",
    "too_many_digits": "form.why-too-many-digits",
    "not_a_date": "form.why-not-a-date",
    "two_dates": "form.why-two-dates",
    "no_such_day": "form.why-no-such-day",
    "too_small": "form.why-too-small",
    "too_large": "form.why-too-large",
    "not_an_option": "form.why-not-an-option",
    "not_yes_or_no": "form.why-not-yes-or-no",
}
_WHY_OF_DATES: dict[Why, str] = {"too_small": "form.why-too-early", "too_large": "form.why-too-late"}


def inputs(fields: Iterable[FormField], kept: Mapping[str, FormValue] = _NOTHING) -> tuple[Input, ...]:
    """Return `fields` as people fill them in; `kept` stands there already, else what they mean if they are left out."""
    return tuple(
        Input(
            name=each.name,
            label=each.label,
            hint=hint(each),
            kind=each.kind,
            required=each.required,
            options=each.options,
            least=each.minimum,
            most=each.maximum,
            min_length=each.min_length,
            max_length=each.longest,
            value=written(kept.get(each.name, each.default)),
        )
        for each in fields
    )


def hint(asked: FormField) -> str:
    """Return the sentences that say what `asked` takes; options, and that it is yes or no, are seen beside it."""
    description = asked.description.strip()
    about = f"{description}." if description[-1:].isalnum() else description
    left_out = "" if asked.required else _left_out(asked)
    example = say("form.such-as", example=asked.example) if asked.example else ""
    return " ".join(filter(None, (about, _kind(asked), _range(asked), example, left_out)))


def reasons(fields: Sequence[FormField], misfits: Iterable[Misfit]) -> list[tuple[str, str]]:
    """Return why each of `misfits` is no answer, with the name of its field; empty for a line that belongs to none."""
    by_name = {each.name: each for each in fields}
    return [(one.field, _reason(by_name.get(one.field), one)) for one in misfits]


def told(fields: Sequence[FormField], misfits: Iterable[Misfit]) -> str:
    """Return all of these reasons as sentences, each with the field that it is about."""
    titles = {each.name: one_line(each.title, _TITLE_CHARS) for each in fields}
    found = ((titles.get(name, ""), why) for name, why in reasons(fields, misfits))
    return " ".join(say("form.wrong", field=title, why=why) if title else f"{why}." for title, why in found)


def answer_lines(request: Request, given: Given) -> tuple[Line, ...]:
    """Return the answer to a question: a line for each field of a form, else one without a label."""
    form, said = given.form, answer_of(meaning_of(given))
    fields = [Line(label=each.title, text=_shown(form[each.name])) for each in request.fields if each.name in form]
    if request.format == "yes_no":
        said = _shown(given.text == "yes")
    return tuple(fields) or (Line(label="", text=said),)


def _shown(value: FormValue) -> str:
    match value:
        case bool():
            return say("form.yes") if value else say("form.no")
        case None | "":
            return "–"
        case _:
            return text_of(value)


def _left_out(asked: FormField) -> str:
    usual = asked.default not in {None, ""}
    return say("form.left-out-default", value=_shown(asked.default)) if usual else say("form.left-out")


def _kind(asked: FormField) -> str:
    match asked.kind:
        case "integer":
            return say("form.integer")
        case "number":
            return say("form.number")
        case "date":
            return say("form.date")
        case "text" if asked.min_length and asked.max_length:
            return say("form.text-between", least=asked.min_length, most=asked.max_length)
        case "text" if asked.min_length > 1:
            return say("form.text-least", least=asked.min_length)
        case "text" if asked.max_length:
            return say("form.text-most", most=asked.max_length)
        case "text" | "choice" | "yes_no":
            return ""


def _range(asked: FormField) -> str:
    least, most = asked.minimum, asked.maximum
    if least and most:
        return say("form.between", least=least, most=most)
    if asked.kind == "date":
        return say("form.from", least=least) if least else say("form.until", most=most) if most else ""
    return say("form.least", least=least) if least else say("form.most", most=most) if most else ""


def _reason(asked: FormField | None, misfit: Misfit) -> str:
    is_date = asked is not None and asked.kind == "date"
    key = (_WHY_OF_DATES if is_date else {}).get(misfit.why, _WHY[misfit.why])
    asked = asked or FormField(name="")
    if misfit.why == "other_pattern" and asked.example:  # which says more to people
        return say("form.why-other-example", got=quote(misfit.got, _GOT_CHARS), example=asked.example)
    is_length = misfit.why in {"too_short", "too_long"}
    return say(
        key,
        got=quote(misfit.got, _GOT_CHARS),
        least=asked.min_length if is_length else asked.minimum,
        most=asked.longest if is_length else asked.maximum,
        digits=MOST_DIGITS,
        pattern=asked.pattern,
        options=one_line(", ".join(asked.options), _OPTIONS_CHARS),
    )

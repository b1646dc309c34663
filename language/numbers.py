"""Numbers and money as each language writes them, by babel (https://cldr.unicode.org)."""

from language import say, spoken


def whole(number: int) -> str:
    """`200,000`."""
    # babel takes longer to load than most commands take that show no number.
    from babel.numbers import format_decimal

    return format_decimal(number, locale=spoken())


def in_word(number: int) -> str:
    """`three`; figures for what is longer in a word."""
    words = dict(enumerate(say("words.numbers").split(), 2))
    return words.get(number, whole(number))


def tenths(number: float) -> str:
    """`4.2`."""
    from babel.numbers import format_decimal

    return format_decimal(number, format="0.0", locale=spoken())


def dollars(amount: float) -> str:
    """`$0.50`; a part of a cent to four places."""
    from babel.numbers import format_currency

    pattern = say("words.part-of-a-cent") if 0 < amount < 0.01 else say("words.money")
    return format_currency(amount, "USD", format=pattern, locale=spoken(), currency_digits=False)

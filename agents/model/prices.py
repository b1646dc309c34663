"""Price a model's answer by the price list that genai-prices carries: no network."""

import logging
from functools import cache

log = logging.getLogger(__name__)

_PROVIDER = "anthropic"


def cost_usd(model: str, *, into: int, out: int, cache_read: int = 0, cache_write: int = 0) -> float | None:
    """US dollars for so many tokens; `into` counts the cached ones too. None when the price is not known.

    The first question loads a large module, 0.3 s or, not compiled yet, some seconds: ask from a thread.
    """
    # Whoever has no model never loads the list.
    from genai_prices import Usage, calc_price  # noqa: PLC0415

    if not is_priced(model):
        return None
    usage = Usage(input_tokens=into, output_tokens=out, cache_read_tokens=cache_read, cache_write_tokens=cache_write)
    try:
        return round(float(calc_price(usage, model, provider_id=_PROVIDER).total_price), 6)
    except ValueError as error:
        # Counts that contradict each other: the answer may be good all the same.
        log.warning("the tokens of %s have no price: %s", model, error)
        return None


@cache
def is_priced(model: str) -> bool:
    """Return whether the price of a model is known. Of each one that is not, the log says so once."""
    from genai_prices import Usage, calc_price  # noqa: PLC0415

    try:
        calc_price(Usage(input_tokens=1, output_tokens=1), model, provider_id=_PROVIDER)
    except LookupError:
        log.warning(
            "the price of %s is not known: its steps do not count towards max_cost_usd. "
            "Rely on max_tokens, or name a model that has a price",
            model,
        )
        return False
    return True

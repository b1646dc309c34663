"""Price a model's answer by its settings, or by the price list that genai-prices carries: no network."""

import logging
from dataclasses import dataclass
from functools import cache

log = logging.getLogger(__name__)

_MAKER = "anthropic"
_A_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens; `cached` for those of the input that were read from a cache."""

    into: float
    out: float
    cached: float | None = None

    def of(self, into: int, out: int, cache_read: int) -> float:
        """Return the price of so many tokens; `into` counts the cached ones too."""
        cached = self.into if self.cached is None else self.cached
        dollars = (into - cache_read) * self.into + cache_read * cached + out * self.out
        return round(dollars / _A_MILLION, 6)


def cost_usd(
    model: str,
    *,
    into: int,
    out: int,
    cache_read: int = 0,
    cache_write: int = 0,
    maker: str = _MAKER,
    price: Price | None = None,
    is_free: bool = False,
) -> float | None:
    """US dollars for so many tokens; `into` counts the cached ones too. None when the price is not known.

    `price` counts instead of the list; a model that `is_free` costs nothing where neither says otherwise.
    The first question loads a large module, 0.3 s or, not compiled yet, some seconds: ask from a thread.
    """
    if price is not None:
        return price.of(into, out, cache_read)
    # Whoever has no model never loads the list.
    from genai_prices import Usage, calc_price  # noqa: PLC0415

    if not is_priced(model, maker, is_free=is_free):
        return 0.0 if is_free else None
    usage = Usage(input_tokens=into, output_tokens=out, cache_read_tokens=cache_read, cache_write_tokens=cache_write)
    try:
        return round(float(calc_price(usage, model, provider_id=maker).total_price), 6)
    except ValueError as error:
        # Counts that contradict each other: the answer may be good all the same.
        log.warning("the tokens of %s have no price: %s", model, error)
        return None


@cache
def is_priced(model: str, maker: str = _MAKER, *, is_free: bool = False) -> bool:
    """Return whether the list has the price of a model. Of each one that it lacks and is not free, the log says so."""
    from genai_prices import Usage, calc_price  # noqa: PLC0415

    try:
        calc_price(Usage(input_tokens=1, output_tokens=1), model, provider_id=maker)
    except LookupError:
        if not is_free:
            log.warning(
                "the price of %s is not known: its steps do not count towards max_cost_usd. "
                "Rely on max_tokens, or name a model that has a price",
                model,
            )
        return False
    return True

"""What people read, by key and not by its English words: a test that names the key outlives a better sentence."""

import re

from language import say
from language.catalogs import sentence

_NAME = re.compile(r"\{\w+\}")


def said(key: str, /, **values: object) -> str:
    """Return the sentence `key` in English as the catalog has it, filled from `values`; of one with a name that has no
    value, the longest part without a name. Raises KeyError where no catalog has the key.
    """
    template = sentence("en", key)
    names = {name[1:-1] for name in _NAME.findall(template)}
    if names <= values.keys():
        return say(key, **values)
    return max(_NAME.split(template), key=len).strip()

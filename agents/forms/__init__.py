"""Forms: a question with typed fields, as plain data, and an answer to one, read in one closed way. Pure.

Others use `FormField` and `FormValue`, `form_of` (a pydantic model as fields), `unaskable`, and `fill` and
`fill_lines`, which read an answer. `words` has the closed ways to name one of a few answers. Nothing here knows of
channels.
"""

from agents.forms.fields import FormField, FormValue, text_of, written
from agents.forms.models import form_of, unaskable
from agents.forms.reading import Filled, Misfit, fill, fill_lines

__all__ = [
    "Filled",
    "FormField",
    "FormValue",
    "Misfit",
    "fill",
    "fill_lines",
    "form_of",
    "text_of",
    "unaskable",
    "written",
]

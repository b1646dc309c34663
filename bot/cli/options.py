"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path | None, typer.Option("--data", help="The data directory; $SAYSO_DATA_DIR, else .sayso/ here.", metavar="DIR")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

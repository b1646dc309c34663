"""Checks that there is room on disks."""

from bot.doctor.finding import Finding

LOW_BYTES = 2_000_000_000
"""Below that somebody should look: git mirrors, results and the log of Redis grow by days, not by hours."""

NONE_BYTES = 100_000_000
"""Below that writes are about to fail, and without them no answer can be acknowledged."""

_UNITS = ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "KB"))


def room(where: str, free_bytes: int) -> Finding:
    """Return how much room there is on the disk of `where`."""
    what, fix = f"{amount(free_bytes)} are free on the disk of {where}", "delete what nobody needs there, or grow it"
    if free_bytes < NONE_BYTES:
        return Finding(sign="✗", what=f"only {what}", fix=fix)
    return Finding(sign="!", what=f"only {what}", fix=fix) if free_bytes < LOW_BYTES else Finding(sign="✓", what=what)


def amount(size_bytes: int) -> str:
    """`1.5 GB`."""
    for unit, name in _UNITS:
        if size_bytes >= unit:
            return f"{size_bytes / unit:.1f} {name}"
    return f"{size_bytes} bytes"

"""A storm over every process, judged from outside.

    bench/run storm --seconds 60 --seed 17
    bench/run storm --long                       until 25,000 approvals, more than an hour
    bench/run storm --servers cluster            or sentinel

A whole installation on real servers: people ask, approve, deny, come late or forge, a fifth of it twice, while
processes and Redis are killed, freeze, run out of memory or disk, and Slack is away. It fails if anything is lost,
executed twice or without a valid decision, shown wrongly or stuck for 60 s, or if one of these disturbances did not
happen.

It needs what the tests need, and root for the mail servers. Exit code 1 when anything went wrong.
"""

import argparse
import random
import sys
from dataclasses import replace

from tests.storm.storm import SkippedHere, Wanted, table

# A long storm kills less often than a short one: processes that only start approve nothing.
_LONG, _LONG_AT_ONCE, _LONG_CALM = 25_000, 60, 4.0


def main() -> None:
    """Print the table of a storm; exit code 1 unless nothing went wrong, and enough was tried to say so."""
    parser = argparse.ArgumentParser(
        prog="bench/run storm", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60, help="how long it lasts at least")
    parser.add_argument("--approvals", type=int, help="how many approvals it has at least")
    parser.add_argument("--seed", type=int, help="what it is drawn from; any if not given")
    parser.add_argument("--long", action="store_true", help="until 25,000 approvals")
    parser.add_argument(
        "--servers",
        choices=("one", "cluster", "sentinel"),
        default="one",
        help="one Redis (default), a cluster of 3 masters and 3 replicas, or a master, 2 replicas and 3 Sentinels",
    )
    options = parser.parse_args()
    seed = random.randrange(2**16) if options.seed is None else options.seed  # noqa: S311
    print(f"seed {seed}", flush=True)
    wanted = Wanted(options.seconds, seed=seed, setup=options.servers)
    if options.long:
        wanted = replace(wanted, approvals=_LONG, at_once=_LONG_AT_ONCE, calm=_LONG_CALM)
    if options.approvals is not None:
        wanted = replace(wanted, approvals=options.approvals)
    try:
        is_well, lines = table(wanted)
    except SkippedHere as error:
        is_well, lines = False, f"No storm here: {error}"
    print(lines)
    sys.exit(0 if is_well else 1)


if __name__ == "__main__":
    main()

"""Start one of the tools that measure sayso or look for what is wrong with it; `bench/run TOOL --help` says more."""

import argparse
import sys
from importlib import import_module

TOOLS = {
    "ab": "two commits in turns: what one approval cycle costs with each",
    "race": "sayso beside other engines, on the same unit of work",
    "mails": "how well replies are read, beside other libraries and without some words",
    "storm": "a whole installation while everything fails, judged from outside",
    "faults": "named rules of the product, each with a change that breaks it",
    "matrix": "  of faults: which tests miss which broken rule",
    "mutants": "  of faults: each check that is removed, and the test that misses it",
    "walk": "the modules that run for one approval by mail",
    "waits": "how soon thousands of agents that wait hear of an answer, and what they cost",
    "unruly": "runs behind a chaos proxy, with models that misbehave, or with a real model",
}
"""The eight tools by the module of each; `matrix` and `mutants` belong to `faults`."""


def main() -> None:
    """Run the tool that the command line names, as if it had been started by itself."""
    listed = "\n".join(f"  {name:8} {what}" for name, what in TOOLS.items())
    parser = argparse.ArgumentParser(
        prog="bench/run", usage="bench/run TOOL [OPTION…]", description=f"{__doc__}\n\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("tool", choices=TOOLS, metavar="TOOL", help="one of these")
    tool = parser.parse_args(sys.argv[1:2]).tool
    sys.argv = [f"bench/run {tool}", *sys.argv[2:]]
    import_module(f"bench.{tool}").main()


if __name__ == "__main__":
    main()

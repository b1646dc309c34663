"""`python -m tests.fakes.slack --port 0`: prints its address as one line of JSON, and serves until it is stopped."""

import argparse
import contextlib

import uvloop

from tests.fakes.slack.server import serve

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A stand-in for Slack on loopback")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(serve(parser.parse_args().port))

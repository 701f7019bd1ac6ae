"""python -m infra.local.pubsub --port P: the emulator as a process, until SIGTERM or SIGINT."""

import argparse
import asyncio
import signal
import sys

from infra.local.pubsub.server import Settings, serving


async def _serve(settings: Settings) -> None:
    closing = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, closing.set)
    async with serving(settings) as (host, _):
        sys.stdout.write(f"listening on {host}\n")
        sys.stdout.flush()
        await closing.wait()


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.pubsub", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--time-scale", type=float, default=1.0, help="emulator seconds per real second")
    parser.add_argument("--push-concurrency", type=int, default=20, help="posts at once per subscription")
    options = parser.parse_args()
    asyncio.run(_serve(Settings(options.port, options.time_scale, options.push_concurrency)))


if __name__ == "__main__":
    main()

"""The commands behind the Makefile: `python -m devstack run | test | lint | bench | manage …`."""

import os
import sys

from devstack import checks, portal
from devstack.paths import PROJECT
from devstack.servers import StackError


def bench(options: list[str]) -> int:
    """Measure the portal. Raises StackError while there is nothing to measure it with."""
    if not (PROJECT / "benchmarks" / "run.py").exists():
        raise StackError("Il n’y a pas encore de mesures dans ce dossier (benchmarks/run.py).")
    return portal.with_servers([sys.executable, "benchmarks/run.py", *options])


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code."""
    match arguments:
        case ["run"]:
            return portal.run(os.environ.get("PORT") or "8000")
        case ["test", *options]:
            return checks.run_all(options)
        case ["lint"]:
            return checks.run_static()
        case ["manage", *options]:
            return portal.with_servers([sys.executable, "manage.py", *options])
        case ["bench", *options]:
            return bench(options)
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)

"""Shows what changed between two runs of the benchmarks, line by line.

Usage: python -m benchmarks.compare A B; each is a JSON file of a run or a revision that was
measured.
"""

import argparse
import sys

from benchmarks import history


def main() -> int:
    """Print the table; return 1 if one of the runs is not there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("before", metavar="A")
    parser.add_argument("after", metavar="B")
    arguments = parser.parse_args()
    try:
        runs = history.load(arguments.before), history.load(arguments.after)
    except LookupError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(history.compare(*runs)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

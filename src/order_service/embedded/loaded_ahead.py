"""Becomes a program of this package that has loaded its modules before its addresses are known.

Run as `python -m order_service.embedded.loaded_ahead <modules> <module> [argument…]`, the modules
separated by commas. Imports take most of the start of a program, and need none of the servers that
it will talk to. Then one line is read from stdin: a JSON object of environment variables, with
which the program begins. It never begins if stdin ends before.
"""

import json
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

from order_service.infra.loading import modules_loading


def main(modules: str, *command: str) -> None:
    """Load, wait, and run; return what the program returns."""
    with modules_loading():
        for module in filter(None, modules.split(",")):
            import_module(module)
    line = sys.stdin.readline()
    if not line:
        sys.exit("nobody said where the servers are")
    # The program shall find what any program in the background finds there.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    become(command, json.loads(line))


def become(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run a module with arguments as if this process had begun with it, in a larger environment."""
    os.environ.update(environment)
    sys.argv = list(command)
    runpy.run_module(command[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Our relay in a process of its own. Usage: python -m benchmarks.relay_process <schema>."""

import sys

from order_service.bootstrap.contexts import installed
from order_service.context.process import Process
from order_service.context.relaying import Relaying
from order_service.infra.signals import set_on_stop_signals


def main(schema: str) -> None:
    """Relay until SIGTERM."""
    contexts = installed()
    with Process(contexts.load_config(), scopes=contexts.scopes) as process:
        set_on_stop_signals(process.stopping)
        Relaying(process, schema, ()).run()


if __name__ == "__main__":
    main(sys.argv[1])

"""`python -m order_service` is `order-service`.

Worker processes of the API import the program's script again, so that must load nothing by itself.
"""

import sys

from order_service.infra.loading import modules_loading


def main() -> None:
    """Run the command line."""
    # structlog loads it where the tools of developers have brought it: a twentieth of the time in
    # which a process starts, and errors would be logged otherwise than where it is used.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # as if it were not installed
    with modules_loading():
        from order_service.cli import main as command  # noqa: PLC0415 - see above
    command()


if __name__ == "__main__":
    main()

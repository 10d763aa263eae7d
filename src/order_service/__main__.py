"""`python -m order_service` is `order-service`.

Worker processes of the API import the program's script again, so that must load nothing by itself.
"""

from order_service.infra.loading import modules_loading


def main() -> None:
    """Run the command line."""
    with modules_loading():
        from order_service.cli import main as command  # noqa: PLC0415 - see above
    command()


if __name__ == "__main__":
    main()

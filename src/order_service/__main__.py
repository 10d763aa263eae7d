"""`python -m order_service` is `order-service`."""

from order_service.cli import main

if __name__ == "__main__":
    main()

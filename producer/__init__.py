"""Publishes sample orders to Kafka: `python -m producer --help`.

It stands for the shops: it speaks only Kafka and shares no code with the service, so that what
the service accepts is checked against an independent idea of an order.
"""

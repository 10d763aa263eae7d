"""The contract between a context and the machinery, and what a process lends to a context.

A context says in one value (:class:`Context`) what it brings: settings, routes, workers, commands,
rights, topics. The machinery makes processes out of the contexts that the configuration turns on,
and knows none of them by name.
"""

from order_service.http.access import Scope
from order_service.infra.kafka.topic import Topic

from .contract import Context, Contexts, Demo, Work, Worker

__all__ = ["Context", "Contexts", "Demo", "Scope", "Topic", "Work", "Worker"]

"""The server: HTTP/1.1 for one WSGI application, in processes that are watched over.

``main_process`` listens and keeps ``worker``s alive. Each of them has an event loop with a
``connection`` for every client, and answers what it can in that loop (``site.Quick``); everything
else is called as WSGI wants it, in the threads of the ``gateway``.
"""

from .main_process import serve
from .settings import ServerSettings

__all__ = ["ServerSettings", "serve"]

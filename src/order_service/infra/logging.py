"""Structured logs of the whole process in one form: ours and those of the libraries.

People on a terminal get coloured lines, machines get one JSON object a line. A log that cannot
be written is lost, but never stops the service; secrets and personal data are masked before any
line is rendered.
"""

import logging
import os
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog
from structlog.typing import Processor

from order_service.infra.redaction import Redaction, redact_exception

# Libraries that say at INFO what only they care about.
_CHATTY = ("kafka", "yoyo", "werkzeug", "asyncio")
_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
)


_JSON = structlog.processors.JSONRenderer(default=repr, skipkeys=True)


class UnfailingStream:
    """Writes text where it can and drops it where it cannot: disk full, reader gone, closed.

    A stream with a file descriptor gets each text in one system call, past all buffers: lines
    of several processes on one pipe do not mix, and no unwritable rest fails at exit. The call
    blocks for as long as the reader of a pipe does not read.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._descriptor = _descriptor_of(stream)

    def write(self, text: str) -> int:
        """Write the text or drop it; never raise."""
        with suppress(OSError, ValueError):
            self._write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what can be flushed; never raise."""
        with suppress(OSError, ValueError):
            self._stream.flush()

    def isatty(self) -> bool:
        """Whether a person is watching."""
        return self._descriptor is not None and os.isatty(self._descriptor)

    def _write(self, text: str) -> None:
        if self._descriptor is None:
            self._stream.write(text)
            return
        rest = text.encode("utf-8", "backslashreplace")
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]


def configure_logging(
    level: str,
    fmt: str,
    stream: TextIO | None = None,
    masked_keys: frozenset[str] = frozenset(),
) -> None:
    """Send every log record of this process to `stream` (standard error) in one form.

    Args:
        level: `debug`, `info`, `warning`, `error` or `critical`.
        fmt: `console`, `json`, or `auto`: console on a terminal, else json.
        stream: where to write; may be closed, full or broken at any time.
        masked_keys: keys that are masked besides those of `redaction.MASKED_KEYS`.

    May be called again; the last call holds. Loggers made earlier follow.
    """
    output = UnfailingStream(sys.stderr if stream is None else stream)
    colours = output.isatty() and "NO_COLOR" not in os.environ
    console = fmt == "console" or (fmt == "auto" and output.isatty())
    handler = logging.StreamHandler(output)
    renderer = _console(colours=colours) if console else _JSON
    handler.setFormatter(_formatter(Redaction(masked_keys), renderer))
    _replace_root_handler(handler, level.upper())
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # Loggers of modules are made before this runs and must follow a later configuration.
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of that name: `log.info("batch stored", messages=500)`.

    The event is a fixed phrase; what varies goes into the keys. Values under keys that name
    secrets or personal data (see `redaction.MASKED_KEYS`) are masked, `address` among them: log
    the addresses of servers as `host`, `port` or `url`.
    """
    return cast("structlog.stdlib.BoundLogger", structlog.get_logger(name))


def _replace_root_handler(handler: logging.Handler, level: str) -> None:
    logging.raiseExceptions = False  # a record that cannot be rendered is dropped silently
    logging.captureWarnings(capture=True)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    quiet = logging.INFO if level == "DEBUG" else max(logging.WARNING, root.level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(quiet)


def _formatter(redaction: Redaction, renderer: Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_SHARED, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            redaction,
            structlog.processors.format_exc_info,
            redact_exception,
            renderer,
        ],
    )


def _console(*, colours: bool) -> Processor:
    plain = structlog.dev.plain_traceback  # the traces arrive formatted, and masked
    return structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=plain)


def _descriptor_of(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return None

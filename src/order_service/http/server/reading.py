"""How bytes become requests.

llhttp, the parser of Node.js, decides what a request is, and is strict about it (httptools). What
it leaves open is decided and bounded here: the size of a head and of a body, the Host field, other
protocols.
"""

import re
from http import HTTPStatus
from typing import NamedTuple, Protocol

from httptools import HttpRequestParser
from httptools.parser.errors import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserInvalidMethodError,
    HttpParserUpgrade,
)

from .request import Fields, Request
from .settings import ServerSettings

_HOST, _EXPECT, _LENGTH = len("host"), len("expect"), len("content-length")
_AROUND = len(": \r\n")

_VERSIONS = frozenset(("1.0", "1.1"))

_unknown_method = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e]+ HTTP/1\.[01]\r\n").match


class Reader(Protocol):
    """Told what was read."""

    def take(self, request: Request) -> None:
        """Take a request; the last one of its connection if it does not keep it."""

    def refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answer what cannot be read; nothing more is read after it."""

    def go_ahead(self) -> None:
        """Tell the client to send the body that it has announced."""


class RequestReading:
    """Reads the requests of one connection.

    Args:
        reader: Told of them.
        settings: Of the server; they say how large a head and a body may be.

    Attributes:
        begun: Whether a part of a request has come.
        ended: Whether nothing more is read.
        discards: Whether the rest of a body that is too large may still come.
    """

    def __init__(self, reader: Reader, settings: ServerSettings) -> None:
        self._reader = reader
        self._most_head = settings.max_header_bytes
        self._most_body = settings.max_body_bytes
        self._parser = HttpRequestParser(self)
        self._upgrades = False
        self.ended = False
        self.discards = False
        self._forget()

    def _forget(self) -> None:
        """Begin with the next request."""
        self._target = b""
        self._fields: Fields = []
        self._body = b""
        self._head_bytes = 0
        self._in_body = False
        self.begun = False

    def feed(self, data: bytes) -> None:
        """Read on."""
        if not self._in_body:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self._read_on_without_upgrade(data[upgrade.args[0] :])
        except HttpParserCallbackError as error:
            raise (error.__context__ or error) from None  # ours, not the client's
        except HttpParserInvalidMethodError:
            if _unknown_method(data):
                self._refuse(HTTPStatus.NOT_IMPLEMENTED, "This method is not known here.")
            else:
                self._refuse(HTTPStatus.BAD_REQUEST, "This is not HTTP/1.1.")
        except HttpParserError:
            self._refuse(HTTPStatus.BAD_REQUEST, "This is not HTTP/1.1.")
        if not self._in_body and self._head_bytes > self._most_head:
            self._refuse_head()

    # The parser's calls.

    def on_message_begin(self) -> None:
        """Note that a request begins."""
        self.begun = True

    def on_url(self, url: bytes) -> None:
        """Note what is asked for; a long one comes in parts."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a field."""
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Judge the head, and have the body sent if there is one."""
        self._in_body = True
        if self.ended:
            return
        parser = self._parser
        version = parser.get_http_version()
        size, hosts, length, expects = _looked_through(self._fields)
        if size + len(self._target) > self._most_head:
            self._refuse_head()
        elif version not in _VERSIONS:
            self._refuse(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "This is not HTTP/1.1.")
        elif hosts != 1 and (hosts or version == "1.1"):  # RFC 9112, section 3.2
            self._refuse(HTTPStatus.BAD_REQUEST, "There must be one Host field.")
        elif parser.should_upgrade() and parser.get_method() != b"CONNECT":
            self._upgrades = True
        elif length > self._most_body:
            self._cut_off()
        elif expects and version == "1.1":
            self._reader.go_ahead()

    def on_body(self, data: bytes) -> None:
        """Keep a part of the body."""
        if self.ended:
            return
        self._body += data
        if len(self._body) > self._most_body:
            self._cut_off()

    def on_message_complete(self) -> None:
        """Hand the request on."""
        if self._upgrades or self.ended:
            return
        self._complete(keeps=self._parser.should_keep_alive())
        self._forget()

    # What becomes of them.

    def _complete(self, *, keeps: bool) -> None:
        parser = self._parser
        method = parser.get_method().decode("latin-1")
        if not keeps or method == "CONNECT":
            keeps, self.ended = False, True
        version = parser.get_http_version()
        self._reader.take(Request(method, self._target, self._fields, self._body, version, keeps))

    def _cut_off(self) -> None:
        """Hand on a request whose body is too large, for the application to refuse."""
        self.discards = True
        self._body = self._body[: self._most_body + 1]
        self._complete(keeps=False)

    def _read_on_without_upgrade(self, rest: bytes) -> None:
        """Read a request on as if it asked for no other protocol (RFC 9110, section 7.8).

        The parser takes what comes after its head for the other protocol's.
        """
        if not self._upgrades:  # CONNECT: nothing else comes on this connection
            return
        self._upgrades = False
        method, version = self._parser.get_method(), self._parser.get_http_version()
        fields = [field for field in self._fields if field[0].lower() != b"upgrade"]
        head = b"%b %b HTTP/%b\r\n" % (method, self._target, version.encode())
        head += b"".join(b"%b: %b\r\n" % field for field in fields) + b"\r\n"
        self._parser = HttpRequestParser(self)
        self._forget()
        self.feed(head + rest)

    def _refuse_head(self) -> None:
        self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The head is too large.")

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        if not self.ended:
            self.ended = True
            self._reader.refuse(status, detail)


class _Head(NamedTuple):
    """What is to be known of the fields of a head.

    Attributes:
        size: In bytes.
        hosts: How many Host fields there are.
        length: What Content-Length says; 0 without.
        expects: Whether the client waits to be told to go ahead with the body.
    """

    size: int
    hosts: int
    length: int
    expects: bool


def _looked_through(fields: Fields) -> _Head:
    size = hosts = length = 0
    expects = False
    for name, value in fields:
        # Comparing lengths first is cheaper than making every name lower case.
        known = len(name)
        size += known + len(value) + _AROUND
        if known == _HOST and name.lower() == b"host":
            hosts += 1
        elif known == _EXPECT and name.lower() == b"expect":
            expects = value.lower() == b"100-continue"
        elif known == _LENGTH and name.lower() == b"content-length":
            length = int(value)
    return _Head(size, hosts, length, expects)

"""Certificates for tests, made by the openssl program: an authority, and who it vouches for."""

import subprocess
from pathlib import Path
from typing import NamedTuple

from order_service.embedded.server import program

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


class Identity(NamedTuple):
    """A certificate and its key, both PEM files."""

    certificate: Path
    key: Path

    def in_one_file(self) -> Path:
        """The file that holds the key and then the certificate, as Kafka wants them."""
        both = self.certificate.with_suffix(".both.pem")
        both.write_text(self.key.read_text() + self.certificate.read_text())
        return both


class Authority:
    """Signs certificates of servers and clients on this machine.

    Attributes:
        certificate: What those who trust it are given; a PEM file.
    """

    def __init__(self, folder: Path, name: str = "authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = folder / f"{name}.key"
        self.certificate = folder / f"{name}.pem"
        usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
        _openssl(*self._request(self._key, self.certificate, name), *usage)

    def issue(self, name: str, addresses: str = "IP:127.0.0.1,DNS:localhost") -> Identity:
        """Return a new certificate for `addresses`, with `name` as its common name."""
        identity = Identity(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        signed = ("-CA", str(self.certificate), "-CAkey", str(self._key))
        names = ("-addext", f"subjectAltName={addresses}")
        leaf = ("-addext", "basicConstraints=critical,CA:FALSE")
        request = self._request(identity.key, identity.certificate, name)
        _openssl(*request, *signed, *names, *leaf)
        return identity

    @staticmethod
    def _request(key: Path, certificate: Path, name: str) -> list[str]:
        files = ["-keyout", str(key), "-out", str(certificate)]
        return ["req", "-x509", *_KEY, *files, "-subj", f"/CN={name}"]


def _openssl(*arguments: str) -> None:
    subprocess.run([program("openssl"), *arguments], check=True, capture_output=True)

"""A real schema registry for tests: Apicurio, which has the API of Confluent's."""

import shutil
import subprocess
import tarfile
import urllib.request
from pathlib import Path

from order_service.embedded.apache_kafka.jars import jars_folder, java
from order_service.embedded.lock import waited_for
from order_service.embedded.ports import HOST, Port
from order_service.embedded.server import ServerProcess

VERSION = "2.6.13.Final"
"""The last one for Java 17; 3.x needs Java 21."""

_ARTIFACT = f"io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all"
_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"


def fetch() -> Path:
    """The folder with the registry, which Maven brings (142 MB) if it is not there yet."""
    folder = jars_folder().with_name(f"apicurio-{VERSION}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with waited_for(folder.with_name(f"{folder.name}.lock")):
        if not folder.exists():
            partial = folder.with_name(f"{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            command = ["mvn", "-q", "-B", _GOAL, f"-Dartifact={_ARTIFACT}"]
            command += [f"-DoutputDirectory={partial}"]
            subprocess.run(command, check=True, capture_output=True, timeout=600)
            (archive,) = partial.glob("*.tar.gz")
            with tarfile.open(archive) as packed:
                packed.extractall(partial, filter="data")
            archive.unlink()
            partial.rename(folder)
    return folder


class RegistryServer(ServerProcess):
    """Apicurio on 127.0.0.1, with its schemas in memory."""

    def __init__(self, folder: Path) -> None:
        super().__init__("apicurio", folder, start_timeout=120.0)
        self._port = Port()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port.number}/apis/ccompat/v7"

    def environment(self) -> dict[str, str]:
        return {"SCHEMA_REGISTRY_URL": self.url}

    def _command(self) -> list[str]:
        (runner,) = fetch().glob("*-runner.jar")
        listen = [f"-Dquarkus.http.host={HOST}", f"-Dquarkus.http.port={self._port.claim()}"]
        return [java(), "-Xmx256m", *listen, "-jar", str(runner)]

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/subjects", timeout=1) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False

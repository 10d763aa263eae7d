"""Java and the jars of Apache Kafka: whether they can be had, and where they are.

Maven resolves the jars once into a cache folder of the user; after that neither Maven nor the
network is needed.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from order_service.embedded.lock import waited_for
from order_service.embedded.processes import EmbeddedServerError

_POM = Path(__file__).parent / "pom.xml"
_OLDEST_JAVA = 17
_MAVEN_SECONDS = 600.0


def kafka_version() -> str:
    """Return the version of Apache Kafka that the pom names."""
    found = re.search(r"<kafka\.version>(.+?)</kafka\.version>", _POM.read_text())
    if found is None:
        raise EmbeddedServerError(f"{_POM} names no version of Kafka")
    return found[1]


def jars_folder() -> Path:
    """Return where the jars are, or will be: under ORDER_SERVICE_CACHE_DIR if that is set."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = Path(os.environ.get("ORDER_SERVICE_CACHE_DIR") or Path(base, "order-service"))
    return cache.absolute() / f"kafka-{kafka_version()}"


def java() -> str:
    """Return the java to run: that of JAVA_HOME, else the first on the PATH, else just its name."""
    home = os.environ.get("JAVA_HOME")
    return str(Path(home, "bin/java")) if home else shutil.which("java") or "java"


def available() -> str | None:
    """Return why Apache Kafka cannot be run here, or None if it can. Blocks for java's start."""
    if sys.platform == "win32":
        return "Windows is not supported"
    version = _java_version()
    if version is None:
        return "there is no java"
    if version < _OLDEST_JAVA:
        return f"java is version {version}, Kafka needs {_OLDEST_JAVA} or later"
    if not jars_folder().exists() and shutil.which("mvn") is None:
        return "there is no mvn to fetch its jars"
    return None


def fetch() -> Path:
    """Return the folder of the jars, resolved by Maven if they are not there yet.

    Blocks for minutes at worst; parallel callers, in other processes too, wait for the first.

    Raises:
        EmbeddedServerError: Maven failed; the text ends with what it said.
    """
    folder = jars_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with waited_for(folder.with_name(f"{folder.name}.lock")):
        if not folder.exists():
            partial = folder.with_name(f"{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            _resolve(partial)
            partial.rename(folder)
    return folder


def _resolve(target: Path) -> None:
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={target}", "-DincludeScope=runtime"]
    command = [shutil.which("mvn") or "mvn", "--quiet", "--batch-mode", "--file", str(_POM), *goal]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_MAVEN_SECONDS)  # noqa: S603  fixed words and our own paths
    except subprocess.CalledProcessError as error:
        raise EmbeddedServerError(f"Maven failed:\n{error.stdout[-2000:]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EmbeddedServerError(f"Maven failed: {error}") from error


def _java_version() -> int | None:
    """Return the feature version of java: 17 of `17.0.15`, 8 of `1.8.0_442`."""
    try:
        said = subprocess.run([java(), "-version"], capture_output=True, text=True, check=True)  # noqa: S603  found by us
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', said.stderr)
    return int(found[1]) if found else None

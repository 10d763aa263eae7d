"""What can be wrong with a configuration: all of it, told at once."""

from dataclasses import dataclass


def variable_of(path: str) -> str:
    """Return the environment variable that overrides a key: `http.port` -> `HTTP_PORT`."""
    return path.replace(".", "_").upper()


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: the key's path, what is wrong, and where the value stands."""

    path: str
    problem: str
    origin: str = ""

    def __str__(self) -> str:
        origin = self.origin or f"set it in config.yml or in {variable_of(self.path)}"
        return f"{self.path}: {self.problem} ({origin})"


class ConfigError(Exception):
    """The configuration cannot be used; `faults` holds every reason, `str` a line for each."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(faults)
        self.faults = faults

    def __str__(self) -> str:
        return "\n".join(map(str, self.faults))

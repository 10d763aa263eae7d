"""Writes the Python code of the .proto files into the contexts that own them.

    python schemas/generate.py [FOLDER]

`FOLDER` stands in for src/order_service/contexts. Generated code is never edited by hand.
"""

import re
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = ROOT / "schemas"
CONTEXTS = ROOT / "src/order_service/contexts"
GENERATED = "generated"

# Contexts that read messages of another one have the code of them, too: contexts never import each
# other.
READERS = (("accounts/v1/events.proto", "loyalty"),)

# The compiler knows packages by their place in schemas/; ours lie side by side in one folder.
_OWN_IMPORT = re.compile(r"^from \w+\.v\d+ import (\w+_pb2)", re.MULTILINE)


def generate(contexts: Path = CONTEXTS) -> None:
    """Compile all files; each context gets the code of its own, and of what it reads."""
    for owner in sorted(path for path in SCHEMAS.iterdir() if path.is_dir()):
        files = sorted(owner.rglob("*.proto"))
        if files:
            _compile([file.relative_to(SCHEMAS) for file in files], contexts / owner.name)
    for file, reader in READERS:
        _compile([Path(file)], contexts / reader)


def _compile(files: list[Path], context: Path) -> None:
    target = context / GENERATED
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        outputs = [f"--{kind}_out={scratch}" for kind in ("python", "pyi", "grpc_python")]
        arguments = ["protoc", f"-I{SCHEMAS}", f"-I{_well_known()}", *outputs, *map(str, files)]
        if protoc.main(arguments):
            raise SystemExit("the .proto files have faults")
        for file in sorted(Path(scratch).rglob("*.py*")):
            text = _OWN_IMPORT.sub(r"from . import \1", file.read_text())
            if "class " in text or "DESCRIPTOR" in text:
                (target / file.name).write_text(text)


def _well_known() -> Path:
    """Return where the messages of google.protobuf are."""
    return Path(protoc.__file__).parent / "_proto"


if __name__ == "__main__":
    generate(*map(Path, sys.argv[1:]))

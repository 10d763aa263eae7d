"""As many lookups as a server can answer: wrk where it is installed, else our own client."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from benchmarks.client import Client, Load

CONNECTIONS = 16

# wrk formats the requests once; what is left in the loop is an index.
_SCRIPT = """
local requests, next = {}, 0
function init(args)
  for path in io.lines(args[1]) do requests[#requests + 1] = wrk.format("GET", path) end
end
function request()
  next = next % #requests + 1
  return requests[next]
end
function done(summary, latency, _)
  local e = summary.errors
  io.write(string.format(
    '\\n{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "errors": %d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, e.connect + e.read + e.write + e.status + e.timeout))
end
"""


def full_load(
    port: int, paths: Sequence[str], seconds: float, connections: int = CONNECTIONS
) -> Load:
    """Get `paths` over and over on keep-alive connections, each as soon as it is answered.

    Raises:
        RuntimeError: Some request was not answered with 200.
    """
    if shutil.which("wrk"):
        return _wrk(port, paths, seconds, connections)
    with closing(Client(port, paths, connections)) as client:
        return client.run(seconds)


def _wrk(port: int, paths: Sequence[str], seconds: float, connections: int) -> Load:
    with tempfile.TemporaryDirectory() as folder:
        script, list_of_paths = Path(folder, "load.lua"), Path(folder, "paths")
        script.write_text(_SCRIPT)
        list_of_paths.write_text("\n".join(paths))
        url = f"http://127.0.0.1:{port}"
        shape = ["-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
        command = ["wrk", *shape, "-s", str(script), url, "--", str(list_of_paths)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = json.loads(output.splitlines()[-1])
    if found["errors"]:
        raise RuntimeError(f"{found['errors']} of {found['requests']} requests failed")
    rate = found["requests"] / found["seconds"]
    return Load(rate, found["p50"], found["p99"], found["requests"])

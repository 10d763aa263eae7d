"""Programs that begin as forks of a process which has loaded their modules."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from io import StringIO
from pathlib import Path

import psutil
import pytest

from order_service.embedded import forking
from order_service.embedded.console import Console
from order_service.embedded.forking import ForkServer, NoForkError
from order_service.embedded.launching import Launch, Output
from order_service.embedded.process_table import process_tree
from order_service.embedded.services import Service, SetupStep
from order_service.embedded.workload import Program
from order_service.infra.loading import FORKS
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(not FORKS, reason="programs are forked on Linux alone")

WAIT_S = 20.0
_TOLD = """
import json, os, sys
import heavy
told = {
    "arguments": sys.argv[1:], "address": os.environ["ADDRESS"], "input": sys.stdin.read(),
    "loaded_by": heavy.PID, "pid": os.getpid(), "parent": os.getppid(), "session": os.getsid(0),
    "title": open("/proc/self/cmdline").read().strip("\\0"),
    "open": sorted(map(int, os.listdir("/proc/self/fd")))[:-1],
}
print(json.dumps(told), flush=True)
sys.exit(3)
"""
_MODULES = {
    "heavy": "import os\nPID = os.getpid()\n",
    "broken": "raise RuntimeError('not today')\n",
    "told": _TOLD,
    "needs_broken": "import broken\n",
    # In one piece, as another process may write into the same pipe.
    "sleeps": "import os, time\nos.write(1, b'asleep\\n')\ntime.sleep(60)\n",
}


@pytest.fixture
def forks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ForkServer]:
    for name, text in _MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))
    monkeypatch.setenv("ADDRESS", "nowhere yet")
    server = ForkServer(tmp_path)
    server.start()
    with closing(server):
        yield server


def launch(*command: str, output: Output = Output.RELAYED) -> Launch:
    return Launch(command, {"ADDRESS": "here"}, signal.SIGTERM, output, Path(os.devnull))


def server_of(folder: Path) -> psutil.Process:
    record = json.loads((folder / "fork-server.pid").read_text())
    return psutil.Process(int(record["pid"]))


def test_a_program_begins_with_its_modules_loaded_and_as_a_child_of_ours(
    forks: ForkServer, tmp_path: Path
) -> None:
    forks.load(["heavy"])
    process = forks.fork(["heavy"], launch("told", "one", "two"))
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    assert process.wait(WAIT_S) == 3
    assert process.returncode == process.poll() == 3
    process.stdout.close()
    assert told == {
        "arguments": ["one", "two"],
        "address": "here",
        "input": "",
        "loaded_by": server_of(tmp_path).pid,
        "pid": process.pid,
        "parent": os.getpid(),
        "session": process.pid,
        "title": f"{sys.executable} -m told one two",
        "open": [0, 1, 2],
    }


def test_what_is_forked_is_waited_for_and_sent_signals_like_any_child(forks: ForkServer) -> None:
    process = forks.fork([], launch("sleeps"))
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "asleep\n"
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.send_signal(signal.SIGKILL)  # whoever has its id now gets nothing
    assert not psutil.pid_exists(process.pid)


def test_a_module_that_cannot_be_loaded_is_the_fault_of_its_program_alone(
    forks: ForkServer,
) -> None:
    process = forks.fork(["broken", "no_such_module"], launch("needs_broken"))
    assert process.stdout is not None
    with process.stdout:
        assert "RuntimeError: not today" in process.stdout.read()
    assert process.wait(WAIT_S) == 1
    after = forks.fork(["heavy"], launch("told"))
    assert after.stdout is not None
    with after.stdout:
        assert after.stdout.readline()
    assert after.wait(WAIT_S) == 3


def test_a_server_that_was_killed_forks_nothing_more(forks: ForkServer, tmp_path: Path) -> None:
    server_of(tmp_path).kill()
    server_of(tmp_path).wait(WAIT_S)
    with pytest.raises(NoForkError):
        forks.fork([], launch("told"))


def test_a_late_answer_is_not_taken_for_that_of_the_next_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forking, "_ANSWER_S", 0.2)
    hanging = ForkServer(tmp_path / "hanging")
    (tmp_path / "hanging").mkdir()
    hanging.start()
    with closing(hanging):
        server = server_of(tmp_path / "hanging")
        server.suspend()
        with pytest.raises(NoForkError):
            hanging.fork([], launch("sleeps"))
        server.resume()
        with pytest.raises(NoForkError):
            hanging.fork([], launch("told"))
        server.wait(WAIT_S)  # nobody speaks with it any more


def test_a_program_with_more_environment_than_fits_is_spawned(
    forks: ForkServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    program = Program("program", ("told",), modules=["heavy"])
    environment = {"ADDRESS": "here"} | {f"LARGE_{n}": "x" * 100_000 for n in range(40)}
    console = Console(StringIO(), StringIO())
    service = Service(program, tmp_path, lambda: environment, console, forks)
    service.start()
    assert service.wait() == 3
    told = json.loads(capfd.readouterr().out)
    assert told["loaded_by"] == told["pid"]
    service.kill()


def _service(kind: type[Service], forks: ForkServer, folder: Path, *command: str) -> Service:
    program = Program("program", command, modules=["heavy"])
    return kind(
        program, folder, lambda: {"ADDRESS": "here"}, Console(StringIO(), StringIO()), forks
    )


def test_a_service_begins_without_the_server_too(
    forks: ForkServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    service = _service(Service, forks, tmp_path, "told")
    service.load()
    server = server_of(tmp_path)
    server.kill()
    server.wait(WAIT_S)
    service.start()
    assert service.wait() == 3
    told = json.loads(capfd.readouterr().out)
    assert told["address"] == "here"
    assert told["loaded_by"] == told["pid"]
    service.kill()


def test_a_service_is_stopped_and_begun_again(forks: ForkServer, tmp_path: Path) -> None:
    service = _service(Service, forks, tmp_path, "sleeps")
    try:
        for _ in range(2):
            service.start()
            assert service.alive()
            service.stop(WAIT_S)
            assert not service.alive()
    finally:
        service.kill()


def test_a_step_that_fails_says_so(forks: ForkServer, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="exit code 3"):
        _service(SetupStep, forks, tmp_path, "told").start()


def test_many_programs_are_begun_one_after_the_other(forks: ForkServer) -> None:
    processes = [forks.fork(["heavy"], launch("sleeps")) for _ in range(8)]
    assert len({process.pid for process in processes}) == 8
    for process in processes:
        process.send_signal(signal.SIGTERM)
    assert {process.wait(WAIT_S) for process in processes} == {-signal.SIGTERM}
    for process in processes:
        assert process.stdout is not None
        process.stdout.close()


_STACK = textwrap.dedent(
    """
    import os, signal, sys, time
    from pathlib import Path
    from order_service.embedded.forking import ForkServer, NoForkError
    from order_service.embedded.launching import Launch, Output

    server = ForkServer(Path(sys.argv[1]))
    server.start()
    launch = Launch(["sleeps"], {}, signal.SIGTERM, Output.INHERITED, Path(os.devnull))
    os.write(1, b"%d\\n" % server.fork([], launch).pid)
    time.sleep(60)
    """
)


def _alive(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    alive = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
    return alive


@pytest.mark.usefixtures("forks")
def test_nothing_outlives_a_stack_that_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", _STACK, str(folder)], stdout=subprocess.PIPE, text=True
    ) as stack:
        assert stack.stdout is not None
        try:
            lines = {stack.stdout.readline().strip(), stack.stdout.readline().strip()}
            assert "asleep" in lines
            children = process_tree(stack.pid)[1:]
            assert {str(child.pid) for child in children} & lines
        finally:
            stack.kill()
        stack.wait()
        eventually(lambda: not _alive(children), WAIT_S, "all have ended")

"""Running a program of root's as an ordinary user, since Postgres refuses to run as root.

The folders of root, /root above all, are closed to that user, and the checkout, the virtual
environment or the data may lie there. The program then keeps one
capability: to pass closed folders.
"""

import os
import pwd
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from signal import Signals

from order_service.embedded.server import program

# Numbers of linux/capability.h; containers often hold only the stronger one.
_PASSING_CAPABILITIES = {"dac_read_search": 2, "dac_override": 1}
_NOBODY = "nobody"


def is_root() -> bool:
    """Whether this process must give up privileges to run Postgres."""
    return os.geteuid() == 0


def mode_of_closed_folder() -> int:
    """Return the mode that keeps other users out of a folder, and lets root's own Postgres in."""
    passes = not is_root() or _held() is not None
    return 0o700 if passes else 0o711


def hand_over(folder: Path) -> pwd.struct_passwd:
    """Make sure that an ordinary user owns `folder` and all in it, and return that user.

    A folder that such a user owns already stays theirs.
    """
    owner = folder.stat().st_uid
    user = pwd.getpwuid(owner) if owner else pwd.getpwnam(_NOBODY)
    if not owner:
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    return user


def as_user(
    user: pwd.struct_passwd, command: Sequence[str], needed: Iterable[Path], orphan: Signals
) -> list[str]:
    """Return a command line that runs `command` as `user` and is started by root.

    Args:
        user: whom it runs as.
        command: program and arguments.
        needed: files and folders it must reach.
        orphan: the signal it gets when its parent dies; changing the user forgets an earlier one.

    Raises:
        EmbeddedServerError: the program setpriv of util-linux is missing.
    """
    identity = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    capability = [] if all(map(_is_open, needed)) else _capability()
    pdeathsig = ["--pdeathsig", orphan.name.removeprefix("SIG")]
    return [program("setpriv"), *identity, *capability, *pdeathsig, "--", *command]


def _is_open(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)


def _capability() -> list[str]:
    held = _held()
    if held is None:
        return []
    # Without the secure bit access(2) ignores capabilities of a user other than root, and initdb
    # does not find the programs beside it.
    return [f"--inh-caps=+{held}", f"--ambient-caps=+{held}", "--securebits=+no_setuid_fixup"]


def _held() -> str | None:
    effective = _effective()
    return next((name for name, bit in _PASSING_CAPABILITIES.items() if effective >> bit & 1), None)


def _effective() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return int(fields["CapEff"], 16)

"""One command, one effect, one answer, however often it is sent.

The answer is kept in the transaction of the effect: either both are there or neither. While a
command runs, its key is locked; the lock ends with the transaction, also if the process or the
server dies, so a key never stays locked.
"""

import hashlib
from collections.abc import Callable

from .errors import KeyReusedError, StillRunningError
from .model import KeyedCommand
from .statements import Run, statements

KEPT_FOR = 24 * 3600.0
"""Seconds that an answer is kept."""


class Idempotency:
    """The keys and answers of one schema. May be shared by threads.

    Args:
        schema: Where the table is, see `statements.ddl`.
        kept_for: Seconds that an answer is kept; the key is free again after them.
    """

    def __init__(self, schema: str, kept_for: float = KEPT_FOR) -> None:
        self._schema = schema
        self._queries = statements(schema)
        self._kept_for = kept_for

    def answer(self, run: Run, command: KeyedCommand, effect: Callable[[], bytes]) -> bytes:
        """Return the answer that the command got, or that of `effect` if it never got one.

        `effect` works in the transaction of `run`. What it returns is kept, a refusal too; if it
        raises, the transaction must be rolled back and the key stays free.

        Raises:
            KeyReusedError: The key came before with other content.
            StillRunningError: The command is being handled right now.
        """
        digest = hashlib.sha256(command.content).digest()
        (free, known, answer, outdated), *_ = run(
            self._queries["begin_command"],
            {**self._place(command), "lock": f"{self._schema}:{command.owner}:{command.key}"},
        )
        if not free:
            raise StillRunningError(command.key)
        if known is None or outdated:
            return self._kept(run, command, digest, effect())
        if bytes(known) != digest:
            raise KeyReusedError(command.key)
        return bytes(answer)

    def _kept(self, run: Run, command: KeyedCommand, digest: bytes, answer: bytes) -> bytes:
        values = {**self._place(command), "digest": digest, "answer": answer}
        if not run(self._queries["keep_answer"], values):
            # Another one ended between our snapshot and our lock.
            raise StillRunningError(command.key)
        return answer

    def _place(self, command: KeyedCommand) -> dict[str, object]:
        return {"owner": command.owner, "key": command.key, "kept_for": self._kept_for}

    def prune(self, run: Run, limit: int = 1000) -> int:
        """Forget at most `limit` answers whose time is over; return how many it were."""
        values = {"kept_for": self._kept_for, "limit": limit}
        return len(run(self._queries["prune_keys"], values))

    def prune_all(self, run: Run) -> None:
        """Forget all answers whose time is over, a thousand at a time."""
        while self.prune(run):
            pass

"""Use case: take points away that are older than they may get.

Points are spent in the order in which they came in. So nothing has to be kept of each: what is
left of all that had come in by a moment is what exceeds all that ever went out.
"""

from uuid import UUID

from .ports import ExpiryStore

_PAGE = 500
_BEFORE_ALL = UUID(int=0)


class Expiring:
    """Goes through all persons who have points.

    Nobody can spend expired points meanwhile: they are taken before every movement, too.

    Args:
        store: Where the points are.
    """

    def __init__(self, store: ExpiryStore) -> None:
        self._store = store

    def sweep(self) -> int:
        """Take all expired points and return how many, in hundredths.

        Raises:
            StorageUnavailableError: What was taken by then is taken.
        """
        taken, last = 0, _BEFORE_ALL
        while page := self._store.expiring_after(last, _PAGE):
            taken += sum(self._store.expire(owner) for owner, expired in page if expired)
            last = page[-1][0]
        return taken

"""What the loyalty context adds to an API process."""

from order_service.context.checks import CallCheck
from order_service.context.process import Process
from order_service.contexts.loyalty.api.part import create_part
from order_service.contexts.loyalty.metrics import MovementMetrics
from order_service.contexts.loyalty.numbers_postgres import PostgresNumbers
from order_service.contexts.loyalty.points_postgres import PostgresPoints
from order_service.contexts.loyalty.settings import LoyaltySettings
from order_service.contexts.loyalty.spending import Spending
from order_service.contexts.loyalty.uploading import Uploading
from order_service.http.api_part import ApiPart


def open_api(process: Process) -> ApiPart:
    """Return the routes: as many connections as requests are handled at once."""
    settings = process.config.of(LoyaltySettings)
    database = process.database(process.config.http.threads)
    points = PostgresPoints(database, settings.points_lifetime)
    return create_part(
        Uploading(PostgresNumbers(database)),
        Spending(points),
        MovementMetrics(process.registry),
        [CallCheck("loyalty", points.check, required=False)],
    )

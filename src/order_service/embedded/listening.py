"""Whether the ports that the services will listen on are free; if not, what to do about it."""

from collections.abc import Container
from dataclasses import replace

from order_service.embedded.ports import free_port
from order_service.embedded.workload import Endpoint, Program, Workload
from order_service.infra.listening import why_not_listen


class PortTakenError(Exception):
    """A port that the configuration asks for cannot be listened on."""


def with_usable_ports(workload: Workload) -> Workload:
    """Return the workload with ports that can be listened on.

    An endpoint that is not fixed moves to a free port if its own is taken, or belongs to an
    endpoint before it: only a scraper needs to know it, and stack.env tells.

    Raises:
        PortTakenError: the port of a fixed endpoint is taken.
    """
    given: dict[int, str] = {}
    services = []
    for program in workload.services:
        usable = _with_usable_port(program, given)
        if usable.endpoint is not None:
            given[usable.endpoint.port] = usable.name
        services.append(usable)
    return replace(workload, services=services)


def _with_usable_port(program: Program, given: dict[int, str]) -> Program:
    endpoint = program.endpoint
    if endpoint is None or not (fault := _fault(endpoint, given)):
        return program
    if endpoint.fixed:
        where = f"{endpoint.host} port {endpoint.port}"
        way_out = f"choose another one: {endpoint.variable}={endpoint.port + 1}"
        raise PortTakenError(f"{program.name} cannot listen on {where}: {fault} ({way_out})")
    return replace(program, endpoint=endpoint._replace(port=_free_port(given)))


def _fault(endpoint: Endpoint, given: dict[int, str]) -> str:
    if (other := given.get(endpoint.port)) is not None:
        return f"{other} is to listen on it"
    error = why_not_listen(endpoint.host, endpoint.port)
    return "" if error is None else error.strerror or str(error)


def _free_port(given: Container[int]) -> int:
    while (port := free_port()) in given:
        pass
    return port

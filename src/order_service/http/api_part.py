"""What one context adds to the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask_smorest import Blueprint

from .access import AccessRules
from .authentication import Authenticator
from .fast_path import FastPath
from .health import Check
from .problem_faces import ProblemFace


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiPart:
    """Routes, and what goes with them.

    Attributes:
        blueprints: The routes and their documentation.
        fast_paths: Answers to some of them in front of Flask.
        access: Who may ask for what. Every route needs a rule.
        checks: The parts without all of which the process has nothing to offer here.
        conditions: Parts that are required, but have by themselves nothing to offer.
        authenticators: Know who asks.
        security_schemes: How credentials are sent, as OpenAPI wants it, by name.
        problem_faces: How problems look to clients of the paths that begin so.
        description: What the description of the API says about this part, in Markdown.
    """

    blueprints: Sequence[Blueprint] = ()
    fast_paths: Sequence[FastPath] = ()
    access: AccessRules = field(default_factory=dict)
    checks: Sequence[Check] = ()
    conditions: Sequence[Check] = ()
    authenticators: Sequence[Authenticator] = ()
    security_schemes: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    problem_faces: Mapping[str, ProblemFace] = field(default_factory=dict)
    description: str = ""

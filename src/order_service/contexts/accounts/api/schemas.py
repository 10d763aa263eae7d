"""What clients send to and get from `/auth/*`, for validation and for OpenAPI."""

from typing import Any

from marshmallow import EXCLUDE, Schema, fields, validate

from order_service.http.problems import ProblemSchema
from order_service.http.query import QueryInteger
from order_service.http.schemas import said

_PERSON = "01931b7c-0f6e-7c3a-9a55-0d8f3c1b2a49"
_SESSION = "01931b7c-1c42-7b0f-8d1e-4a6f2b9c3d58"
_TIME = "2026-11-26T12:00:00+00:00"
_CURSOR = "1795694400000000.01931b7c-0f6e-7c3a-9a55-0d8f3c1b2a49"
CURSOR_PATTERN = r"^([0-9]{1,17})\.([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\Z"
"""The time of the last entry in microseconds since 1970 UTC, and its id."""

_ANY_LENGTH = validate.Length(max=1024)


def _text(description: str, example: object, **options: Any) -> fields.String:  # noqa: ANN401
    return fields.String(metadata={"description": description, "example": example}, **options)


def _status() -> "fields.Constant[str]":
    return fields.Constant("Success", metadata={"description": "It went well", "enum": ["Success"]})


class Input(Schema):
    """A body; members that are not known are ignored."""

    class Meta:
        """Settings of the schema."""

        unknown = EXCLUDE


class CredentialsSchema(Input):
    """Who signs in."""

    login = _text(
        "Login, compared without regard to case",
        "ann@example.com",
        required=True,
        validate=_ANY_LENGTH,
    )
    password = _text(
        "Password", "correct horse battery", required=True, validate=_ANY_LENGTH, load_only=True
    )


class RegistrationSchema(CredentialsSchema):
    """Who registers. The rules of a login and a password are in the description."""

    email = _text("E-mail address", "ann@example.com", validate=validate.Length(max=254))
    name = _text("Name", "Ann", validate=validate.Length(max=255))
    birthday = fields.Date(metadata={"description": "Date of birth", "example": "1990-02-28"})


class PasswordChangeSchema(Input):
    """The present password and the new one."""

    password = _text(
        "The present password", "correct horse battery", required=True, validate=_ANY_LENGTH
    )
    new_password = _text(
        "The new password", "staple after staple", required=True, validate=_ANY_LENGTH
    )


class GopherSchema(Input):
    """Who registers or signs in; neither may be empty."""

    login = _text("Login", "gopher", required=True, validate=validate.Length(1, 255))
    password = _text("Password", "secret", required=True, validate=validate.Length(1, 128))


class RefreshSchema(Input):
    """The refresh token; a page leaves it out, and its browser sends the cookie."""

    refresh_token = _text("The newest refresh token", "ort_AQ...", validate=_ANY_LENGTH)


class TokensSchema(Schema):
    """What somebody gets who signed in."""

    status = _status()
    user_id = fields.UUID(**said("The person", _PERSON))
    access_token = _text(
        "Send it as `Authorization: Bearer <access_token>`", "eyJhbGciOi...", required=True
    )
    refresh_token = _text(
        "Renews the session once; not there where it went into a cookie", "ort_AQ..."
    )
    token_type = _text("As in RFC 6750", "Bearer", required=True)
    expires_in = fields.Integer(**said("Seconds for which the access token is valid", 900))


class AuthProblemSchema(ProblemSchema):
    """A problem with the members that older clients read."""

    status = fields.Constant(  # type: ignore[assignment]
        "Error",
        required=True,
        metadata={
            "description": "It went wrong; the number is in the status line. RFC 9457 has clients "
            "of problem documents ignore a status that is no number",
            "enum": ["Error"],
        },
    )
    error = _text("The same as `detail`", "This login is taken.", required=True)


class StatusSchema(Schema):
    """It went well."""

    status = _status()


class InfoSchema(Schema):
    """The person who asks."""

    status = _status()
    user_id = fields.UUID(**said("The person", _PERSON))
    session_id = fields.UUID(**said("The session of the token", _SESSION))
    login = _text("Login, as it was typed", "ann@example.com", required=True)
    email = _text("E-mail address", "ann@example.com", required=True, allow_none=True)
    name = _text("Name", "Ann", required=True, allow_none=True)
    birthday = fields.Date(
        required=True,
        allow_none=True,
        metadata={"description": "Date of birth", "example": "1990-02-28"},
    )
    admin = fields.Boolean(
        required=True, metadata={"description": "Whether the person administers the shop"}
    )
    created_at = fields.AwareDateTime(**said("When they registered", _TIME))


class SessionSchema(Schema):
    """An open session."""

    id = fields.UUID(**said("The session", _SESSION))
    current = fields.Boolean(
        required=True, metadata={"description": "Whether it is the one that asks"}
    )
    created_at = fields.AwareDateTime(**said("When it was opened", _TIME))
    last_used_at = fields.AwareDateTime(**said("When it was last renewed", _TIME))
    expires_at = fields.AwareDateTime(**said("When it ends at the latest", _TIME))
    address = _text("From where it was opened", "192.0.2.1", required=True)
    user_agent = _text("With what it was opened", "Mozilla/5.0", required=True)


class SessionsSchema(Schema):
    """All open sessions of the person who asks, the one that was used last first."""

    status = _status()
    sessions = fields.List(fields.Nested(SessionSchema), required=True)


class EndedSchema(Schema):
    """How many sessions ended."""

    status = _status()
    ended = fields.Integer(**said("Sessions that were open", 3))


class SignInSchema(Schema):
    """One attempt to sign in, or what became of it."""

    result = _text(
        "`registered`, `signed_in`, `refused` (wrong password), `disabled`, `password_changed`, or "
        "`token_reused` (a refresh token came back that had been used before, and its session was "
        "ended)",
        "signed_in",
        required=True,
    )
    at = fields.AwareDateTime(**said("When", _TIME))
    session_id = fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "The session that it is about", "example": _SESSION},
    )
    address = _text("From where", "192.0.2.1", required=True)
    user_agent = _text("With what", "Mozilla/5.0", required=True)


class SignInPageSchema(Schema):
    """One page of the sign-ins, newest first."""

    status = _status()
    sign_ins = fields.List(fields.Nested(SignInSchema), required=True)
    next_cursor = _text(
        "Cursor of the next page, null on the last one",
        _CURSOR,
        required=True,
        allow_none=True,
    )


class SignInQuery(Schema):
    """Which page of the sign-ins."""

    limit = QueryInteger(
        load_default=20,
        validate=validate.Range(1, 100),
        metadata={"description": "Most entries on the page", "example": 20},
    )
    cursor = fields.String(
        validate=validate.Regexp(CURSOR_PATTERN, error="Is not a `next_cursor` of this service."),
        metadata={
            "description": "`next_cursor` of the page before",
            "example": _CURSOR,
            "pattern": CURSOR_PATTERN.replace(r"\Z", "$"),
        },
    )

"""What must not pass for an access token, judged by RFC 7515, 7519, 8725 and 9068.

Wherever a fault lies in what a token says, the token bears a right signature of our own key: that
the signature would have been wrong as well must not hide that nobody looked.
"""

import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwk, jws

from order_service.contexts.accounts.errors import InvalidTokenError
from order_service.contexts.accounts.tokens.keys import SigningKey, key_set
from order_service.contexts.accounts.tokens.verification import TokenVerification
from tests.unit.accounts.token_bench import (
    AUDIENCE,
    NOW,
    PERSON,
    SESSION,
    TokenBench,
    b64,
    claims,
    unb64,
)

BENCH = TokenBench()


def refused(token: str, bench: TokenBench = BENCH) -> bool:
    """Whether a token is refused, and again when it comes a second time."""
    for _ in ("first", "again"):
        with pytest.raises(InvalidTokenError):
            bench.verify(token)
    return True


def test_a_good_token_says_who_it_is_of() -> None:
    identity = BENCH.verify(BENCH.sign(claims()))
    assert (identity.person_id, identity.session_id) == (PERSON, SESSION)
    assert identity.scopes == {"account", "orders:read:own"}
    assert not identity.admin
    assert identity.expires_at == NOW + 900


@pytest.mark.parametrize("shared", [b"", b"s" * 32], ids=["ES256", "HS256"])
def test_what_is_issued_is_accepted(shared: bytes) -> None:
    bench = TokenBench(shared=shared)
    for admin in (False, True):
        identity = bench.verify(bench.issue(admin=admin))
        assert identity.admin is admin
        assert ("orders:read" in identity.scopes) is admin


# --- the header


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "nOnE"},
        {"alg": ""},
        {"alg": ...},
        {"alg": None},
        {"alg": ["ES256"]},
        {"alg": "es256"},
        {"alg": "ES256K"},
        {"alg": "ES384"},
        {"alg": "ES512"},
        {"alg": "EdDSA"},
        {"alg": "RS256"},
        {"alg": "HS256"},
        {"kid": ...},
        {"kid": None},
        {"kid": ""},
        {"kid": 1},
        {"kid": ["x"]},
        {"kid": {"x": 1}},
        {"kid": "../../../../dev/null"},
        {"kid": "' OR 1=1 --"},
        {"kid": "x\u0000y"},
        {"kid": "\ud800"},
        {"kid": "hs256"},
        {"kid": BENCH.key.kid + " "},
        {"kid": BENCH.key.kid.swapcase()},
        {"typ": ...},
        {"typ": "JWT"},
        {"typ": "jwt"},
        {"typ": "rt+jwt"},
        {"typ": None},
        {"typ": 1},
        {"typ": "at+jwt "},
        {"crit": []},
        {"crit": ["exp"]},
        {"crit": ["b64"], "b64": False},
        {"crit": ["x"], "x": 1},
        {"crit": None},
    ],
)
def test_a_header_that_differs_from_ours_is_refused(header: dict[str, Any]) -> None:
    assert refused(BENCH.sign(claims(), **header))


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_a_media_type_has_no_case_and_a_long_form(typ: str) -> None:
    assert BENCH.verify(BENCH.sign(claims(), typ=typ))


@pytest.mark.parametrize(
    "member",
    [
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
        {"jwk": {"kty": "oct", "k": "AA"}},
        {"cty": "JWT"},
        {"x": {"y": []}},
    ],
)
def test_where_a_header_says_that_a_key_lies_is_not_looked_at(member: dict[str, Any]) -> None:
    assert BENCH.verify(BENCH.sign(claims(), **member))
    intruder = TokenBench()
    foreign = jwk.ECKey.import_key(json.loads(intruder.key.private_bytes()))
    hint = {**member, "jwk": foreign.as_dict(private=False)}
    assert refused(intruder.sign(claims(), kid=BENCH.key.kid, **hint))
    assert refused(intruder.sign(claims(), **hint))


# --- the signature


def test_nobody_else_signs_for_us() -> None:
    intruder = TokenBench()
    assert refused(intruder.sign(claims()))
    assert refused(intruder.sign(claims(), kid=BENCH.key.kid))


def test_a_token_is_bound_to_the_key_that_it_names() -> None:
    assert refused(BENCH.sign(claims(), kid=BENCH.other.kid))


def test_the_public_key_is_no_shared_secret() -> None:
    said = BENCH.unsigned(alg="HS256")
    public = jwk.ECKey.import_key(json.loads(BENCH.key.private_bytes()))
    secrets = [
        public.as_pem(private=False),
        public.as_pem(private=False).strip(),
        public.as_der(private=False),
        json.dumps(BENCH.key.public_jwk()).encode(),
        json.dumps(BENCH.key.public_jwk(), separators=(",", ":")).encode(),
        BENCH.keys.jwks,
        b"\x00" * 32,
    ]
    for secret in secrets:
        signature = hmac.digest(secret, said.encode(), "sha256")
        assert refused(f"{said}.{b64(signature)}")


def _oct_key(secret: bytes) -> jwk.OctKey:
    return jwk.OctKey.import_key({"kty": "oct", "k": b64(secret)})


def test_a_shared_secret_admits_no_other_algorithm() -> None:
    bench = TokenBench(shared=b"s" * 32)
    for algorithm in ("HS384", "HS512"):
        said = bench.unsigned(alg=algorithm)
        signature = jws.JWSRegistry.algorithms[algorithm].sign(said.encode(), _oct_key(b"s" * 32))
        assert refused(f"{said}.{b64(signature)}", bench)
    assert refused(TokenBench().sign(claims(), kid="hs256"), bench)
    assert refused(TokenBench(shared=b"t" * 32).sign(claims()), bench)


@pytest.mark.parametrize("curve", ["P-384", "P-521", "secp256k1"])
def test_a_key_on_another_curve_signs_nothing(curve: str) -> None:
    algorithm = {"P-384": "ES384", "P-521": "ES512", "secp256k1": "ES256K"}[curve]
    key = jwk.ECKey.generate_key(curve)
    for alg in (algorithm, "ES256"):
        said = BENCH.unsigned(alg=alg)
        signature = jws.JWSRegistry.algorithms[algorithm].sign(said.encode(), key)
        assert refused(f"{said}.{b64(signature)}")


def test_an_rsa_key_is_none_of_ours() -> None:
    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert b"PUBLIC" in public
    said = BENCH.unsigned(alg="RS256")
    rsa_key = jwk.RSAKey.import_key(key)
    signature = jws.JWSRegistry.algorithms["RS256"].sign(said.encode(), rsa_key)
    assert refused(f"{said}.{b64(signature)}")


@pytest.mark.parametrize(
    "signature",
    [
        b"\x00",
        b"\x00" * 64,  # CVE-2022-21449: r and s of zero
        b"\x00" * 63 + b"\x01",
        b"\xff" * 64,
        b"\x00" * 65,
    ],
)
def test_a_signature_that_is_a_number_trick_is_refused(signature: bytes) -> None:
    said = BENCH.sign(claims()).rpartition(".")[0]
    assert refused(f"{said}.{b64(signature)}")


def test_a_signature_is_r_and_s_and_nothing_more() -> None:
    said, _, signature = BENCH.sign(claims()).rpartition(".")
    raw = unb64(signature)
    for other in (raw + b"\x00", b"\x00" + raw, raw[:-1], raw[:32], raw + raw, _der(raw)):
        assert refused(f"{said}.{b64(other)}")


def _der(raw: bytes) -> bytes:
    """The encoding of X.509, which JWS does not use."""
    halves = [b"\x02\x21\x00" + half for half in (raw[:32], raw[32:])]
    return b"\x30" + bytes([len(b"".join(halves))]) + b"".join(halves)


@given(st.data())
def test_no_single_character_can_be_changed(data: st.DataObject) -> None:
    token = BENCH.sign(claims())
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters(codec="ascii").filter(lambda each: each != token[place]))
    assert refused(token[:place] + letter + token[place + 1 :])


# --- the form


def test_there_is_one_spelling_of_a_token() -> None:
    token = BENCH.sign(claims())
    header, payload, signature = token.split(".")
    # The last letter of 64 bytes carries four bits that must be zero.
    twin = signature[:-1] + chr(ord(signature[-1]) + 1)
    assert unb64(twin) == unb64(signature)
    spellings = [
        f"{header}.{payload}.{signature}=",
        f"{header}.{payload}.{signature}==",
        f"{header}=.{payload}.{signature}",
        f"{header}.{payload}=.{signature}",
        f"{header}.{payload}.{twin}",
        f" {token}",
        f"{token} ",
        f"{token}\n",
        f"{token}\x00",
        f"{header}\n.{payload}.{signature}",
        f"{header}.{payload}.{signature}.",
        f".{token}",
        f"{header}..{payload}.{signature}",
        f"{header}.{payload}",
        f"{header}.{payload}.",
        f"{header}..{signature}",
        f".{payload}.{signature}",
        f"{header}.{payload}.{signature}.{signature}.{signature}",
        token.replace(".", "。"),
        token.replace("-", "+").replace("_", "/") + ("" if "-" in token or "_" in token else "+"),
        "",
        ".",
        "..",
        json.dumps({"protected": header, "payload": payload, "signature": signature}),
    ]
    for spelling in spellings:
        assert refused(spelling)
    assert BENCH.verify(token)


def test_a_long_token_is_not_even_read() -> None:
    token = BENCH.sign(claims(x="y" * 8192))
    with pytest.raises(InvalidTokenError, match="too long"):
        BENCH.verify(token)
    assert BENCH.verify(BENCH.sign(claims(x="y" * 4096)))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"1",
        b"{",
        b"{}x",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b'{"x": NaN}',
        b'{"x": Infinity}',
        b'{"x": "\xff"}',
        b"[" * 6000,
        b'{"x":' * 1200,
        b'{"x": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_json_object_says_nothing(payload: bytes) -> None:
    header = json.dumps(BENCH.header()).encode()
    assert refused(BENCH.sign_raw(header, payload))
    assert refused(BENCH.sign_raw(payload or b" ", json.dumps(claims()).encode()))


def test_nothing_is_said_twice() -> None:
    good_header, good = json.dumps(BENCH.header()), json.dumps(claims())
    doubled = [
        (good_header[:-1] + ', "alg": "ES256"}', good),
        (good_header[:-1] + ', "kid": "x"}', good),
        (good_header, good[:-1] + f', "sub": "{PERSON}"}}'),
        (good_header, good[:-1] + ', "admin": true}'),
        (good_header, good[:-1] + ', "\\u0061dmin": true}'),
        (good_header, good[:-1] + ', "x": {"y": 1, "y": 2}}'),
    ]
    for header, payload in doubled:
        assert refused(BENCH.sign_raw(header.encode(), payload.encode()))


# --- the claims


@pytest.mark.parametrize(
    "changes",
    [
        *({name: ...} for name in claims()),
        *({name: None} for name in claims()),
        {"iss": "https://shop.example/"},
        {"iss": "HTTPS://SHOP.EXAMPLE"},
        {"iss": ["https://shop.example"]},
        {"aud": "Order-Service"},
        {"aud": "order-service "},
        {"aud": ""},
        {"aud": []},
        {"aud": ["somebody-else"]},
        {"aud": ["order-service", 1]},
        {"aud": {"order-service": 1}},
        {"sub": "ann"},
        {"sub": 1},
        {"sub": PERSON.upper()},
        {"sub": PERSON.replace("-", "")},
        {"sub": f"{{{PERSON}}}"},
        {"sub": f"urn:uuid:{PERSON}"},
        {"sid": "x"},
        {"jti": 1},
        {"exp": int(NOW)},
        {"exp": NOW - 0.001},
        {"exp": 0},
        {"exp": -1},
        {"exp": str(int(NOW) + 900)},
        {"exp": True},
        {"exp": [int(NOW) + 900]},
        {"exp": 10**400},
        {"iat": int(NOW) + 3600},
        {"iat": "now"},
        {"iat": False},
        {"iat": 10**400},
        {"nbf": int(NOW) + 3600},
        {"nbf": str(int(NOW))},
        {"nbf": None},
        {"nbf": True},
        {"token_type": "refresh"},
        {"token_type": "Access"},
        {"token_type": ["access"]},
        {"scope": ["account"]},
        {"scope": 1},
        {"admin": 1},
        {"admin": "true"},
        {"admin": "false"},
    ],
)
def test_claims_that_are_not_ours_or_not_of_now_are_refused(changes: dict[str, Any]) -> None:
    assert refused(BENCH.sign(claims(**changes)))


def test_a_number_beyond_all_numbers_is_no_time() -> None:
    header = json.dumps(BENCH.header()).encode()
    for name, number in (("exp", "1e400"), ("iat", "-1e400"), ("exp", "1e999999999")):
        payload = json.dumps(claims(**{name: "@"})).replace('"@"', number)
        assert refused(BENCH.sign_raw(header, payload.encode()))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["order-service"]},
        {"aud": ["other", "order-service"]},
        {"exp": NOW + 0.5},
        {"iat": NOW - 0.5},
        {"iat": int(NOW) + 10},  # a clock that is ahead
        {"nbf": int(NOW)},
        {"scope": ""},
        {"x": 1, "y": {"z": [None]}},
    ],
)
def test_what_the_standard_admits_is_accepted(changes: dict[str, Any]) -> None:
    assert BENCH.verify(BENCH.sign(claims(**changes)))


# --- what is remembered


def test_a_token_is_proven_once_and_judged_each_time() -> None:
    bench = TokenBench()
    token = bench.sign(claims())
    first = bench.verify(token)
    assert bench.verify(token) is first
    bench.now = NOW + 899.9
    assert bench.verify(token) is first
    bench.revoked.add(SESSION)
    assert refused(token, bench)
    bench.revoked.clear()
    assert bench.verify(token) == first
    bench.now = NOW + 900
    assert refused(token, bench)


def test_a_token_dies_with_its_key() -> None:
    bench = TokenBench()
    token = bench.sign(claims())
    assert bench.verify(token)
    bench.know(bench.other)
    assert refused(token, bench)


def test_a_token_of_the_key_before_and_after_the_current_one_is_accepted() -> None:
    bench = TokenBench()
    token = bench.sign(claims())
    bench.know(bench.other, bench.key)
    assert bench.verify(token)


def test_no_token_is_valid_for_longer_than_ends_of_sessions_are_remembered() -> None:
    """Tokens from before `accounts.token.lifetime` was made shorter are still about."""
    bench = TokenBench()
    shorter = TokenVerification(
        AUDIENCE._replace(longest=60), lambda: bench.keys, bench.revoked, clock=bench.clock
    )
    token = bench.sign(claims(exp=bench.now + 3600))
    assert bench.verify(token).expires_at == bench.now + 3600
    for _ in range(2):
        assert shorter.verify(token).expires_at == bench.now + 60
    bench.now += 60
    for _ in range(2):
        with pytest.raises(InvalidTokenError):
            shorter.verify(token)


def test_the_memory_of_tokens_is_bounded() -> None:
    bench = TokenBench()
    bench.verification = bench.verifying(cache_size=3)
    tokens = [bench.sign(claims()) for _ in range(5)]
    identities = [bench.verification.verify(token) for token in tokens]
    assert bench.verification.verify(tokens[4]) is identities[4]
    assert bench.verification.verify(tokens[0]) is not identities[0]


def test_the_published_keys_hold_no_private_half() -> None:
    published = json.loads(BENCH.keys.jwks)["keys"]
    assert {key["kid"] for key in published} == {BENCH.key.kid, BENCH.other.kid}
    for key in published:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert not json.loads(key_set([SigningKey.shared(b"s" * 32)]))["keys"]


def test_a_key_of_another_kind_is_no_signing_key() -> None:
    with pytest.raises(ValueError, match="not a key"):
        SigningKey.load("x", b"{}")

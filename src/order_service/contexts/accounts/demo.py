"""The demo's person registers or, having done so before, signs in."""

from http import HTTPStatus

from order_service.context.demo import DemoVisit


def play(visit: DemoVisit) -> None:
    """Do this context's part of the visit."""
    login, password, _ = visit.person
    wanted = {"login": login, "password": password}
    named = wanted | {"name": "Demo Person"}
    answer = visit.ask("POST", "/auth/registration", named, also=(HTTPStatus.CONFLICT,))
    if answer.status == HTTPStatus.CONFLICT:
        answer = visit.ask("POST", "/auth/login", wanted)
    visit.sign_in(answer.json()["access_token"])
    visit.tell("Sign in", f"{visit.url}/#/account as {login} with the password {password}")

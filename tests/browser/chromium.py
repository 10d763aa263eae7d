"""Starting Chromium, and watching that a page behaves while a test looks elsewhere."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars")
# The shell draws no windows around its pages, and so takes half of the time for a test.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_STOPPED_AT = datetime(2026, 3, 18, 14, 20, tzinfo=UTC)

# Runs before the page's own scripts; a violation would otherwise leave no trace in tests.
WATCH_POLICY = """
window.policyViolations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.policyViolations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


def find_chromium() -> str | None:
    """The path of a Chromium: $CHROMIUM, or the first one on the PATH."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """A headless browser while the block runs."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


def stop_clock(page: Page) -> None:
    """Let the page's timers stand still until the test runs `page.clock`; call before it opens.

    A clock that is only installed goes on by itself, and a slow machine would fire the timers.
    It can be stopped at a later time only, so it is installed well before.
    """
    page.clock.install(time=_STOPPED_AT - timedelta(hours=1))
    page.clock.pause_at(_STOPPED_AT)


@dataclass
class Watch:
    """What a page did that no page of ours may do."""

    host: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def attach(self, page: Page) -> None:
        """Begin to listen; call before the page is opened."""
        page.add_init_script(WATCH_POLICY)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self._console(message.type, message.text))
        page.on("request", lambda request: self._request(request.url))

    def _console(self, kind: str, text: str) -> None:
        # Chromium itself writes this line for every 4xx and 5xx, however well handled.
        if kind in {"error", "warning"} and not text.startswith("Failed to load resource"):
            self.errors.append(text)

    def _request(self, url: str) -> None:
        # What the page makes itself in memory names its own origin behind "blob:".
        if urlsplit(url.removeprefix("blob:")).netloc != self.host:
            self.foreign.append(url)


def policy_violations(page: Page) -> list[str]:
    """What the Content-Security-Policy of the current document has blocked."""
    found: list[str] = page.evaluate("window.policyViolations ?? []")
    return found

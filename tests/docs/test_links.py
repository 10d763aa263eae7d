"""The guides lead nowhere that does not exist."""

from pathlib import Path

import pytest

from tests.docs.guides import PAGES, ROOT, anchors, links


@pytest.mark.parametrize(("page", "link"), links())
def test_a_link_leads_to_a_file_and_a_heading(page: str, link: str) -> None:
    name, _, anchor = link.partition("#")
    target = (ROOT / page).parent / name if name else ROOT / page
    assert target.exists()
    assert not anchor or target.suffix != ".md" or anchor in anchors(target)


def test_the_index_names_every_page() -> None:
    index = ROOT / "docs/README.md"
    linked = {(index.parent / link).resolve() for page, link in links() if page == "docs/README.md"}
    pages = {page for page in PAGES if page.parent == index.parent and page != index}
    assert {page.name for page in pages - linked} == set()


def test_a_repeated_heading_gets_a_number_and_markup_is_left_out(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# The `run` [link](x.md)\n## Why?\n## Why?\n```\n# no heading\n```\n")
    assert anchors(page) == {"the-run-link", "why", "why-1"}

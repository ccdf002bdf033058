"""What the server sends: security headers, assets, error pages, navigation, parts."""

import gzip
import json
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.exceptions import ImproperlyConfigured
from django.template import engines
from django.test import Client, RequestFactory
from django.urls import reverse

from mains.web.office import assets, navigation
from mains.web.office.parts import Chart, FormulaNode, Place, PlaceMap, Series

TEMPLATES = Path(assets.__file__).parent / "templates"
FIRST_LOAD_LIMIT_BYTES = 300_000


@pytest.fixture
def start_page(client: Client, shell_site: None, db: None) -> str:
    return client.get("/", headers={"accept-language": "en"}).content.decode()


def test_the_policy_allows_no_inline_code(client: Client, shell_site: None, db: None) -> None:
    response = client.get("/")
    policy = response.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert "default-src 'none'" in policy
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce
    assert f'nonce="{nonce[1]}"' in response.content.decode()


def test_pages_carry_no_inline_script_or_style(start_page: str) -> None:
    assert not re.findall(r"<style|\sstyle=|\son\w+=", start_page)
    kinds = re.findall(r'<script(?=[^>]*type="([^"]+)")([^>]*)>', start_page)
    assert kinds
    assert all(kind == "application/json" or " src=" in attributes for kind, attributes in kinds)


def test_the_first_load_stays_small(start_page: str) -> None:
    names = set(re.findall(r'(?:href|src)="/static/(dist/[^"#]+)', start_page))
    assert any(name.endswith(".css") for name in names)
    assert any(name.endswith(".js") for name in names)
    paths = [Path(str(finders.find(name))) for name in names]
    assert sum(len(gzip.compress(path.read_bytes())) for path in paths) < FIRST_LOAD_LIMIT_BYTES
    assert not [path.name for path in paths if path.name.startswith(("charts", "map"))]


def test_assets_are_sent_compressed_and_kept_by_the_browser(client: Client) -> None:
    [address] = assets.style_urls("office")
    response = client.get(address, headers={"accept-encoding": "br, gzip"})
    assert response.headers["Content-Encoding"] == "br"
    assert "immutable" in response.headers["Cache-Control"]
    assert len(b"".join(response)) < 100_000


def test_every_icon_that_templates_name_is_in_the_sprite(repository: Path) -> None:
    known = set(json.loads((repository / "frontend/build/icons.json").read_text(encoding="utf-8")))
    named = set()
    for path in TEMPLATES.rglob("*.html"):
        named |= set(re.findall(r'{% icon "([\w-]+)"', path.read_text(encoding="utf-8")))
    named |= {entry.icon for entry in navigation.ENTRIES}
    assert named
    assert named <= known


def test_an_unknown_asset_says_how_to_build_it() -> None:
    with pytest.raises(ImproperlyConfigured, match="make setup"):
        assets.asset_url("src/nothing.ts")


def test_the_sidebar_shows_pages_that_exist_and_marks_the_current_one(shell_site: None) -> None:
    links = navigation.list_links("office:account_money")
    assert [str(link.label) for link in links if link.is_current] == ["Accounts"]
    assert reverse("office:dashboard") in [link.url for link in links]
    # The site of the tests has no bill runs.
    assert "Bills and runs" not in [str(link.label) for link in links]


@pytest.mark.parametrize("name", ["400", "403", "404", "500", "403_csrf"])
def test_error_pages_need_no_request_and_give_a_remedy(name: str) -> None:
    page = engines["django"].get_template(f"{name}.html").render()
    assert "<h1" in page
    assert "Go to the dashboard" in page


def test_an_unknown_address_gets_our_page_in_the_readers_language(
    client: Client, shell_site: None, db: None
) -> None:
    response = client.get("/nowhere/", headers={"accept-language": "ru"})
    assert response.status_code == 404
    assert "По этому адресу ничего нет" in response.content.decode()


def test_a_form_without_its_token_is_explained(shell_site: None, db: None) -> None:
    response = Client(enforce_csrf_checks=True).post("/sign-in/", {"username": "a"})
    assert response.status_code == 403
    assert "This form is no longer valid" in response.content.decode()


def test_only_known_colour_modes_reach_the_page(client: Client, shell_site: None, db: None) -> None:
    client.cookies["mains_theme"] = 'dark" onload="alert(1)'
    assert "onload" not in client.get("/sign-in/").content.decode()
    client.cookies["mains_theme"] = "dark"
    assert 'data-bs-theme="dark"' in client.get("/sign-in/").content.decode()


def test_texts_of_customers_cannot_break_out_of_the_data(rf: RequestFactory) -> None:
    evil = "</script><script>alert(1)</script>"
    chart = Chart("c", evil, [evil], [Series(evil, [1], [evil])])
    place = PlaceMap("m", evil, [Place.at(latitude=9.0, longitude=7.0, label=evil)])
    node = FormulaNode(evil, evil, formula=evil, source=evil)
    source = '{% chart chart %}{% place_map map %}{% include "office/parts/formula_tree.html" %}'
    page = (
        engines["django"]
        .from_string(source)
        .render({"chart": chart, "map": place, "node": node}, rf.get("/"))
    )
    assert "<script>alert" not in page
    assert page.count("</script>") == 2


def test_a_series_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="1 values for 2 categories"):
        Chart("c", "t", ["a", "b"], [Series("s", [1], ["1"])])
    with pytest.raises(ValueError, match="2 values but 1 texts"):
        Series("s", [1, 2], ["1"])

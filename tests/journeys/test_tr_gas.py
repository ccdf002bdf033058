"""A gas distributor in Turkey: volume becomes energy by figures of the network, prices of eight decimals, free volume.

By the commands and pages that its people use. Each test names the rows of docs/features.md that it walks.
"""

import json
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from demo_cast import Utility, demo_utility

pytestmark = pytest.mark.browser

ACCOUNTS = 200


@pytest.fixture(scope="module")
def utility() -> Iterator[Utility]:
    with demo_utility("tr_gas", accounts=ACCOUNTS) as built:
        yield built


def test_the_demo_tells_what_it_did(utility: Utility) -> None:
    """B1, B2, P1, C7, C9: months billed in cubic metres and paid, every amount confirmed, no day forgotten."""
    for month in ("2023-09", "2023-10", "2023-11"):
        assert re.search(rf"^{month} +[12]\d\d ", utility.summary, re.MULTILINE)
    assert re.search(r"^month +bills +m3 ", utility.summary, re.MULTILINE)
    assert utility.paper.read_bytes().startswith(b"%PDF-")
    assert "BROKEN" not in utility.mains("ledger", "check")
    assert "0 differences." in utility.mains("replay", "--all")
    assert "No holes." in utility.mains("report", "completeness")


def test_a_bill_tells_from_where_its_energy_comes(utility: Utility, enter: Callable[..., Page]) -> None:
    """C4, C7: factor and calorific value with station and proof, the price to eight decimals; the page in Turkish."""
    explained = utility.mains("explain", utility.bill, "--json")
    told = json.loads(explained)
    asked = [line["amount_minor"] for line in told["lines"] if "included" not in line["title"]]
    assert sum(asked) == told["amount_minor"]
    assert "Düzeltme katsayısı tutanağı PS-" in explained
    assert "Kalori raporu 11.2023, 02.12.2023" in explained
    assert "0.62582697" not in explained
    assert "0.61802423" in explained
    paper = "".join(page.extract_text() for page in PdfReader(utility.paper).pages)
    assert re.search(r"[\d.]+,\d+ kWh\s+0,61802423/\s*kWh", paper)
    assert re.search(
        r"Weather, degree days: \d+(\.\d+)? → \d+", utility.mains("explain", utility.bill, "--change")
    )
    page = enter("supervisor", f"/bills/{utility.bill}/", width=360, height=740)
    expect(page.locator("html")).to_have_attribute("lang", "tr")
    expect(page.get_by_text("Doğalgaz bedeli").first).to_be_visible()
    expect(page.locator("td", has_text="kWh").first).to_be_attached()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    account = page.locator("main a[href^='/accounts/']:not([href*='?'])").last.get_attribute("href")
    number = (account or "").split("/")[2]
    page.goto(f"{utility.address}/accounts/{number}/premise/")
    expect(page.get_by_text("Düzeltme katsayısı tutanağı").first).to_be_visible()
    expect(page.get_by_text("Şehir giriş istasyonu").first).to_be_visible()


def test_a_corrected_factor_corrects_what_was_billed(
    utility: Utility, file: Callable[[str, str], str]
) -> None:
    """C4, C8: a file of figures, a preview that posts nothing, corrections that name the figure."""
    network = utility.mains("registry", "tree", "network", "--service", "gas")
    (station, *_) = re.findall(r"\[gas substation (PS-\d+)", network)
    figures = file(
        "factors.csv",
        f"node,name,value,valid_from,valid_to,proof\n{station},correction,0.9,2023-11-01,2023-12-01,tutanak 77\n",
    )
    assert "1 node-figures are written" in utility.mains("registry", "import", "node-figures", figures)
    preview = utility.mains("recalculate", "--preview")
    assert "Nothing was posted" in preview
    assert re.search(r"\d", utility.mains("recalculate"))
    assert "0 differences." in utility.mains("replay", "--all")
    assert "BROKEN" not in utility.mains("ledger", "check")

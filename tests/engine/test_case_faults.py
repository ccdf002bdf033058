"""Malformed cases of every kind: each is refused with file, line and remedy, quickly, and never with a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from mains.engine.case import read_case, run_case
from mains.kernel.errors import MainsError

CASE = """case: household
kind: derived
source: computed here
tariff:
  tariff: household
  currency: EUR
  unit: kWh
  attributes: {band: {type: text, values: [A, B]}, residents: number}
  prices:
    energy: {unit: EUR/kWh, tiers: [[100, 0.20], [null, 0.30]]}
    extra: {unit: EUR/kWh, by: band, A: 0, B: 0}
    vat: 10 %
  components:
    - {name: energy, formula: "tiers(usage, energy)"}
    - {name: extra, formula: usage * extra}
    - {name: vat, kind: tax, formula: vat * charges}
facts:
  period: {from: 2024-05-01, to: 2024-06-01}
  usage: 150
  attributes: {band: A}
expect:
  total: 38.50
"""
VERSIONS = "  versions:\n    - {valid_from: 2024-01-01, valid_to: %s}\n    - {valid_from: 2024-05-20}\n  components:\n"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)


def replaced(old: str, new: str) -> str:
    assert old in CASE
    return CASE.replace(old, new, 1)


def rate(text: str) -> None:
    run_case(read_case(text, name="case.yaml", open_tariff=lambda file: file))


def test_the_good_one_is_rated() -> None:
    result = run_case(read_case(CASE, name="case.yaml", open_tariff=lambda file: file))
    assert result.mismatches == ()


FAULTS = {
    "gap of versions": (replaced("  components:\n", VERSIONS % "2024-05-10"), "versions[2024-01-01].valid_to"),
    "overlap of versions": (replaced("  components:\n", VERSIONS % "2024-06-10"), "versions[2024-01-01].valid_to"),
    "no version in force": (
        replaced("  components:\n", "  versions:\n    - {valid_from: 2024-05-20}\n  components:\n"), "versions"
    ),
    "unit error": (replaced("vat * charges", "vat * usage"), "components[vat].formula"),
    "cycle": (replaced("usage * extra", "vat + 0 * usage * prices.extra"), "components[extra].formula"),
    "missing last tier": (replaced("[null, 0.30]", "[200, 0.30]"), "prices.energy.tiers[1]"),
    "limits out of order": (replaced("[null, 0.30]", "[50, 0.25], [null, 0.30]"), "prices.energy.tiers[1]"),
    "tier without price": (replaced("[100, 0.20]", "[100]"), "prices.energy.tiers[0]"),
    "no tiers": (replaced("[[100, 0.20], [null, 0.30]]", "[]"), "prices.energy.tiers"),
    "value missing": (replaced("A: 0, B: 0", "A: 0"), "prices.extra"),
    "attribute without fact": (replaced("vat * charges", "vat * charges * residents"), "components[vat]"),
    "unknown value of attribute": (replaced("{band: A}", "{band: C}"), "facts.attributes.band"),
    "unknown key": (replaced("currency:", "currancy:"), "currency"),
    "unknown name": (replaced("tiers(usage", "tiers(useage"), "components[energy].formula"),
    "unknown zone": (replaced("usage * extra", "usage.night * extra"), "components[extra]"),
    "wrong type of a list": (replaced("{unit: EUR/kWh, by: band, A: 0, B: 0}", "{by: [[]]}"), "prices.extra.by"),
    "formula is a list": (replaced("formula: vat * charges", "formula: [1]"), "components[vat].formula"),
    "formula is empty": (replaced("formula: vat * charges", 'formula: ""'), "components[vat].formula"),
    "formula is a program": (
        replaced("vat * charges", "\"__import__('os').system('id')\""), "components[vat].formula"
    ),
    "formula nested deep": (
        replaced("vat * charges", '"' + "(" * 900 + "vat" + ")" * 900 + '"'), "components[vat].formula"
    ),
    "formula divides by zero": (
        replaced("vat * charges", '"vat * charges / (usage - 150) * 1 [kWh]"'), "components[vat]"
    ),
    "amount beyond 64 bits": (replaced("vat * charges", f"vat * charges * {10**30}"), "line 4"),
    "not a number": (replaced("usage: 150", "usage: .nan"), "facts.usage"),
    "infinite": (replaced("vat: 10 %", "vat: .inf"), "prices.vat"),
    "1e309": (replaced("usage: 150", "usage: 1e309"), "facts.usage"),
    "5000 digits": (replaced("usage: 150", f"usage: {'9' * 5000}"), "facts.usage"),
    "too precise": (replaced("usage: 150", "usage: 0.1234567"), "facts.usage"),
    "negative days": (replaced("to: 2024-06-01", "days: -5"), "facts.period.days"),
    "too many days": (replaced("to: 2024-06-01", "days: 99999999"), "facts.period.days"),
    "end before start": (replaced("to: 2024-06-01", "to: 2024-04-01"), "facts.period"),
    "end of time": (replaced("to: 2024-06-01", "last_day: 9999-12-31"), "facts.period"),
    "no such day": (replaced("from: 2024-05-01", "from: 2024-02-30"), "line 18"),
    "no such date": (replaced("from: 2024-05-01", "from: yesterday"), "facts.period.from"),
    "reading with letters": (
        replaced("usage: 150", "readings: {2024-04-30: 12a, 2024-05-31: 150}"), "facts.readings.2024-04-30"
    ),
    "reading below the last": (
        replaced("usage: 150", "readings: {2024-04-30: 151, 2024-05-31: 150}"), "facts.readings.2024-05-31"
    ),
    "one reading": (replaced("usage: 150", "readings: {2024-04-30: 150}"), "facts.readings"),
    "reading beyond the digits": (
        replaced("usage: 150", "readings: [{digits: 2, list: {2024-04-30: 7, 2024-05-31: 157}}]"),
        "facts.readings[0].list.2024-05-31",
    ),
    "expects what is not there": (CASE + "  components: {enery: 1}\n", "expect.components.enery"),
    "key given twice": (replaced("  unit: kWh\n", "  unit: kWh\n  unit: m3\n"), "line 8"),
    "two documents": (f"{CASE}---\n{CASE}", "line 23"),
    "unclosed bracket": (replaced("usage: 150", "usage: [150"), "line 20"),
    "tab": (replaced("  usage: 150", "\tusage: 150"), "line 19"),
    "unprintable character": (replaced("usage: 150", "usage: 15\x070"), "line 19"),
    "tag of a program": (replaced("usage: 150", "usage: !!python/object/apply:os.system [id]"), "facts.usage[0]"),
    "billion laughs": (BOMB + CASE, "line "),
    "anchor within itself": (replaced("usage: 150", "usage: &a [*a]"), "line 19"),
    "nested YAML": (f"case: {'[' * 3000}{']' * 3000}", "line 1"),
    "huge file": (f"{CASE}# {'x' * 3_000_000}", "line 1"),
    "empty": ("", "line 1"),
    "only a remark": ("# nothing\n", "line 1"),
    "a list": ("- a\n- b\n", "line 1"),
    "a word": ("hello\n", "case.yaml"),
    "all empty": ("case:\ntariff:\nfacts:\n", "tariff"),
    "no facts": (CASE[: CASE.index("facts:")], "facts"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_refused_with_file_line_and_remedy(name: str) -> None:
    text, place = FAULTS[name]
    with pytest.raises(MainsError) as caught:
        rate(text)
    error = caught.value
    assert error.place.startswith("case.yaml")
    assert "line " in error.place or name == "a word"
    assert place in error.place
    assert error.message
    assert error.remedy


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (CASE.replace("vat * charges", "vat * usage").encode(), "must be in EUR"),
        (CASE.replace("household", "Haushalt für zwei").encode("latin-1"), "not UTF-8"),
        (CASE.encode("utf-16"), "not UTF-8"),
        (bytes(range(256)), "not UTF-8"),
        (CASE.replace("household", "house\0hold").encode(), "not valid YAML"),
    ],
)
def test_command_ends_with_2_and_no_traceback(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "case.yaml"
    path.write_bytes(content)
    command = Path(sys.executable).with_name("mains")
    ended = subprocess.run([command, "rate", path], capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert f"{path}, line " in ended.stderr
    assert "What to do: " in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf" + CASE.encode(), CASE.replace("\n", "\r\n").encode()])
def test_files_of_windows_editors_are_read(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "case.yaml"
    path.write_bytes(content)
    command = Path(sys.executable).with_name("mains")
    assert (
        subprocess.run([command, "rate", path], capture_output=True, check=False, timeout=60).returncode == 0
    )

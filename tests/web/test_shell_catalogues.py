"""Catalogues: nothing missing in any language, faults found, Russian plurals right."""

import gettext
import io
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from mains.config.cli import i18n


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_text_of_the_sources_is_translated(language: str) -> None:
    assert i18n.list_faults(i18n.collect(), i18n.load(language)) == []


@pytest.mark.parametrize(
    ("translation", "flags", "fault"),
    [
        ("", (), "not translated"),
        ("Es gibt %(count)s", ("fuzzy",), "marked fuzzy"),
        ("Es gibt einige", (), "placeholders differ"),
        ("Es gibt %(number)s", (), "placeholders differ"),
        ("Es gibt %(count)s", (), ""),
    ],
)
def test_faults_of_a_translation_are_named(translation: str, flags: tuple[str, ...], fault: str) -> None:
    template, catalogue = Catalog(), Catalog(locale="de")
    template.add("There are %(count)s", locations=[("web/x.html", 0)])
    catalogue.add("There are %(count)s", translation, flags=flags)
    found = i18n.list_faults(template, catalogue)
    assert found == ([f"{fault}: 'There are %(count)s' (web/x.html)"] if fault else [])


def test_a_plural_needs_every_form_of_its_language() -> None:
    template, catalogue = Catalog(), Catalog(locale="ru")
    template.add(("%(count)s bill", "%(count)s bills"), locations=[("web/x.html", 0)])
    catalogue.add(("%(count)s bill", "%(count)s bills"), ("%(count)s счёт", "%(count)s счёта", ""))
    assert i18n.list_faults(template, catalogue) == ["not translated: '%(count)s bill' (web/x.html)"]


def test_russian_plurals_follow_the_stored_rule() -> None:
    catalogue = i18n.load("ru")
    catalogue.add(("%d bill", "%d bills"), ("%d счёт", "%d счёта", "%d счетов"))
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    texts = gettext.GNUTranslations(compiled)
    shown = [texts.ngettext("%d bill", "%d bills", count) % count for count in (1, 2, 5, 11, 21, 22, 25, 111)]
    expected = [
        "1 счёт",
        "2 счёта",
        "5 счетов",
        "11 счетов",
        "21 счёт",
        "22 счёта",
        "25 счетов",
        "111 счетов",
    ]
    assert shown == expected


def test_texts_are_found_in_templates_and_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = '{% load i18n %}\n<p title="it\'s">\n    {% translate "One" %}</p>\n'
    page += "  {% blocktranslate count n=n %}{{ n }} bill{% plural %}{{ n }} bills{% endblocktranslate %}"
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    code = (
        'from x import gettext_lazy as _\nA = _("Two")\nB = pgettext("unit", "h")\nC = f"{_(\'Three\')}: 3"\n'
    )
    (tmp_path / "code.py").write_text(code, encoding="utf-8")
    monkeypatch.setattr(i18n, "PACKAGE", tmp_path)
    found = {(message.id, message.context) for message in i18n.collect() if message.id}
    assert found == {
        ("One", None),
        (("%(n)s bill", "%(n)s bills"), None),
        ("Two", None),
        ("Three", None),
        ("h", "unit"),
    }

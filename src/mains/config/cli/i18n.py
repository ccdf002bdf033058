"""`mains i18n`: catalogues of translations from the sources, checked whole, compiled for Django.

Babel reads Python directly and templates through Django's own `templatize`, so no gettext tools need be
installed. Catalogues carry no line numbers and no dates: a change of text is the only change they show.
"""

import ast
import io
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Annotated

import typer
from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract as extract_messages
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from rich.console import Console

app = typer.Typer(no_args_is_help=True, help="Extract, compile and check translations.")
PACKAGE = Path(__file__).resolve().parents[2]
LOCALE = PACKAGE / "locale"
SOURCE = "en"
LANGUAGES = (SOURCE, "ru", "tr", "zh_Hans", "de", "fr")
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "translate": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
HEADER = "# Translations of Mains. Distributed under the licence of Mains, Apache-2.0."
_CHANGING_HEADERS = re.compile(
    r'^"(POT-Creation-Date|PO-Revision-Date|Last-Translator|Language-Team|Generated-By|Report-Msgid-Bugs-To)'
    r": .*\n",
    re.MULTILINE,
)


@app.command()
def extract() -> None:
    """Bring the catalogues up to date with the sources; translations of texts that stayed are kept."""
    template = collect()
    for language in LANGUAGES:
        catalogue = load(language)
        # A copy, because the catalogue keeps the template's messages and fills them in.
        catalogue.update(deepcopy(template), no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        if language == SOURCE:
            _repeat_source(catalogue)
        _save(catalogue, language)
    Console().print(f"{len(template)} texts in {len(LANGUAGES)} catalogues.")


@app.command("compile")
def compile_catalogues() -> None:
    """Write the compiled catalogue beside each one."""
    for language in LANGUAGES:
        path = catalogue_path(language)
        with path.with_suffix(".mo").open("wb") as target:
            write_mo(target, load(language))


@app.command()
def check(
    limit: Annotated[int, typer.Option(help="How many faults to print for each language.")] = 20,
) -> None:
    """Fail when any text lacks a translation in any language, or a translation lost a placeholder."""
    console = Console()
    template = collect()
    failed = False
    for language in LANGUAGES:
        faults = list_faults(template, load(language))
        failed = failed or bool(faults)
        place = catalogue_path(language).relative_to(LOCALE)
        for fault in faults[:limit]:
            console.print(f"{place}: {fault}", markup=False, soft_wrap=True)
        if len(faults) > limit:
            console.print(f"… and {len(faults) - limit} more in {language}", markup=False)
    if failed:
        remedy = "Run `mains i18n extract`, fill the empty translations in, then `mains i18n compile`."
        console.print(remedy, soft_wrap=True)
        raise typer.Exit(1)
    console.print(f"All {len(template)} texts are there in {', '.join(LANGUAGES)}.")


def collect() -> Catalog:
    """All texts of the sources, each with the files it stands in."""
    catalogue = Catalog()
    for path in sorted(PACKAGE.rglob("*")):
        if path.suffix not in {".py", ".html", ".txt"} or "static" in path.relative_to(PACKAGE).parts:
            continue
        place = path.relative_to(PACKAGE).as_posix()
        for message, comments, context in _texts(path):
            catalogue.add(message, locations=[(place, 0)], auto_comments=comments, context=context)
    return catalogue


def load(language: str) -> Catalog:
    """The stored catalogue of a language; an empty one when there is none yet."""
    path = catalogue_path(language)
    locale = Locale.parse(language)
    if not path.exists():
        return Catalog(locale=locale, project="Mains", version="1", charset="utf-8", fuzzy=False)
    with path.open("rb") as source:
        return read_po(source, locale=locale)


def catalogue_path(language: str) -> Path:
    """Where Django looks for the language's texts."""
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def list_faults(template: Catalog, catalogue: Catalog) -> list[str]:
    """Texts of `template` that `catalogue` lacks, leaves empty, marks fuzzy or translates without a
    placeholder.
    """
    faults = []
    for wanted in template:
        if not wanted.id:
            continue
        found = catalogue.get(wanted.id, wanted.context)
        fault = _fault(wanted, found, plural_count=catalogue.num_plurals)
        if fault:
            faults.append(f"{fault}: {_shown(wanted)!r} ({wanted.locations[0][0]})")
    return faults


def _fault(wanted: Message, found: Message | None, *, plural_count: int) -> str:
    if found is None:
        return "not in the catalogue"
    if found.fuzzy:
        return "marked fuzzy"
    forms = list(found.string) if isinstance(found.string, (list, tuple)) else [found.string]
    if not all(forms) or (wanted.pluralizable and len(forms) != plural_count):
        return "not translated"
    needed = _placeholders(wanted.id if isinstance(wanted.id, str) else wanted.id[-1])
    # A plural form may name the number in words; a lone translation must carry all of it.
    held = [_placeholders(str(form)) for form in forms]
    if any(form - needed for form in held) or needed - held[0].union(*held[1:]):
        return "placeholders differ"
    return ""


def _placeholders(text: str) -> set[str]:
    return set(PLACEHOLDER.findall(text))


def _shown(message: Message) -> str:
    return str(message.id[0] if message.pluralizable else message.id)


def _texts(path: Path) -> Iterator[tuple[str | tuple[str, ...], list[str], str | None]]:
    # Only the translation helper of Django is needed, not its settings: imported late for a quick command
    # line.
    from django.utils.translation.template import templatize

    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        # What templatize leaves of the markup keeps its indentation, which is none of Python's business.
        lines = templatize(source, origin=str(path)).splitlines()
        source = "\n".join(line.lstrip() for line in lines)
    if "gettext" not in source:
        return
    if path.suffix == ".py":
        source = "\n".join([source, *_calls_in_formatted_strings(source)])
    stream = io.BytesIO(source.encode("utf-8"))
    options = {"encoding": "utf-8"}
    found = extract_messages(
        "python",
        stream,
        keywords=KEYWORDS,
        comment_tags=("Translators:",),
        options=options,
        strip_comment_tags=True,
    )
    for _line, message, comments, context in found:
        yield message, comments, context


def _calls_in_formatted_strings(source: str) -> Iterator[str]:
    """Calls inside f-strings: before Python 3.12 a tokenizer sees one string there, and Babel nothing."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            for call in ast.walk(node):
                if (
                    isinstance(call, ast.Call)
                    and isinstance(call.func, ast.Name)
                    and call.func.id in KEYWORDS
                ):
                    yield ast.unparse(call)


def _repeat_source(catalogue: Catalog) -> None:
    for message in catalogue:
        if message.id:
            message.string = message.id


def _save(catalogue: Catalog, language: str) -> None:
    catalogue.header_comment = HEADER
    catalogue.fuzzy = False
    buffer = io.BytesIO()
    write_po(
        buffer,
        catalogue,
        width=110,
        sort_output=True,
        ignore_obsolete=True,
        include_previous=False,
        include_lineno=False,
    )
    path = catalogue_path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_CHANGING_HEADERS.sub("", buffer.getvalue().decode("utf-8")), encoding="utf-8")

"""Tags and filters of every office page; loaded for all templates by the settings."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.forms import BoundField
from django.utils.html import conditional_escape, format_html, format_html_join, json_script
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from mains.base import formats
from mains.base.masking import CONTACTS, NAMES, is_masked
from mains.metering.values import DayQuality
from mains.web.office import assets, navigation
from mains.web.office.parts import Chart, PlaceMap
from mains.web.office.script_strings import SCRIPT_STRINGS
from mains.web.office.templatetags.mains_words import how_known

register = template.Library()


def _language() -> str:
    return get_language() or "en"


def _isolated(text: str, *, title: str = "") -> SafeString:
    """A number in its own direction, digits in columns, so that it reads the same inside any script."""
    if title:
        return format_html('<bdi class="amount" title="{}">{}</bdi>', title, text)
    return format_html('<bdi class="amount">{}</bdi>', text)


# Numbers


@register.filter
def money(minor: int | None, currency: str) -> str:
    """`{{ bill.total_minor|money:"RUB" }}`: amount with the currency's sign; nothing for None."""
    if minor is None:
        return ""
    return _isolated(formats.money_text(minor, currency=currency, language=_language()))


@register.filter
def money_short(minor: int | None, currency: str) -> str:
    """A rounded figure for cards; the exact amount is its title."""
    if minor is None:
        return ""
    exact = formats.money_text(minor, currency=currency, language=_language())
    return _isolated(formats.money_short_text(minor, currency=currency, language=_language()), title=exact)


@register.filter
def amount(minor: int | None) -> str:
    """For columns whose heading names the currency: two decimals, no sign of the currency."""
    return "" if minor is None else _isolated(formats.amount_text(minor, language=_language()))


@register.filter
def quantity(micro: int | None, unit: str = "") -> str:
    """`{{ usage_micro|quantity:"kWh" }}`: all decimals that are not zero."""
    return "" if micro is None else _isolated(formats.quantity_text(micro, unit=unit, language=_language()))


@register.filter
def quantity_whole(micro: int | None, unit: str = "") -> str:
    """Rounded to whole units for cards; the exact quantity is its title."""
    if micro is None:
        return ""
    exact = formats.quantity_text(micro, unit=unit, language=_language())
    return _isolated(formats.quantity_text(micro, unit=unit, language=_language(), decimals=0), title=exact)


@register.filter
def as_name(text: str) -> str:
    """A name, masked for those who may not see names."""
    return f"{text[:1]}•••" if text and is_masked(NAMES) else text


@register.filter
def as_contact(text: str) -> str:
    """A phone, an address or a number of a bank account, masked for those who may not see contacts."""
    return f"•••{text[-2:]}" if text and is_masked(CONTACTS) else text


@register.filter
def number(value: int | Decimal | None) -> str:
    """A count or other plain number with the language's separators."""
    return "" if value is None else _isolated(formats.number_text(value, language=_language()))


@register.filter
def ppm_percent(ppm: int) -> str:
    """Millionths as a percentage, with the decimals that it has, at most four."""
    decimals = next(places for places in range(5) if ppm % 10 ** (4 - places) == 0)
    return _isolated(formats.percent_text(Decimal(ppm).scaleb(-6), language=_language(), decimals=decimals))


@register.filter
def percent(fraction: Decimal | None) -> str:
    """A share of one with one decimal."""
    return "" if fraction is None else _isolated(formats.percent_text(fraction, language=_language()))


@register.filter
def signed_percent(hundredths: int) -> str:
    """Hundredths of a percent with sign: 500 is +5 %."""
    decimals = 0 if hundredths % 100 == 0 else 2
    text = formats.percent_text(Decimal(hundredths).scaleb(-4), language=_language(), decimals=decimals)
    return _isolated(f"+{text}" if hundredths > 0 else text)


@register.filter
def unit(code: str) -> str:
    """Sign of a unit in the active language."""
    return formats.unit_text(code)


# Time


@register.filter
def local_date(day: date | None) -> str:
    """`<time>` with the day in the reader's language."""
    if day is None:
        return ""
    return format_html(
        '<time datetime="{}">{}</time>', day.isoformat(), formats.date_text(day, language=_language())
    )


@register.filter
def local_month(day: date | None) -> str:
    """Month and year of a day."""
    return "" if day is None else formats.month_text(day, language=_language())


@register.filter
def local_month_inside(day: date | None) -> str:
    """Month and year of a day inside a sentence: not every language begins them with a capital."""
    return "" if day is None else formats.month_inside_text(day, language=_language())


@register.filter
def local_instant(at: datetime | None) -> str:
    """`<time>` with date and time to the minute."""
    if at is None:
        return ""
    return format_html(
        '<time datetime="{}">{}</time>', at.isoformat(), formats.instant_text(at, language=_language())
    )


@register.filter
def until(valid_from: date, valid_to: date) -> str:
    """`{{ bill.period_from|until:bill.period_to }}`: the half-open period in words."""
    return formats.period_text(valid_from, valid_to, language=_language())


# Signs


@register.simple_tag
def icon(name: str, *, label: str = "", css: str = "") -> SafeString:
    """An icon of the sprite; without `label` it is decoration and readers skip it."""
    address = f"{assets.asset_url('src/icons.svg')}#{name}"
    spoken = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    return format_html('<svg class="icon {}" {}><use href="{}"></use></svg>', css, spoken, address)


@register.simple_tag
def state(label: str, tone: str = "quiet") -> SafeString:
    """A badge: good, warn, bad, info or quiet, told apart by shape as well as by colour."""
    return format_html('<span class="state state-{}">{}</span>', tone, label)


@register.simple_tag
def quality(letter: str) -> SafeString:
    """The badge of a day's quality, with a plus where an act adds to the day; unknown letters are shown as they are."""
    known = letter.upper() if letter.upper() in DayQuality else letter
    title, mark = how_known(letter), "+" if letter != known else ""
    return format_html(
        '<span class="quality quality-{}" title="{}"><span aria-hidden="true">{}{}</span>'
        '<span class="visually-hidden">{}</span></span>',
        known,
        title,
        known,
        mark,
        title,
    )


# Parts


@register.inclusion_tag("office/parts/chart.html")
def chart(picture: Chart) -> dict[str, Any]:
    """A chart in its card, with the table behind it."""
    return {"chart": picture, "data_id": f"{picture.key}-data"}


@register.inclusion_tag("office/parts/map.html")
def place_map(picture: PlaceMap) -> dict[str, Any]:
    """A map in its card, with the list behind it."""
    return {"map": picture, "data_id": f"{picture.key}-data"}


@register.inclusion_tag("office/parts/field.html")
def form_field(bound: BoundField) -> dict[str, Any]:
    """Label, control, hint and errors of a form field, tied together for readers."""
    css = "form-select" if bound.widget_type in {"select", "selectmultiple"} else "form-control"
    if bound.widget_type in {"checkbox", "radioselect", "checkboxselectmultiple"}:
        css = "form-check-input"
    named: dict[str, str | bool] = {"class": f"{css} {bound.field.widget.attrs.get('class', '')}".strip()}
    notes = [f"{bound.auto_id}_error"] if bound.errors else []
    if bound.help_text:
        notes.append(f"{bound.auto_id}_helptext")
    if notes:
        named["aria-describedby"] = " ".join(notes)
    return {"field": bound, "control": bound.as_widget(attrs=named), "error_id": f"{bound.auto_id}_error"}


# Frame


@register.simple_tag
def asset(source: str) -> str:
    """Address of a built file, `{% asset "src/logo.svg" %}`."""
    return assets.asset_url(source)


@register.simple_tag
def asset_styles(entry: str) -> SafeString:
    """Links to the style sheets of an entry."""
    return format_html_join(
        "\n", '<link rel="stylesheet" href="{}">', ((url,) for url in assets.style_urls(entry))
    )


@register.simple_tag(takes_context=True)
def asset_script(context: template.Context, entry: str) -> SafeString:
    """The module of an entry with the page's nonce, and preloads of what it imports."""
    main, *shared = assets.module_urls(entry)
    nonce = str(getattr(context.get("request"), "csp_nonce", ""))
    preloads = format_html_join(
        "\n", '<link rel="modulepreload" href="{}" nonce="{}">', ((url, nonce) for url in shared)
    )
    return format_html('{}\n<script type="module" src="{}" nonce="{}"></script>', preloads, main, nonce)


@register.simple_tag
def script_strings() -> SafeString:
    """The texts of the scripts in the active language; `frontend/src/office/strings.ts` reads them."""
    return json_script({name: str(label) for name, label in SCRIPT_STRINGS.items()}, "mains-strings")


@register.simple_tag(takes_context=True)
def navigation_links(context: template.Context) -> list[navigation.Link]:
    """Entries of the sidebar, the current one marked."""
    request = context.get("request")
    match = getattr(request, "resolver_match", None)
    rights = getattr(request, "rights", None)
    return navigation.list_links(match.view_name if match else "", rights.permissions if rights else None)


@register.simple_tag(takes_context=True)
def theme_attribute(context: template.Context) -> SafeString:
    """The colour mode that the person chose; nothing when the device decides."""
    chosen = getattr(context.get("request"), "COOKIES", {}).get("mains_theme")
    return SafeString(f'data-bs-theme="{chosen}"') if chosen in {"light", "dark"} else SafeString("")


@register.simple_tag
def initials(person: Any) -> str:
    """Up to two letters for the person's disc in the header."""
    names = [person.first_name, person.last_name]
    letters = "".join(name[:1] for name in names if name) or str(person.get_username())[:2]
    return conditional_escape(letters.upper())

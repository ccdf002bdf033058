"""Numbers as fields hold them, whatever the language of the page."""

from django import template

register = template.Library()


@register.filter
def plain(value: int) -> str:
    """A whole number without groups."""
    return str(value)

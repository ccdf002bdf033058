"""Writing XML: elements by prefixed name, empty ones left out (PEPPOL-EN16931-R008)."""

from collections.abc import Mapping
from datetime import date

from lxml import etree

Element = etree._Element


class XmlWriter:
    """Writes elements of the namespaces that a document declares, by names such as `cbc:ID`."""

    def __init__(self, *, root: str, namespaces: Mapping[str, str]) -> None:
        self._namespaces = dict(namespaces)
        declared: dict[str | None, str] = {prefix or None: uri for prefix, uri in namespaces.items()}
        self.root = etree.Element(self._name(root), nsmap=declared)

    def group(self, parent: Element, name: str) -> Element:
        """An element for others; `prune` takes it away again where it stays empty."""
        return etree.SubElement(parent, self._name(name))

    def text(self, parent: Element, name: str, text: str, **attributes: str) -> None:
        """An element with text; none where there is no text. Attributes without a value are left out."""
        if not text:
            return
        element = etree.SubElement(parent, self._name(name))
        element.text = _clean(text)
        for key, value in attributes.items():
            if value:
                element.set(key, value)

    def day(self, parent: Element, name: str, day: date) -> None:
        """A date as YYYY-MM-DD."""
        self.text(parent, name, day.isoformat())

    def content(self) -> bytes:
        """The document, indented, without empty elements."""
        prune(self.root)
        etree.indent(self.root)
        return etree.tostring(self.root, xml_declaration=True, encoding="UTF-8") + b"\n"

    def _name(self, name: str) -> str:
        prefix, _colon, local = name.rpartition(":")
        return f"{{{self._namespaces[prefix]}}}{local}"


def prune(element: Element) -> None:
    """Take away elements that have neither text nor children."""
    for child in list(element):
        prune(child)
        if len(child) == 0 and not (child.text or "").strip():
            element.remove(child)


def _clean(text: str) -> str:
    """One line, without letters that XML 1.0 forbids."""
    allowed = "".join(letter for letter in text if letter in "\t\n\r" or ord(letter) >= 0x20)
    allowed = "".join(letter for letter in allowed if not 0xD800 <= ord(letter) <= 0xDFFF)
    return " ".join(allowed.replace("\ufffe", "").replace("\uffff", "").split())

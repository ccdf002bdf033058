"""SOAP 1.1, document/literal: one operation in the body, read with limits, answered in the same namespace."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from lxml import etree

from mains.integrations.agents.operations import ANSWERS, NAMESPACE, PARTS, REQUESTS
from mains.kernel.errors import MainsError

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
SIZE_MAX = 2_500_000
_DEPTH_MAX = 12
_NUMBER_DIGITS_MAX = 15
Values = Mapping[str, Any]
"""Fields by name: text, whole numbers, truth values, days, None, and sequences of such mappings."""


class UnableToReadSoap(MainsError):
    """The request is not XML within the limits, or not one of the operations."""


@dataclass(frozen=True, kw_only=True)
class SoapCall:
    """An operation and its fields, typed; missing optional ones are None, repeated ones a list of mappings."""

    operation: str
    fields: Values


def read_call(content: bytes) -> SoapCall:
    """Read a request. Raises UnableToReadSoap, with the element at fault.

    Document types are refused, so there are no entities to expand; depth and size are limited.
    """
    if len(content) > SIZE_MAX:
        raise _refusal("soap-size", f"A request has at most {SIZE_MAX:,} bytes.", "request")
    if b"<!" in content and (b"<!DOCTYPE" in content.upper() or b"<!ENTITY" in content.upper()):
        raise _refusal("soap-doctype", "A request has no document type.", "request")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _refusal("soap-xml", "The request is not well-formed XML.", str(error)[:120]) from error
    if root.getroottree().docinfo.doctype or _depth(root) > _DEPTH_MAX:
        raise _refusal("soap-doctype", "A request has no document type and little depth.", "request")
    bodies = root.findall(f"{{{ENVELOPE}}}Body") if root.tag == f"{{{ENVELOPE}}}Envelope" else []
    if len(bodies) != 1 or len(bodies[0]) != 1:
        raise _refusal("soap-body", "A request is an envelope of SOAP 1.1 with one operation.", "Envelope")
    (asked,) = bodies[0]
    name = etree.QName(asked)
    if name.namespace != NAMESPACE or name.localname not in REQUESTS:
        raise _refusal("soap-operation", f"There is no operation {name.localname}.", "Body")
    return SoapCall(operation=name.localname, fields=_read(asked, REQUESTS[name.localname]))


def write_answer(operation: str, values: Values) -> bytes:
    """The answer to an operation."""
    answer = etree.Element(f"{{{NAMESPACE}}}{operation}Response", nsmap={None: NAMESPACE})
    _write(answer, ANSWERS[operation], values)
    return _enveloped(answer)


def write_fault(*, code: str, message: str, place: str, remedy: str, is_callers: bool = True) -> bytes:
    """A fault of SOAP 1.1; its detail names code, place and remedy."""
    fault = etree.Element(f"{{{ENVELOPE}}}Fault", nsmap={"soap": ENVELOPE})
    etree.SubElement(fault, "faultcode").text = "soap:Client" if is_callers else "soap:Server"
    etree.SubElement(fault, "faultstring").text = _clean(message)
    error = etree.SubElement(
        etree.SubElement(fault, "detail"), f"{{{NAMESPACE}}}Error", nsmap={None: NAMESPACE}
    )
    for name, text in (("code", code), ("place", place), ("remedy", remedy)):
        etree.SubElement(error, f"{{{NAMESPACE}}}{name}").text = _clean(text)
    return _enveloped(fault)


def _read(element: etree._Element, fields: Mapping[str, str]) -> Values:
    found: dict[str, list[etree._Element]] = {}
    for child in element:
        name = etree.QName(child)
        if name.namespace != NAMESPACE or name.localname not in fields:
            raise _refusal(
                "soap-field", f"{name.localname} is no field here.", etree.QName(element).localname
            )
        found.setdefault(name.localname, []).append(child)
    return {name: _value(name, kind, found.get(name, [])) for name, kind in fields.items()}


def _value(name: str, kind: str, given: list[etree._Element]) -> Any:
    if kind.endswith("*"):
        return [_read(child, PARTS[kind[:-1]]) for child in given]
    if len(given) > 1 or (not given and not kind.endswith("?")):
        raise _refusal("soap-field", f"{name} is to be given once.", name)
    text = (given[0].text or "").strip() if given else ""
    if not text and kind.endswith("?"):
        return None
    try:
        return _typed(text, kind.rstrip("?"))
    except ValueError as error:
        raise _refusal("soap-value", f"{name} is not of type {kind.rstrip('?')}.", name) from error


def _typed(text: str, kind: str) -> Any:
    if kind == "long":
        if len(text) > _NUMBER_DIGITS_MAX or not text.isascii():
            raise ValueError(text)
        return int(text)
    if kind == "date":
        return date.fromisoformat(text)
    if kind == "boolean":
        return {"true": True, "1": True, "false": False, "0": False}.get(text) or _false(text)
    return text


def _false(text: str) -> bool:
    if text not in ("false", "0"):
        raise ValueError(text)
    return False


def _write(element: etree._Element, fields: Mapping[str, str], values: Values) -> None:
    for name, kind in fields.items():
        value = values[name]
        if kind.endswith("*"):
            for part in value:
                _write(etree.SubElement(element, f"{{{NAMESPACE}}}{name}"), PARTS[kind[:-1]], part)
        elif value is not None:
            etree.SubElement(element, f"{{{NAMESPACE}}}{name}").text = _text(value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _clean(value.isoformat() if isinstance(value, date) else str(value))


def _clean(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return "".join(sign for sign in text if sign in "\t\n" or sign.isprintable())


def _enveloped(content: etree._Element) -> bytes:
    envelope = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"soap": ENVELOPE})
    etree.SubElement(envelope, f"{{{ENVELOPE}}}Body").append(content)
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")


def _depth(root: etree._Element) -> int:
    """How deep the tree is, at most one level over the limit."""
    deepest, level = 0, 0
    for event, _element in etree.iterwalk(root, events=("start", "end")):
        level += 1 if event == "start" else -1
        deepest = max(deepest, level)
        if deepest > _DEPTH_MAX:
            break
    return deepest


def _refusal(code: str, message: str, place: str) -> UnableToReadSoap:
    return UnableToReadSoap(
        code=code, message=message, place=place, remedy="See the WSDL at this address with ?wsdl."
    )

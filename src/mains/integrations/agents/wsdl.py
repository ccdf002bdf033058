"""The WSDL 1.1 of the agents' operations, made from the same table by which requests are read."""

from collections.abc import Mapping

from lxml import etree

from mains.integrations.agents.operations import ANSWERS, NAMESPACE, PARTS, REQUESTS

_WSDL = "http://schemas.xmlsoap.org/wsdl/"
_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
_SCHEMA = "http://www.w3.org/2001/XMLSchema"
_NAMES = {"wsdl": _WSDL, "soap": _SOAP, "xs": _SCHEMA, "tns": NAMESPACE}


def write_wsdl(address: str) -> bytes:
    """The description of the service at that address."""
    root = etree.Element(f"{{{_WSDL}}}definitions", {"name": "Agents", "targetNamespace": NAMESPACE}, _NAMES)
    _types(etree.SubElement(root, f"{{{_WSDL}}}types"))
    for operation in REQUESTS:
        for suffix in ("", "Response"):
            message = etree.SubElement(root, f"{{{_WSDL}}}message", {"name": f"{operation}{suffix}Message"})
            part = {"name": "parameters", "element": f"tns:{operation}{suffix}"}
            etree.SubElement(message, f"{{{_WSDL}}}part", part)
    port = etree.SubElement(root, f"{{{_WSDL}}}portType", {"name": "AgentsPort"})
    binding = etree.SubElement(
        root, f"{{{_WSDL}}}binding", {"name": "AgentsBinding", "type": "tns:AgentsPort"}
    )
    etree.SubElement(
        binding,
        f"{{{_SOAP}}}binding",
        {"style": "document", "transport": "http://schemas.xmlsoap.org/soap/http"},
    )
    for operation in REQUESTS:
        offered = etree.SubElement(port, f"{{{_WSDL}}}operation", {"name": operation})
        etree.SubElement(offered, f"{{{_WSDL}}}input", {"message": f"tns:{operation}Message"})
        etree.SubElement(offered, f"{{{_WSDL}}}output", {"message": f"tns:{operation}ResponseMessage"})
        bound = etree.SubElement(binding, f"{{{_WSDL}}}operation", {"name": operation})
        etree.SubElement(bound, f"{{{_SOAP}}}operation", {"soapAction": f"{NAMESPACE}:{operation}"})
        for direction in ("input", "output"):
            side = etree.SubElement(bound, f"{{{_WSDL}}}{direction}")
            etree.SubElement(side, f"{{{_SOAP}}}body", {"use": "literal"})
    service = etree.SubElement(root, f"{{{_WSDL}}}service", {"name": "Agents"})
    place = etree.SubElement(
        service, f"{{{_WSDL}}}port", {"name": "AgentsPort", "binding": "tns:AgentsBinding"}
    )
    etree.SubElement(place, f"{{{_SOAP}}}address", {"location": address})
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _types(types: etree._Element) -> None:
    schema = etree.SubElement(
        types,
        f"{{{_SCHEMA}}}schema",
        {"targetNamespace": NAMESPACE, "elementFormDefault": "qualified"},
    )
    for name, fields in PARTS.items():
        _sequence(etree.SubElement(schema, f"{{{_SCHEMA}}}complexType", {"name": name}), fields)
    for operation in REQUESTS:
        for suffix, fields in (("", REQUESTS[operation]), ("Response", ANSWERS[operation])):
            element = etree.SubElement(schema, f"{{{_SCHEMA}}}element", {"name": f"{operation}{suffix}"})
            _sequence(etree.SubElement(element, f"{{{_SCHEMA}}}complexType"), fields)


def _sequence(parent: etree._Element, fields: Mapping[str, str]) -> None:
    sequence = etree.SubElement(parent, f"{{{_SCHEMA}}}sequence")
    for name, kind in fields.items():
        bare = kind.rstrip("?*")
        attributes = {"name": name, "type": f"tns:{bare}" if bare in PARTS else f"xs:{bare}"}
        if kind.endswith(("?", "*")):
            attributes["minOccurs"] = "0"
        if kind.endswith("*"):
            attributes["maxOccurs"] = "unbounded"
        etree.SubElement(sequence, f"{{{_SCHEMA}}}element", attributes)

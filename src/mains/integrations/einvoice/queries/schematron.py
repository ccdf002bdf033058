"""Rule sets that are published as Schematron itself, as Peppol's are, made into XSLT that reports as SVRL.

Covered is what flat rule sets use, of query bindings xslt2 and xslt3 (ISO/IEC 19757-3): namespaces, variables,
functions, patterns whose first matching rule counts, asserts and reports. Abstract patterns and includes are refused
by name.
"""

from copy import deepcopy
from pathlib import Path

from lxml import etree

from mains.kernel.errors import MainsError

_SCH, _XSL = "http://purl.oclc.org/dsdl/schematron", "http://www.w3.org/1999/XSL/Transform"
_SVRL = "http://purl.oclc.org/dsdl/svrl"
_REFUSED = ("include", "extends")
_TEXTS = ("name", "value-of", "emph", "dir", "span")


class UnableToCompileRules(MainsError):
    """The rule set uses a part of Schematron that is not covered."""


def compile_schematron(path: Path) -> bytes:
    """The rule set as an XSLT stylesheet. Raises UnableToCompileRules."""
    schema = etree.fromstring(path.read_bytes(), etree.XMLParser(resolve_entities=False, no_network=True))
    for name in _REFUSED:
        found = next(schema.iter(_sch(name)), None)
        if found is not None:
            raise _refused(path, name)
    if any(
        pattern.get("abstract") == "true" or pattern.get("is-a") for pattern in schema.iter(_sch("pattern"))
    ):
        raise _refused(path, "abstract pattern")
    namespaces = {str(each.get("prefix")): str(each.get("uri")) for each in schema.iter(_sch("ns"))}
    sheet = etree.Element(
        _xsl("stylesheet"),
        nsmap={**namespaces, "xsl": _XSL, "svrl": _SVRL},
        version="3.0",
    )
    for child in schema:
        if child.tag == _sch("let"):
            _variable(sheet, child)
        elif isinstance(child.tag, str) and child.tag.startswith(f"{{{_XSL}}}"):
            sheet.append(deepcopy(child))
    patterns = list(schema.iter(_sch("pattern")))
    _start(sheet, len(patterns))
    for number, pattern in enumerate(patterns):
        for let in pattern.iterchildren(_sch("let")):
            _variable(sheet, let)
        _pattern(sheet, pattern, f"p{number}")
    return etree.tostring(sheet)


def _start(sheet: etree._Element, patterns: int) -> None:
    template = etree.SubElement(sheet, _xsl("template"), match="/")
    output = etree.SubElement(template, f"{{{_SVRL}}}schematron-output")
    for number in range(patterns):
        etree.SubElement(output, _xsl("apply-templates"), select="/", mode=f"p{number}")


def _pattern(sheet: etree._Element, pattern: etree._Element, mode: str) -> None:
    """All nodes are visited; of the rules that match one, the first counts."""
    rules = list(pattern.iterchildren(_sch("rule")))
    for place, rule in enumerate(rules):
        template = etree.SubElement(
            sheet,
            _xsl("template"),
            match=str(rule.get("context")),
            mode=mode,
            priority=str(1000 + len(rules) - place),
        )
        for child in rule:
            if child.tag == _sch("let"):
                _variable(template, child)
            elif child.tag in (_sch("assert"), _sch("report")):
                _test(template, child)
        _go_on(template, mode)
    walker = etree.SubElement(sheet, _xsl("template"), match="@* | node() | /", mode=mode, priority="-10")
    _go_on(walker, mode)


def _go_on(template: etree._Element, mode: str) -> None:
    etree.SubElement(template, _xsl("apply-templates"), select="@* | node()", mode=mode)


def _test(template: etree._Element, test: etree._Element) -> None:
    is_assert = test.tag == _sch("assert")
    condition = str(test.get("test"))
    branch = etree.SubElement(template, _xsl("if"), test=f"not({condition})" if is_assert else condition)
    found = etree.SubElement(branch, f"{{{_SVRL}}}{'failed-assert' if is_assert else 'successful-report'}")
    for name in ("id", "flag", "role"):
        if test.get(name):
            found.set(name, str(test.get(name)).replace("{", "{{").replace("}", "}}"))
    place = etree.SubElement(found, _xsl("attribute"), name="location")
    etree.SubElement(place, _xsl("value-of"), select="path()")
    message = etree.SubElement(found, f"{{{_SVRL}}}text")
    message.text = test.text
    for part in test:
        if part.tag == _sch("value-of"):
            etree.SubElement(message, _xsl("value-of"), select=str(part.get("select")))
        elif part.tag == _sch("name"):
            etree.SubElement(message, _xsl("value-of"), select=f"name({part.get('path') or '.'})")
        _append_text(
            message, (part.text or "") if part.tag not in {_sch(name) for name in _TEXTS[:2]} else ""
        )
        _append_text(message, part.tail or "")


def _append_text(message: etree._Element, text: str) -> None:
    if len(message):
        message[-1].tail = (message[-1].tail or "") + text
    else:
        message.text = (message.text or "") + text


def _variable(parent: etree._Element, let: etree._Element) -> None:
    variable = etree.SubElement(parent, _xsl("variable"), name=str(let.get("name")))
    if let.get("value") is not None:
        variable.set("select", str(let.get("value")))


def _sch(name: str) -> str:
    return f"{{{_SCH}}}{name}"


def _xsl(name: str) -> str:
    return f"{{{_XSL}}}{name}"


def _refused(path: Path, name: str) -> UnableToCompileRules:
    return UnableToCompileRules(
        code="schematron-not-flat",
        message=f"The rule set uses `{name}`, which is not covered.",
        place=str(path),
        remedy="Put the compiled rule set (.xsl or .xslt) into the folder instead.",
    )

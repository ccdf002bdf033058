"""Agents that speak SOAP: their requests read and answers written; pure, bytes in and bytes out."""

from mains.integrations.agents.soap import (
    SoapCall,
    UnableToReadSoap,
    read_call,
    write_answer,
    write_fault,
)
from mains.integrations.agents.wsdl import write_wsdl

__all__ = ["SoapCall", "UnableToReadSoap", "read_call", "write_answer", "write_fault", "write_wsdl"]

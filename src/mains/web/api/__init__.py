"""Machines that call us: agents with tokens (REST and SOAP) and the call-backs of payment providers."""

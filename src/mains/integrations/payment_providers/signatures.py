"""RSA with SHA-256 (PKCS #1 v1.5) as both wallets use it, and keys in PEM."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Mapping

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from mains.payments.values.online import ProviderRefusal

_CERTIFICATE_END = "-----END CERTIFICATE-----"


def read_private_key(pem: str, *, place: str) -> RSAPrivateKey:
    """An RSA key of PEM, or of bare Base64 as Alipay's tools write it. Raises ProviderRefusal."""
    try:
        key = load_pem_private_key(_armoured(pem, "PRIVATE KEY").encode(), password=None)
    except (ValueError, TypeError) as error:
        raise _unreadable(place) from error
    if not isinstance(key, RSAPrivateKey):
        raise _unreadable(place)
    return key


def read_public_key(pem: str, *, place: str) -> RSAPublicKey:
    """An RSA public key of PEM, of bare Base64, or of a certificate. Raises ProviderRefusal."""
    try:
        key: object = (
            x509.load_pem_x509_certificate(pem.encode()).public_key()
            if "CERTIFICATE" in pem
            else load_pem_public_key(_armoured(pem, "PUBLIC KEY").encode())
        )
    except ValueError as error:
        raise _unreadable(place) from error
    if not isinstance(key, RSAPublicKey):
        raise _unreadable(place)
    return key


def read_certificates(bundle: str, *, place: str) -> Mapping[str, RSAPublicKey]:
    """Public keys of certificates by serial number, in capital hexadecimal digits. Raises ProviderRefusal."""
    return dict(_certificates(bundle, place))


def sign(key: RSAPrivateKey, message: bytes) -> str:
    """The signature in Base64."""
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), SHA256())).decode("ascii")


def is_signed(key: RSAPublicKey, message: bytes, signature: str) -> bool:
    """Whether the Base64 signature is that key's over the message; what cannot be read is none."""
    try:
        key.verify(base64.b64decode(signature, validate=True), message, padding.PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def keyed_hash(secret: str, message: bytes) -> str:
    """HMAC with SHA-256 in hexadecimal digits."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def is_keyed_hash(secret: str, message: bytes, claimed: str) -> bool:
    """Compared in a time that says nothing about where they differ."""
    return hmac.compare_digest(keyed_hash(secret, message).encode(), claimed.lower().encode())


def _certificates(bundle: str, place: str) -> Iterator[tuple[str, RSAPublicKey]]:
    for part in bundle.split(_CERTIFICATE_END)[:-1]:
        try:
            certificate = x509.load_pem_x509_certificate((part.strip() + "\n" + _CERTIFICATE_END).encode())
        except ValueError as error:
            raise _unreadable(place) from error
        key = certificate.public_key()
        if isinstance(key, RSAPublicKey):
            yield f"{certificate.serial_number:X}", key


def _armoured(pem: str, kind: str) -> str:
    text = pem.strip()
    if text.startswith("-----"):
        return text
    body = "".join(text.split())
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    return "\n".join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", ""])


def _unreadable(place: str) -> ProviderRefusal:
    return ProviderRefusal(
        code="channel-key",
        message="A key of this channel cannot be read.",
        place=place,
        remedy="It is an RSA key in PEM; check the secrets of the channel in the environment.",
    )

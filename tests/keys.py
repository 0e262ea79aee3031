"""Private keys and certificates for tests: made when they are needed, kept nowhere."""

from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509 import CertificateBuilder, Name, NameAttribute
from cryptography.x509.oid import NameOID


@cache
def rsa_key(name: str = "first", bits: int = 2048) -> RSAPrivateKey:
    """The same one for the same name, as long as the tests run."""
    return generate_private_key(public_exponent=65537, key_size=bits)


def private_pem(key: RSAPrivateKey | None = None, *, password: bytes | None = None) -> str:
    lock = BestAvailableEncryption(password) if password else NoEncryption()
    return (key or rsa_key()).private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, lock).decode()


@cache
def certificate_pem(name: str = "ca") -> str:
    """A self-signed certificate that was valid for a day."""
    subject, began = Name([NameAttribute(NameOID.COMMON_NAME, name)]), datetime(2026, 1, 1, tzinfo=UTC)
    built = (
        CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(rsa_key().public_key())
        .serial_number(1)
        .not_valid_before(began)
        .not_valid_after(began + timedelta(days=1))
    )
    return built.sign(rsa_key(), SHA256()).public_bytes(Encoding.PEM).decode()


def public_pem(key: RSAPrivateKey | None = None) -> str:
    return (key or rsa_key()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

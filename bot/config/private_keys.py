"""What counts as the private key of a GitHub App: an RSA key in PEM form, without a password."""

from bot.config.secrets import NotThatSecret

SMALLEST_BITS = 2048
_FIX = "Put in the file that GitHub gave when the key was generated (`-----BEGIN RSA PRIVATE KEY-----` …), whole"


def checked_private_key(text: str) -> str:
    """The key in PEM form. Raises `NotThatSecret`, without anything of it.

    In an environment variable line ends may be written as `\\n`: many places that keep variables cannot hold others.
    """
    # Takes longer to load than the rest of the configuration does, and most have no App.
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    pem = text.replace("\\n", "\n").replace("\r\n", "\n").strip() + "\n"
    if "-----BEGIN PUBLIC KEY-----" in pem or "-----BEGIN CERTIFICATE-----" in pem:
        raise NotThatSecret("holds a public key or a certificate, not the private key", _FIX)
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except TypeError:
        raise NotThatSecret("holds a private key that is locked with a password", "Put it in without one") from None
    except Exception:  # the library names many kinds, and some of their texts quote the input
        raise NotThatSecret("holds no private key in PEM form", _FIX) from None
    if not isinstance(key, RSAPrivateKey):
        raise NotThatSecret("holds a private key that is not an RSA key", _FIX)
    if key.key_size < SMALLEST_BITS:
        raise NotThatSecret(f"holds an RSA key of {key.key_size} bits, too few", _FIX)
    return pem

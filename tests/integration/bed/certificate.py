# SPDX-License-Identifier: AGPL-3.0-or-later
"""Self-signed certificates of throw-away peers."""

import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

LIFETIME = datetime.timedelta(days=30)
SPARE = datetime.timedelta(days=1)


def make(name, alternative=None, until=None):
    """(key, certificate) for @name, valid to @until (UTC)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
               .serial_number(x509.random_serial_number()).not_valid_before(now - LIFETIME)
               .not_valid_after(until or now + LIFETIME))
    if alternative:
        builder = builder.add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
    return key, builder.sign(key, hashes.SHA256())


def _name(host):
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def fits(directory, host):
    """Whether @directory has a certificate of @host that is valid for a day or more."""
    try:
        with open(os.path.join(directory, "cert.pem"), "rb") as file:
            certificate = x509.load_pem_x509_certificate(file.read())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    return _name(host) in names and certificate.not_valid_after > datetime.datetime.utcnow() + SPARE


def write(directory, host, until=None):
    """key.pem and cert.pem of a server named @host, a domain or an address, in @directory; valid to @until (UTC)."""
    key, certificate = make(host, _name(host), until)
    with open(os.path.join(directory, "key.pem"), "wb") as file:
        file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    with open(os.path.join(directory, "cert.pem"), "wb") as file:
        file.write(certificate.public_bytes(serialization.Encoding.PEM))

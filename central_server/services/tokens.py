"""Secrets that central hands out and recognizes again: API keys, codes, nonces, session tokens.

Only hashes of long-lived secrets are kept. All comparisons take constant time.
"""

import binascii
import hashlib
import hmac
import secrets
from base64 import b64decode, urlsafe_b64encode
from dataclasses import dataclass
from random import Random

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sync.domain.ids import CROCKFORD, normalize_code

NONCE_SECONDS = 60
CLOCKS_APART_MS_MAX = 10_000
"""How far the clocks of central's processes may differ."""
SESSION_SECONDS = 15 * 60
_EXPIRY_BYTES = 5
_MAC_BYTES = 16
_PREFIX_LENGTH = 8
_SECRET_LENGTH = 32
_CODE_LENGTH = 10
_GIFT_LENGTH = 16


def secret_hash(secret: str) -> str:
    """Return the hash under which a secret of high entropy is kept (BLAKE2b-256, hexadecimal)."""
    return hashlib.blake2b(secret.encode(), digest_size=32).hexdigest()


def same(left: str, right: str) -> bool:
    """Return whether two texts are equal, in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())


def _letters(random: Random, length: int) -> str:
    return "".join(CROCKFORD[random.getrandbits(5)] for _ in range(length))


@dataclass(frozen=True, slots=True)
class NewKey:
    """An API key that was just made: the only moment at which its clear text exists."""

    prefix: str
    clear: str
    hash: str


def new_api_key(random: Random) -> NewKey:
    """Return a new key `hs_<prefix>_<secret>` (160 random bits)."""
    prefix = _letters(random, _PREFIX_LENGTH).lower()
    clear = f"hs_{prefix}_{_letters(random, _SECRET_LENGTH)}"
    return NewKey(prefix, clear, secret_hash(clear))


def key_prefix(key: str) -> str | None:
    """Return the prefix by which a key is looked up; None where it is no key at all."""
    parts = key.split("_")
    is_key = len(parts) == 3 and parts[0] == "hs" and len(parts[1]) == _PREFIX_LENGTH  # noqa: PLR2004
    return parts[1] if is_key and len(key) < 2 * (_PREFIX_LENGTH + _SECRET_LENGTH) else None


def new_enrolment_code(random: Random) -> str:
    """Return a one-time code of 50 random bits, such as `7KQ2-9ZXM-4D`."""
    return _letters(random, _CODE_LENGTH)


class GiftCodes:
    """Codes of gift cards and credits: drawn, or made of a request's name and the server secret.

    Who asks again for the same request gets the same code, and nothing is stored of it
    but its hash. After the secret was changed a repetition is another request.
    """

    def __init__(self, secret: str) -> None:
        self._key = hashlib.blake2b(b"gift:" + secret.encode(), digest_size=32).digest()

    def of(self, principal: str, key: str) -> str:
        """Return the code for one request, such as `7KQ2-9ZXM-4D1V-Q8RA` (80 bits)."""
        name = f"{principal}\n{key}".encode()
        return _grouped(hashlib.blake2b(name, key=self._key, digest_size=_GIFT_LENGTH).digest())

    def drawn(self) -> str:
        """Return a code of 80 random bits."""
        return _grouped(secrets.token_bytes(_GIFT_LENGTH))


def _grouped(octets: bytes) -> str:
    letters = "".join(CROCKFORD[octet & 31] for octet in octets)
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def enrolment_code_hash(code: str) -> str:
    """Return the hash under which an enrolment code is kept, however it was typed."""
    return secret_hash("enrol:" + normalize_code(code))


def signature_is_valid(public_key_hex: str, signature_hex: str, text: bytes) -> bool:
    """Return whether an Ed25519 signature fits."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key_hex))
        key.verify(bytes.fromhex(signature_hex), text)
    except (ValueError, InvalidSignature):
        return False
    return True


def is_public_key(public_key_hex: str) -> bool:
    """Return whether a text is an Ed25519 public key."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key_hex))
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class DeviceSession:
    """Who speaks on a sync call."""

    replica_id: str


class SessionKeys:
    """Challenges and session tokens, made and checked with one server secret; nothing is stored."""

    def __init__(self, secret: str, session_seconds: int = SESSION_SECONDS) -> None:
        self.session_seconds = session_seconds
        self._nonce_key = hashlib.blake2b(b"nonce:" + secret.encode(), digest_size=32).digest()
        self._token_key = hashlib.blake2b(b"session:" + secret.encode(), digest_size=32).digest()

    def nonce(self, now_ms: int) -> str:
        """Return a challenge: central's time, authenticated."""
        stamp = f"{now_ms:x}"
        return f"{stamp}.{self._mac(stamp)}"

    def nonce_is_valid(self, nonce: str, now_ms: int) -> bool:
        """Return whether a challenge is central's own and younger than a minute.

        Another process may have made it, whose clock is somewhat ahead.
        """
        stamp, _, mac = nonce.partition(".")
        if not same(self._mac(stamp), mac):
            return False
        return -CLOCKS_APART_MS_MAX <= now_ms - int(stamp, 16) <= NONCE_SECONDS * 1000

    def token(self, replica_id: str, now_ms: int) -> str:
        """Return a session token, good for `session_seconds`: when it ends, whose it is, and a MAC.

        It travels with every call, so it is no longer than that takes.
        """
        claims = (now_ms // 1000 + self.session_seconds).to_bytes(_EXPIRY_BYTES)
        claims += replica_id.encode()
        sealed = self._seal(claims) + claims
        return urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def session(self, token: str, now_ms: int) -> DeviceSession | None:
        """Return whose token this is; None where it is not valid now, by central's own clock."""
        try:
            padded = token + "=" * (-len(token) % 4)
            sealed = b64decode(padded, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        mac, claims = sealed[:_MAC_BYTES], sealed[_MAC_BYTES:]
        if len(claims) <= _EXPIRY_BYTES or not hmac.compare_digest(self._seal(claims), mac):
            return None
        if int.from_bytes(claims[:_EXPIRY_BYTES]) * 1000 < now_ms:
            return None
        return DeviceSession(claims[_EXPIRY_BYTES:].decode())

    def _seal(self, claims: bytes) -> bytes:
        return hashlib.blake2b(claims, key=self._token_key, digest_size=_MAC_BYTES).digest()

    def _mac(self, stamp: str) -> str:
        return hashlib.blake2b(stamp.encode(), key=self._nonce_key, digest_size=16).hexdigest()

"""Checks, writes and masks addresses, e-mail addresses and phone numbers."""

import json

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from .. import parsing
from .protocols import Address, Field, Invalid, Recipient

MAX_LINE = 80
MAX_LINES = 4
_HIDDEN = "•••"


def cleaned(field: Field, value: str | bool | Address) -> str:
    """A field's value as it is kept; raises `Invalid` with a sentence for the customer."""
    if field == "marketing" and isinstance(value, bool):
        return "yes" if value else "no"
    if field == "address" and isinstance(value, Address):
        return packed(address(value))
    if field == "email" and isinstance(value, str):
        return _email(value)
    if field == "phone" and isinstance(value, str):
        return _phone(value)
    raise Invalid(field, "That cannot be taken here.")


def address(value: Address) -> Address:
    """A whole address with its postcode in capitals; raises `Invalid` (address or postcode)."""
    code = parsing.postcode(value.postcode)
    if code is None:
        raise Invalid("postcode", "That is not a UK postcode.")
    lines = tuple(" ".join(line.split()) for line in value.lines)
    town = " ".join(value.town.split())
    if not town or not lines or not all(lines) or len(lines) > MAX_LINES:
        raise Invalid("address", "An address needs a house, a street and a town, with commas between them.")
    if any(len(part) > MAX_LINE or not part.isprintable() for part in (*lines, town)):
        raise Invalid("address", f"Each part of an address can have up to {MAX_LINE} letters.")
    return Address(lines, town, code)


def _email(value: str) -> str:
    try:
        return validate_email(value.strip(), check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise Invalid("email", "That is not a whole e-mail address.") from error


def _phone(value: str) -> str:
    try:
        number = phonenumbers.parse(value, "GB")
    except phonenumbers.NumberParseException as error:
        raise Invalid("phone", "That is not a phone number.") from error
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    # Possible, not valid: the numbers that are reserved for examples would not be.
    if number.country_code != 44 or not phonenumbers.is_possible_number(number) or not national.startswith("0"):
        raise Invalid("phone", "That is not a whole UK phone number.")
    return national


def packed(value: Address) -> str:
    """An address as one text that can be unpacked."""
    return json.dumps([list(value.lines), value.town, value.postcode], ensure_ascii=False)


def unpacked(text: str) -> Address:
    """The address that `packed` wrote."""
    lines, town, code = json.loads(text)
    return Address(tuple(lines), town, code)


def is_mobile(phone: str) -> bool:
    """Whether a UK number can take text messages."""
    return phone.replace(" ", "").startswith("07")


def masked(to: Recipient) -> str:
    """An address that its owner recognises and nobody else can read: p•••@example.com, 07••• •••123."""
    if to.channel == "email":
        name, _, domain = to.address.partition("@")
        return f"{name[:1]}{_HIDDEN}@{domain}"
    digits = "".join(c for c in to.address if c.isdigit())
    return f"{digits[:2]}{_HIDDEN} {_HIDDEN}{digits[-3:]}"

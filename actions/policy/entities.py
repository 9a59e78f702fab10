"""The kinds of personal data that a rule of the kind `pii` may name, and the word each has in a token.

They are Presidio's names where Presidio has one. LOCATION, ORGANIZATION and DATE_TIME are no personal data by
themselves; a policy usually keeps them readable.
"""

ENTITIES: dict[str, str] = {
    "PERSON": "NAME",
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "CREDIT_CARD": "CARD",
    "IBAN_CODE": "BANK_ACCOUNT",
    "UK_BANK_ACCOUNT": "BANK_ACCOUNT",
    "ADDRESS": "ADDRESS",
    "UK_POSTCODE": "POSTCODE",
    "DATE_OF_BIRTH": "DATE_OF_BIRTH",
    "UK_NINO": "IDENTITY_NUMBER",
    "UK_NHS": "IDENTITY_NUMBER",
    "US_SSN": "IDENTITY_NUMBER",
    "PASSPORT": "IDENTITY_NUMBER",
    "DRIVER_LICENSE": "IDENTITY_NUMBER",
    "IP_ADDRESS": "IP_ADDRESS",
    "SECRET": "SECRET",
    "LOCATION": "PLACE",
    "ORGANIZATION": "ORGANISATION",
    "DATE_TIME": "DATE",
}

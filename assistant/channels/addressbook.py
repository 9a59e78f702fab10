"""Which customer's address a conversation id stands for: the ids themselves are nobody's personal data."""

from __future__ import annotations

import hmac

from assistant.channels.signing import secret
from assistant.privacy.vault import Vault, shared_vault


class AddressUnknown(Exception):
    """No address was remembered for a conversation, or it was erased."""


def conversation_of(channel: str, address: str) -> str:
    """The conversation id for a channel's address (telephone number, e-mail address, user id): `channel-` and 32 hex.

    The address must be in the one form that the channel always uses: another spelling is another conversation.
    """
    named = f"conversation\n{channel}\n{address}".encode("utf-8", "surrogatepass")
    return f"{channel}-{hmac.new(secret().encode(), named, 'sha256').hexdigest()[:32]}"


class AddressBook:
    """The addresses of conversations, encrypted in the vault's database."""

    def __init__(self, vault: Vault) -> None:
        """Takes the vault that keeps them."""
        self._vault = vault

    def remember(self, conversation: str, address: str) -> None:
        """Keeps the address of a conversation of conversation_of(); cheap when it is there already."""
        if self._vault.address(conversation) != address:
            self._vault.remember_address(conversation, conversation.rpartition("-")[0], address)

    def address_of(self, conversation: str) -> str:
        """The address that was remembered.

        Raises:
            AddressUnknown: none was, or it was erased.
        """
        address = self._vault.address(conversation)
        if address is None:
            raise AddressUnknown("There is no address for this conversation.")
        return address


def address_book() -> AddressBook:
    """The process's address book.

    Raises:
        VaultError: the vault cannot be opened.
    """
    return AddressBook(shared_vault())

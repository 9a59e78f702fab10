"""What each role may do, and which permission each page asks for."""

from dataclasses import dataclass

from sanic.exceptions import Forbidden

from desk.models import User

ROLES = {
    "agent": "Agent",
    "supervisor": "Supervisor",
    "designer": "Designer",
    "auditor": "Auditor",
    "admin": "Administrator",
}

# Administrators manage accounts and have no need for what customers write.
PERMISSIONS: dict[str, frozenset[str]] = {
    "see_all": frozenset({"agent", "supervisor", "designer", "auditor"}),
    "see_personal_data": frozenset({"agent", "supervisor"}),
    "take": frozenset({"agent", "supervisor"}),
    "reply": frozenset({"agent", "supervisor"}),
    "transfer": frozenset({"agent", "supervisor"}),
    "take_from_others": frozenset({"supervisor"}),
    "whisper": frozenset({"supervisor"}),
    "end_chats": frozenset({"supervisor"}),
    "review_articles": frozenset({"supervisor", "designer"}),
    "see_audit": frozenset({"auditor", "admin"}),
    "manage_users": frozenset({"admin"}),
    "own_account": frozenset(ROLES),
}

_NEEDS = {
    "see_all": "read conversations",
    "see_personal_data": "see personal data",
    "take": "take conversations",
    "reply": "write to customers",
    "transfer": "pass conversations on",
    "take_from_others": "take conversations from other agents",
    "whisper": "whisper to agents",
    "end_chats": "end customers' chats",
    "review_articles": "review articles",
    "see_audit": "see the audit log",
    "manage_users": "manage users",
}


@dataclass(frozen=True)
class Rule:
    """What a page asks for: a permission, and the audit action if it shows what customers said or who they are."""

    permission: str
    shows: str = ""
    fragment: bool = False  # drawn again and again by an open page: audited once in a while instead of each time


# By the name of the route. A route without a rule is refused to everybody.
RULES: dict[str, Rule] = {
    "inbox.inbox_page": Rule("see_all", shows="view_inbox"),
    "inbox.inbox_list": Rule("see_all", shows="view_inbox", fragment=True),
    "inbox.stream": Rule("see_all"),
    "inbox.seen": Rule("see_all"),
    "inbox.take_next": Rule("take"),
    "inbox.task_done": Rule("reply"),
    "inbox.presence_form": Rule("take"),
    "inbox.set_presence": Rule("take"),
    "conversation.conversation_page": Rule("see_all", shows="view"),
    "conversation.updates": Rule("see_all", shows="view", fragment=True),
    "conversation.take": Rule("take"),
    "conversation.reply": Rule("reply"),
    "conversation.add_note": Rule("reply"),
    "conversation.whisper": Rule("whisper"),
    "conversation.transfer": Rule("transfer"),
    "conversation.end_chat": Rule("end_chats"),
    "details.turn_details": Rule("see_all", shows="view", fragment=True),
    "details.customer": Rule("see_all", shows="view_customer"),
    "details.ready_replies": Rule("reply"),
    "details.transfer_quality": Rule("see_all"),
    "details.rate_transfer": Rule("reply"),
    "details.typing": Rule("see_all"),
    "details.agent_typing": Rule("reply"),
    "copilot.panel": Rule("see_all", shows="view", fragment=True),
    "copilot.live": Rule("see_all", shows="view", fragment=True),
    "copilot.search": Rule("see_all"),
    "copilot.run": Rule("reply"),
    "copilot.rewrite": Rule("reply"),
    "copilot.inserted": Rule("reply"),
    "finish.start": Rule("reply"),
    "finish.resume": Rule("reply"),
    "finish.draft": Rule("reply", shows="view", fragment=True),
    "finish.confirm": Rule("reply"),
    "finish.hand_back_form": Rule("reply", shows="view", fragment=True),
    "finish.hand_back_slots": Rule("reply", shows="view", fragment=True),
    "finish.check_slot": Rule("reply"),
    "finish.hand_it_back": Rule("reply"),
    "finish.article": Rule("reply"),
    "articles.articles_page": Rule("review_articles"),
    "articles.article_page": Rule("review_articles"),
    "articles.decide": Rule("review_articles"),
    "account.account_page": Rule("own_account"),
    "account.change_password": Rule("own_account"),
    "account.log_out": Rule("own_account"),
    "account.log_out_everywhere": Rule("own_account"),
    "users.users_page": Rule("manage_users"),
    "users.add": Rule("manage_users"),
    "users.user_page": Rule("manage_users"),
    "users.change": Rule("manage_users"),
    "users.change_work": Rule("manage_users"),
    "users.reset_password": Rule("manage_users"),
    "users.disable": Rule("manage_users"),
    "users.enable": Rule("manage_users"),
    "audit.audit_page": Rule("see_audit"),
    "audit.export": Rule("see_audit"),
}


def can(user: User, permission: str) -> bool:
    """Whether the user's role has the permission; an unknown permission raises KeyError."""
    return user.role in PERMISSIONS[permission]


def require(user: User, permission: str) -> None:
    """Raises Forbidden with a sentence for the user."""
    if not can(user, permission):
        role = ROLES.get(user.role, user.role).lower()
        raise Forbidden(
            f"As {_article(role)} {role} you can't {_NEEDS[permission]}. Ask an administrator if you should."
        )


def home(user: User) -> str:
    """The first page that the user may see."""
    return "/desk" if can(user, "see_all") else "/desk/users"


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"

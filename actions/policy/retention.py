"""How long each kind of data is kept: the section `retention` of policy.yml, in days."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

AUDIT_MINIMUM = 365  # what a regulator may ask to see of who had access
MOST = 3650

Days = Annotated[int, Field(ge=1, le=MOST)]


class Retention(BaseModel):
    """Days for which each kind is kept; docs/privacy.md says what belongs to each."""

    model_config = ConfigDict(extra="forbid")

    conversations: Days = 365
    events: Days = 30
    desk: Days = 365
    policy_decisions: Days = 730
    tickets: Days = 2190
    notifications: Days = 180
    one_time_codes: Days = 2
    unanswered_questions: Days = 180
    model_usage: Days = 400
    audit: Annotated[int, Field(ge=AUDIT_MINIMUM, le=MOST)] = 1095

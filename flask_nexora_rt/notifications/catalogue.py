"""The built-in types: Nexora's 21 and Threadly's 4, with the texts their systems had. Data.

Ids are optional parameters: with one, the notification links to its page.
"""

from __future__ import annotations

from typing import Any, Final

from .types import NotificationType as Type

DAY: Final = 86_400.0


def _type(
    key: str, category: str, icon: str, title: str, message: str, params: str, **rest: Any
) -> Type:
    """Make a type; ``params`` are names separated by spaces, ``?`` marks the optional ones."""
    names = params.split()
    return Type(
        key,
        title,
        message,
        icon=icon,
        category=category,
        required=frozenset(name for name in names if not name.endswith("?")),
        optional=frozenset(name[:-1] for name in names if name.endswith("?")),
        **rest,
    )


def _page(folder: str, name: str) -> str:
    """Link to a page when its id is given."""
    return f"{{% if {name} is not none %}}/{folder}/{{{{ {name} }}}}{{% endif %}}"


_BOUNTY, _GUILD = _page("bounties", "bountyId"), _page("guilds", "guildId")
_DISPUTE, _MESSAGE = _page("disputes", "disputeId"), _page("messages", "conversationId")

NEXORA: Final = (
    _type(
        "bounty_matched", "bounty", "🎯", "Bounty Matched!",
        'Your bounty "{{ bountyTitle }}" has been matched with {{ guildName }}',
        "bountyTitle guildName bountyId? guildId?", url=_BOUNTY, level="success",
    ),
    _type(
        "bounty_accepted", "bounty", "🤝", "Bounty Accepted",
        '{{ guildName }} has accepted the bounty "{{ bountyTitle }}"',
        "bountyTitle guildName bountyId? guildId?", url=_BOUNTY, level="success",
    ),
    _type(
        "bounty_submitted", "bounty", "📦", "Work Submitted",
        '{{ guildName }} has submitted work for "{{ bountyTitle }}"',
        "bountyTitle guildName bountyId? guildId?", url=_BOUNTY,
    ),
    _type(
        "bounty_reviewed", "bounty", "🔎", "Submission Reviewed",
        'Your submission for "{{ bountyTitle }}" has been reviewed'
        "{% if outcome is not none %}: {{ outcome }}{% endif %}",
        "bountyTitle outcome? bountyId? guildId?", url=_BOUNTY,
    ),
    _type(
        "bounty_completed", "bounty", "💰", "Bounty Completed",
        '"{{ bountyTitle }}" is complete, the payment'
        "{% if amount is not none %} of {{ amount }}{% endif %} has been sent",
        "bountyTitle amount? bountyId? guildId?", url=_BOUNTY, level="success",
    ),
    _type(
        "guild_application_accepted", "guild", "🎉", "Welcome to the Guild",
        "You are now a member of {{ guildName }}",
        "guildName guildId?", url=_GUILD, level="success",
    ),
    _type(
        "guild_application_rejected", "guild", "📪", "Application Declined",
        "{{ guildName }} has declined your application", "guildName guildId?", url=_GUILD,
    ),
    _type(
        "guild_invite", "guild", "💌", "Guild Invitation",
        "{% if inviterName is not none %}{{ inviterName }} invites you{% else %}You are invited"
        "{% endif %} to join {{ guildName }}",
        "guildName inviterName? guildId?", url=_GUILD,
    ),
    _type(
        "guild_member_joined", "guild", "👋", "New Member",
        "{% if count > 1 %}{{ count }} people have joined {{ guildName }}, the last is "
        "{{ memberName }}{% else %}{{ memberName }} has joined {{ guildName }}{% endif %}",
        "guildName memberName guildId?", url=_GUILD, group_key="{{ guildId or guildName }}",
    ),
    _type(
        "guild_promoted", "guild", "⬆️", "Promoted",
        "You are now {{ newRole }} in {{ guildName }}",
        "guildName newRole guildId?", url=_GUILD, level="success",
    ),
    _type(
        "guild_demoted", "guild", "↕️", "Role Changed",
        "Your role in {{ guildName }} is now {{ newRole }}",
        "guildName newRole guildId?", url=_GUILD,
    ),
    _type(
        "dispute_raised", "dispute", "⚖️", "Dispute Opened",
        'A dispute has been opened: "{{ disputeTitle }}"',
        "disputeTitle raisedBy? disputeId?", url=_DISPUTE, level="warning", critical=True,
    ),
    _type(
        "dispute_escalated", "dispute", "📈", "Dispute Escalated",
        'The dispute "{{ disputeTitle }}" has moved to {% if tier is not none %}tier {{ tier }}'
        "{% else %}a higher tier{% endif %}",
        "disputeTitle tier? disputeId?", url=_DISPUTE, level="warning", critical=True,
    ),
    _type(
        "dispute_resolved", "dispute", "✅", "Dispute Resolved",
        'The dispute "{{ disputeTitle }}" has been resolved'
        "{% if outcome is not none %}: {{ outcome }}{% endif %}",
        "disputeTitle outcome? disputeId?", url=_DISPUTE, level="success", critical=True,
    ),
    _type(
        "tribunal_voting_started", "dispute", "🏛️", "Tribunal Voting Started",
        'Voting on "{{ disputeTitle }}" has begun',
        "disputeTitle disputeId?", url=_DISPUTE,
    ),
    _type(
        "tribunal_vote_needed", "dispute", "🗳️", "Your Vote Is Needed",
        'The tribunal needs your vote on "{{ disputeTitle }}"',
        "disputeTitle deadline? disputeId?", url=_DISPUTE, level="warning", critical=True,
    ),
    _type(
        "rank_changed", "profile", "🎖️", "Rank Updated!",
        "{% if increased %}You've advanced to {{ newRank }} rank{% else %}Your rank is now "
        "{{ newRank }}{% endif %}",
        "newRank increased oldRank?",
    ),
    _type(
        "trust_score_changed", "profile", "🛡️", "Trust Score Changed",
        "Your trust score is now {{ newScore }}"
        "{% if reason is not none %}: {{ reason }}{% endif %}",
        "newScore oldScore? reason?", group_key="score",
    ),
    _type(
        "message_received", "message", "✉️", "New Message",
        "{% if count > 1 %}{{ count }} new messages from {{ senderName }}{% else %}"
        "{{ senderName }}{% if preview is not none %}: {{ preview }}{% else %} has sent you a "
        "message{% endif %}{% endif %}",
        "senderName preview? conversationId? messageId?", url=_MESSAGE,
        group_key="{{ conversationId or senderName }}",
    ),
    _type(
        "mention", "message", "💬", "You Were Mentioned",
        "{{ senderName }} has mentioned you{% if preview is not none %}: {{ preview }}{% endif %}",
        "senderName preview? conversationId? messageId?", url=_MESSAGE,
    ),
    _type(
        "platform_announcement", "platform", "📣", "{{ title }}", "{{ message }}",
        "title message anomalyCount? platformHealth? url?",
        url="{% if url is not none %}{{ url|link }}{% endif %}",
        critical=True,
    ),
)  # fmt: skip

THREADLY: Final = (
    _type(
        "order", "order", "🛍️", "{{ title or 'Order Update' }}",
        "{% if message is not none %}{{ message }}{% else %}Your order"
        "{% if itemTitle is not none %} for {{ itemTitle }}{% endif %} has been "
        "{{ status or 'updated' }}{% endif %}",
        "orderId? itemTitle? status? title? message?", url=_page("orders", "orderId"),
    ),
    _type(
        "message", "message", "✉️", "{{ title or 'New message' }}", "{{ message }}",
        "message title? conversationId?", url=_MESSAGE,
    ),
    _type(
        "payment", "payment", "💳", "{{ title or 'Payment' }}", "{{ message }}",
        "message title? orderId? amount?", url=_page("orders", "orderId"), critical=True,
    ),
    _type(
        "system", "system", "⚙️", "{{ title or 'System' }}", "{{ message }}", "message title?",
        ttl=30 * DAY,
    ),
)  # fmt: skip

BUILT_IN: Final = NEXORA + THREADLY

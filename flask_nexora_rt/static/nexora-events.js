// Nexora's event names, as flask_nexora_rt.presets.nexora has them.

export const Events = Object.freeze({
  MESSAGE_NEW: "message:new",
  MESSAGE_EDIT: "message:edit",
  MESSAGE_DELETE: "message:delete",
  TYPING_START: "typing:start",
  TYPING_STOP: "typing:stop",
  NOTIFICATION_NEW: "notification:new",
  NOTIFICATION_READ: "notification:read",
  NOTIFICATION_CLEAR: "notification:clear",
  BOUNTY_NEW: "bounty:new",
  BOUNTY_ACCEPTED: "bounty:accepted",
  BOUNTY_SUBMITTED: "bounty:submitted",
  BOUNTY_REVIEWED: "bounty:reviewed",
  GUILD_MEMBER_JOIN: "guild:member-join",
  GUILD_UPDATED: "guild:updated",
  DISPUTE_RAISED: "dispute:raised",
  DISPUTE_ESCALATED: "dispute:escalated",
  DISPUTE_RESOLVED: "dispute:resolved",
  USER_RANK_CHANGED: "user:rank-changed",
  USER_TRUST_CHANGED: "user:trust-changed",
});

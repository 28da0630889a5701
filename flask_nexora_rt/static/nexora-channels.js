// Nexora's channel names, built as flask_nexora_rt/presets/nexora.py builds them.

const MAX_LENGTH = 164;
const LONE_SURROGATE = /\p{Surrogate}/u;
const encoder = new TextEncoder();

/** Write an id so that it fits into a channel name: bytes outside the grammar become `=xx`. */
export function escapePart(value, keepDash = true) {
  const text = String(value);
  if (!text || LONE_SURROGATE.test(text)) {
    throw new RangeError("an id in a channel name is text that is not empty and is valid Unicode");
  }
  const allowed = keepDash ? /[A-Za-z0-9_@,.;-]/ : /[A-Za-z0-9_@,.;]/;
  return Array.from(text, (char) => (allowed.test(char) ? char : escapeChar(char))).join("");
}

function escapeChar(char) {
  return Array.from(encoder.encode(char), (byte) => `=${byte.toString(16).padStart(2, "0")}`).join("");
}

function checked(name) {
  if (name.length > MAX_LENGTH) throw new RangeError(`${name} is longer than ${MAX_LENGTH}`);
  return name;
}

export const guild = (guildId) => checked(`guild-${escapePart(guildId)}`);
export const dispute = (disputeId) => checked(`dispute-${escapePart(disputeId)}`);
export const user = (userId) => checked(`private-user-${escapePart(userId)}`);
export const globalChannel = () => "platform-global";

/** The same name whoever asks: ids are escaped (also their `-`), then sorted as ASCII text. */
export function dm(userId, otherId) {
  const [first, second] = [userId, otherId].map((id) => escapePart(id, false)).sort();
  return checked(`dm-${first}-${second}`);
}

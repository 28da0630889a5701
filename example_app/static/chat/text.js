// How times, names and mentions are written.

// What the server takes for a mention: an @ that does not stand inside a word.
const MENTION = /(?<![\w@])@(\w(?:[\w.-]*\w)?)/g;

export const timeOf = (message) => new Date(message.createdAt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

export function dayOf(message) {
  const sent = new Date(message.createdAt);
  const daysAgo = (n) => new Date(Date.now() - n * 86_400_000).toDateString();
  if (sent.toDateString() === daysAgo(0)) return "Today";
  if (sent.toDateString() === daysAgo(1)) return "Yesterday";
  return sent.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" });
}

/** "340 kB" */
export function sizeOf(bytes) {
  const [unit, size] = bytes < 1000 ? ["byte", bytes] : bytes < 1e6 ? ["kilobyte", bytes / 1e3] : ["megabyte", bytes / 1e6];
  return new Intl.NumberFormat("en-GB", { style: "unit", unit, unitDisplay: unit === "byte" ? "long" : "short", maximumSignificantDigits: 3 }).format(size);
}

/** "Alice", "Alice and Bob", "Alice, Bob and Dan". */
export const listOf = (names) => new Intl.ListFormat("en-GB", { type: "conjunction" }).format(names);

/** The text in pieces: `{text, login?}`, with `login` where somebody in `logins` is mentioned. */
export function pieces(content, logins) {
  const found = [];
  let at = 0;
  for (const match of content.matchAll(MENTION)) {
    const login = match[1].toLowerCase();
    if (!logins.has(login)) continue;
    found.push({ text: content.slice(at, match.index) }, { text: match[0], login });
    at = match.index + match[0].length;
  }
  return [...found, { text: content.slice(at) }].filter((piece) => piece.text);
}

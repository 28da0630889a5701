// Positions in the server's log, `<ms>-<seq>`: text that can be put in order. None is before all of them.

const padded = (position) => position.split("-").map((part) => part.padStart(20, "0")).join();

/** Below 0 when `a` is before `b`, 0 when they are the same, above 0 when it is after. */
export function compare(a, b) {
  if (a === b) return 0;
  if (!a || !b) return a ? 1 : -1;
  return padded(a) < padded(b) ? -1 : 1;
}

export const latest = (a, b) => (compare(a, b) < 0 ? b : a);

/** Whether a replay shows what was shown before: a connection may be cut within one event of several channels. */
export function isKnown(sub, { event, position, data }) {
  if (!position) return false;
  const order = compare(position, sub.last);
  if (order < 0) return true;
  if (order > 0) Object.assign(sub, { last: position, shown: new Map() });
  const text = JSON.stringify(data);
  if (sub.shown?.get(event) === text) return true;
  (sub.shown ??= new Map()).set(event, text);
  return false;
}

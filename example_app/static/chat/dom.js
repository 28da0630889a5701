// Small helpers for the page's nodes. Text always becomes text nodes, never markup.

const COLOURS = 6;

export const byId = (id) => document.getElementById(id);

export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

export function button(text, onClick, attributes = {}) {
  const node = element("button", { type: "button", class: "button-quiet", ...attributes }, text);
  node.addEventListener("click", onClick);
  return node;
}

/** Makes `rows` the children of `parent` and touches only what differs: a log is read out as it grows. */
export function place(parent, rows) {
  const wanted = new Set(rows);
  for (const node of [...parent.children]) if (!wanted.has(node)) node.remove();
  rows.forEach((row, n) => parent.children[n] === row || parent.insertBefore(row, parent.children[n] ?? null));
}

/** Lets a textarea be as high as what it holds, within what its style allows. */
export function fit(textarea) {
  textarea.style.height = "auto";
  textarea.style.height = `${textarea.scrollHeight}px`;
}

/** Enter sends and Shift+Enter is a new line; Enter that ends an input method's word is neither. */
export const isSubmit = (event) => event.key === "Enter" && !event.shiftKey && !event.isComposing;

/** A person's colour, as pages.py computes it. */
export const colourOf = (userId) => Number(userId) % COLOURS;

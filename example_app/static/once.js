// A form that is on its way is not sent again: of two clicks the first one counts.

/** For the forms that the browser sends; those that a module takes care of are none of ours. */
export function sendOnce() {
  const sent = new Set();
  document.addEventListener("submit", (event) => {
    const { target: form, defaultPrevented } = event;
    if (defaultPrevented || form.method !== "post") return;
    if (sent.has(form)) event.preventDefault();
    sent.add(form);
  });
  // Who comes back may find the page as it was left.
  addEventListener("pageshow", () => sent.clear());
}

"""The elements on a page of `widgets_host.py`, as tests look at them."""

from playwright.sync_api import expect

FOCUSED = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at?.getAttribute("aria-label") ?? at?.textContent;
}"""


def bell(page):
    return page.page.locator("nexora-bell [part=button]")


def rows(page):
    return page.page.locator("nexora-bell li")


def toasts(page):
    return page.page.locator("nexora-toasts li:not([inert])")


def titles(page):
    return page.page.locator("nexora-bell li .title").evaluate_all(
        "(nodes) => nodes.map((node) => node.lastChild.textContent)"
    )


def open_bell(page, count):
    bell(page).press("Enter")
    expect(rows(page)).to_have_count(count)


def show(page, duration, *names):
    """Shows toasts of the page itself, for so many milliseconds each."""
    page.page.evaluate(
        """([duration, names]) => {
          const element = document.querySelector("nexora-toasts");
          element.setAttribute("duration", duration);
          for (const title of names) element.show({ title });
        }""",
        [duration, names],
    )

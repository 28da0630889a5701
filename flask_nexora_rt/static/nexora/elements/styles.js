// Colours and shapes that all elements share. Light or dark follows the page's `color-scheme`.

export function sheet(css) {
  const made = new CSSStyleSheet();
  made.replaceSync(css);
  return made;
}

export const base = sheet(`
:host {
  --_surface: var(--nexora-surface, light-dark(#fff, #1c1f26));
  --_text: var(--nexora-text, light-dark(#1a1d24, #eceef3));
  --_muted: var(--nexora-muted, light-dark(#596070, #a6adbb));
  --_border: var(--nexora-border, light-dark(#dfe3ea, #343a46));
  --_hover: var(--nexora-hover, light-dark(#f2f4f8, #272c36));
  --_unread: var(--nexora-unread, light-dark(#eef3ff, #1f2738));
  --_accent: var(--nexora-accent, light-dark(#2a55d8, #93aeff));
  --_badge: var(--nexora-badge, light-dark(#c9253b, #ff8a95));
  --_on-badge: var(--nexora-on-badge, light-dark(#fff, #2c0409));
  --_info: var(--nexora-info, var(--_accent));
  --_success: var(--nexora-success, light-dark(#1a7f48, #5fd394));
  --_warning: var(--nexora-warning, light-dark(#9a6000, #f4be5c));
  --_error: var(--nexora-error, light-dark(#c9253b, #ff8a95));
  --_radius: var(--nexora-radius, 12px);
  --_shadow: var(--nexora-shadow, 0 1px 2px light-dark(#1018281a, #0006), 0 12px 32px -4px light-dark(#10182829, #0009));
  font: var(--nexora-font, 0.9375rem/1.45 system-ui, sans-serif);
}
:host([theme=light]) { color-scheme: light }
:host([theme=dark]) { color-scheme: dark }
:host([hidden]), [hidden] { display: none !important }
*, ::before, ::after { box-sizing: border-box }
button { font: inherit; color: inherit; background: none; border: 0; padding: 0; margin: 0; cursor: pointer; text-align: start }
a { color: inherit; text-decoration: none }
p, h2, ol, ul { margin: 0; padding: 0; list-style: none; font-size: inherit }
:focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px }
svg { width: 1.375rem; height: 1.375rem; fill: none; stroke: currentColor; stroke-width: 1.75; stroke-linecap: round; stroke-linejoin: round; display: block }
.quiet { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.icon { flex: none; display: grid; place-items: center; width: 2.25rem; height: 2.25rem; border-radius: 50%; background: var(--_hover); font-size: 1.0625rem; line-height: 1; object-fit: cover }
.icon:empty::before { content: ""; width: .625rem; height: .625rem; border-radius: 50%; background: var(--level, var(--_accent)) }
[data-level=success] { --level: var(--_success) }
[data-level=warning] { --level: var(--_warning) }
[data-level=error] { --level: var(--_error) }
`);

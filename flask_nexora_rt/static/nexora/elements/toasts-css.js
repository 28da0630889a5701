export const TOASTS_CSS = `
:host { position: fixed; z-index: var(--nexora-z, 1000); inset: var(--nexora-toasts-inset, var(--inset, 4.5rem 1rem auto auto)); width: min(22.5rem, calc(100vw - 2rem)); pointer-events: none }
:host([position=top-left]) { --inset: 4.5rem auto auto 1rem }
:host([position=bottom-right]) { --inset: auto 1rem 1rem auto }
:host([position=bottom-left]) { --inset: auto auto 1rem 1rem }
section { outline-offset: 6px; border-radius: var(--_radius) }
ol { display: flex; flex-direction: column; gap: .625rem }
li { position: relative; display: flex; align-items: flex-start; overflow: hidden; background: var(--_surface); color: var(--_text); border: 1px solid var(--_border); border-radius: var(--_radius); box-shadow: var(--_shadow); pointer-events: auto }
li::before { content: ""; position: absolute; inset: 0 auto 0 0; width: 4px; background: var(--level, var(--_info)) }
.body { flex: 1; min-width: 0; display: flex; gap: .75rem; padding: .8125rem 0 .8125rem 1.125rem }
a.body:hover .title { text-decoration: underline; text-underline-offset: 2px }
.text { min-width: 0; overflow-wrap: anywhere; align-self: center }
.title { display: block; font-weight: 600 }
.message { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 4; overflow: hidden; color: var(--_muted); font-size: .875rem }
.message:empty { display: none }
.close { flex: none; display: grid; place-items: center; width: 2rem; height: 2rem; margin: .5rem; border-radius: 50%; color: var(--_muted) }
.close:hover { background: var(--_hover); color: var(--_text) }
.close svg { width: 1.125rem; height: 1.125rem }
a:focus-visible, .close:focus-visible { outline-offset: -3px; border-radius: calc(var(--_radius) - 3px) }
`;

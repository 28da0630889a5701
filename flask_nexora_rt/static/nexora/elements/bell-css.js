export const BELL_CSS = `
:host { display: inline-block; position: relative }
[part=button] { position: relative; display: grid; place-items: center; width: 2.5rem; height: 2.5rem; border-radius: 50% }
[part=button]:hover, [part=button][aria-expanded=true] { background: color-mix(in srgb, currentColor 9%, transparent) }
.badge { position: absolute; inset: 0 -2px auto auto; min-width: 1.25rem; padding: 0 .3125rem; border-radius: 1rem; background: var(--_badge); color: var(--_on-badge); font: 600 .6875rem/1.25rem system-ui, sans-serif; text-align: center; font-variant-numeric: tabular-nums }
.panel { position: absolute; z-index: var(--nexora-z, 1000); inset: calc(100% + .5rem) 0 auto auto; display: flex; flex-direction: column; width: min(24rem, calc(100vw - 1rem)); max-height: min(32rem, calc(100vh - 6rem)); overflow: hidden; background: var(--_surface); color: var(--_text); border: 1px solid var(--_border); border-radius: var(--_radius); box-shadow: var(--_shadow) }
.header { display: flex; align-items: center; justify-content: space-between; gap: 1rem; min-height: 3.25rem; padding: .375rem .5rem .375rem 1rem; border-bottom: 1px solid var(--_border) }
h2 { font-weight: 650; font-size: 1.0625rem }
.all { padding: .375rem .625rem; border-radius: calc(var(--_radius) * .6); color: var(--_accent); font-weight: 550; font-size: .875rem }
.scroller { flex: 1; min-height: 0; overflow-y: auto; overscroll-behavior: contain; outline: none }
li { position: relative; display: flex; align-items: center }
li + li { border-top: 1px solid var(--_border) }
li.unread { background: var(--_unread) }
li.unread::before { content: ""; position: absolute; inset: 0 auto 0 0; width: 3px; background: var(--level, var(--_accent)) }
li:hover, .all:hover, .more:hover { background: var(--_hover) }
.link { flex: 1; min-width: 0; display: flex; gap: .75rem; padding: .75rem .5rem .75rem 1rem }
.link:focus-visible, .mark:focus-visible { outline-offset: -2px; border-radius: 6px }
.text { min-width: 0; flex: 1; display: grid; grid-template-columns: 1fr auto; column-gap: .75rem; align-content: center; overflow-wrap: anywhere }
.unread .title { font-weight: 600 }
.message { grid-column: 1 / -1; color: var(--_muted); font-size: .875rem }
time { color: var(--_muted); font-size: .8125rem; line-height: 1.65 }
.unread .icon { background: var(--_surface) }
.mark { flex: none; display: grid; place-items: center; width: 2rem; height: 2rem; margin-inline-end: .625rem; border-radius: 50%; color: var(--_muted) }
.mark:hover { background: var(--_surface); color: var(--_accent) }
.mark svg { width: 1.125rem; height: 1.125rem }
.note { padding: 2.5rem 1rem; text-align: center; color: var(--_muted) }
ul:not(:empty) + .note { padding: .75rem 1rem }
.more { display: block; width: 100%; padding: .75rem; text-align: center; color: var(--_muted); font-size: .875rem }
`;

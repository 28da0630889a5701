// What the prose around a block of the documentation presumes, and what its test wants to know.

const { page: fetched, modules } = document.currentScript.dataset;

/** `ended`: how many modules have run to their end; `called`: what they have called of the functions below. */
const documented = { ended: 0, called: [], streams: [] };

// --- what a page has ------------------------------------------------------------------------------

const show = () => documented.called.push("show");
const badge = () => documented.called.push("badge");
/** Messages count when the server has them. */
const draw = (messages) => messages.some(({ state }) => state === "sent") && documented.called.push("draw");
const reload = () => location.reload();
const page = JSON.parse(fetched);

const chosen = new DataTransfer();
chosen.items.add(new File(["Minutes of the meeting"], "minutes.txt"));
document.querySelector("#input").files = chosen.files;

// The client comes later, and is nobody's before a block asks for it.
let given;
Object.defineProperty(globalThis, "rt", { get: () => NexoraRT.default });
Object.defineProperty(globalThis, "NexoraRT", {
  get: () => given,
  set(client) {
    given = client;
    given.instances.push = (rt) => {
      rt.connection.bind("error", (error) => console.error(`${error}`));
      rt.bind("pusher:subscription_error", (error) => console.error(`refused: ${error}`));
      return Array.prototype.push.call(given.instances, rt);
    };
  },
});

// --- when it is over ------------------------------------------------------------------------------

globalThis.EventSource = class extends EventSource {
  constructor(...address) {
    super(...address);
    documented.streams.push(this);
  }
};

/** Whether every script has run to its end, and what it has opened is open. */
function isOver() {
  const clients = given?.instances ?? [];
  return document.readyState === "complete"
    && documented.ended === Number(modules)
    && !document.querySelector(":not(:defined)")
    && documented.streams.every(({ readyState }) => readyState !== EventSource.CONNECTING)
    && clients.every((rt) => rt.connection.state === "connected" && rt.allChannels().every(({ subscribed }) => subscribed));
}

// The operations page: its parts again and again, and rates made of the workers' counters.

const EVERY_MS = 3_000;
const POINTS = 60;
const [WIDTH, HEIGHT, EDGE] = [320, 96, 2];

const root = document.getElementById("operations");
const byId = (id) => document.getElementById(id);

/** Shows the parts that have changed; whoever is on a button of one stays on it. */
function show(parts) {
  for (const node of root.querySelectorAll("[data-part]")) {
    const html = parts[node.dataset.part];
    if (shown.get(node) === html) continue;
    shown.set(node, html);
    const focused = node.contains(document.activeElement) ? document.activeElement.id : "";
    const open = [...node.querySelectorAll("details")].map((one) => one.open);
    node.innerHTML = html;
    for (const time of node.querySelectorAll("time[datetime]")) {
      time.textContent = new Date(time.dateTime).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    }
    node.querySelectorAll("details").forEach((one, index) => (one.open = open[index] ?? false));
    if (focused) byId(focused)?.focus();
  }
}

/**
 * What happened per second since the last answer. Workers write their figures at moments of their
 * own, so each has its own span; every worker reads all events, so of those the highest counts.
 */
function rates(workers) {
  let events = null;
  let deliveries = 0;
  for (const now of workers) {
    const key = `${now.host}:${now.pid}`;
    const before = last.get(key);
    if (before && now.at > before.at && now.events >= before.events) {
      const span = now.at - before.at;
      speeds.set(key, { events: (now.events - before.events) / span, deliveries: (now.deliveries - before.deliveries) / span });
    }
    if (!before || now.at !== before.at) last.set(key, now);
    const speed = speeds.get(key);
    if (speed) [events, deliveries] = [Math.max(events ?? 0, speed.events), deliveries + speed.deliveries];
  }
  return events === null ? null : { events, deliveries };
}

const words = (rate) => (rate >= 100 ? rate.toFixed(0) : rate.toFixed(1));

function draw({ events, deliveries }) {
  history.push(events);
  history.splice(0, history.length - POINTS);
  const most = Math.max(...history);
  const ceiling = Math.max(1, most);
  const step = WIDTH / (POINTS - 1);
  const first = POINTS - history.length;
  const points = history.map((value, index) => {
    const y = HEIGHT - EDGE - ((HEIGHT - 2 * EDGE) * value) / ceiling;
    return `${((first + index) * step).toFixed(1)},${y.toFixed(1)}`;
  });
  const chart = byId("rate-chart");
  chart.querySelector(".rate-line").setAttribute("points", points.join(" "));
  chart.querySelector(".rate-area").setAttribute("points", `${(first * step).toFixed(1)},${HEIGHT} ${points.join(" ")} ${WIDTH},${HEIGHT}`);
  chart.setAttribute("aria-label", `Events per second: now ${words(events)}, at most ${words(most)}`);
  byId("rate-events").textContent = words(events);
  byId("rate-deliveries").textContent = words(deliveries);
  const seconds = Math.round((history.length * EVERY_MS) / 1000);
  byId("rate-since").textContent = seconds < 120 ? `The last ${seconds} s` : `The last ${Math.round(seconds / 60)} minutes`;
  byId("rate-most").textContent = `at most ${words(most)}`;
}

function complain(problem) {
  const at = renewed.toLocaleTimeString([], { timeStyle: "medium" });
  byId("stale").textContent = `${problem} These figures are of ${at}; trying again.`;
  byId("stale").hidden = false;
}

async function renew() {
  if (document.hidden) return;
  let answer;
  try {
    answer = await fetch(root.dataset.figures, { headers: { Accept: "application/json" } });
  } catch {
    return complain("The server does not answer.");
  }
  if (answer.status !== 200) return complain(`The server answers ${answer.status}.`);
  const { parts, workers } = await answer.json();
  renewed = new Date();
  byId("stale").hidden = true;
  show(parts);
  const rate = rates(workers);
  if (rate) draw(rate);
}

const shown = new Map([...root.querySelectorAll("[data-part]")].map((node) => [node, node.innerHTML]));
const last = new Map();
const speeds = new Map();
const history = [];
let renewed = new Date();

async function go() {
  await renew();
  setTimeout(go, EVERY_MS);
}
document.addEventListener("visibilitychange", renew);
go();

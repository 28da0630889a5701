// Pages that the server has drawn: says when an event makes one of them out of date.

export class Changes {
  constructor(rt) {
    this.watches = [...document.querySelectorAll("[data-watch]")];
    for (const time of document.querySelectorAll("time[datetime]")) {
      time.textContent = new Date(time.dateTime).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    }
    rt.bind_global((name, data) => this.take(name, data));
  }

  take(name, data) {
    for (const node of this.watches) {
      const { watch, key, id } = node.dataset;
      if (name.startsWith(watch) && (!key || data[key] === id)) node.hidden = false;
    }
  }
}

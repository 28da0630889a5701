// A timer that can be paused.

/** Calls `done` after `ms` of running; 0: never. */
export class Timer {
  #timer = null;

  constructor(ms, done) {
    Object.assign(this, { left: ms || Infinity, done });
  }

  run(shouldRun) {
    if (shouldRun === (this.#timer !== null)) return;
    if (shouldRun) this.#begin();
    else this.#pause();
  }

  #begin() {
    if (this.left === Infinity) return;
    this.began = performance.now();
    this.#timer = setTimeout(this.done, this.left);
  }

  #pause() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.left = Math.max(0, this.left - (performance.now() - this.began));
  }
}

// One way to ask the server, with errors that have types.

import { NexoraError } from "./errors.js";

const PATIENCE_MS = 20_000;

/** Seconds of a Retry-After header; undefined when it says none (a date is not used here). */
export const retryAfter = (response) => Number(response.headers.get("Retry-After")) || undefined;

/**
 * Ask `url` with JSON; the answer's JSON. Rejects with a NexoraError: what the server said, or `NetworkError`
 * when no answer came, in which case the server may or may not have done it.
 */
export async function request(url, { method = "POST", body, stop, headers, ...options } = {}) {
  const response = await answer(url, {
    method,
    credentials: "same-origin",
    signal: patience(stop),
    headers: { Accept: "application/json", ...(body !== undefined && { "Content-Type": "application/json" }), ...headers },
    body: JSON.stringify(body),
    ...options,
  });
  const json = await response.json().catch(() => undefined);
  if (!response.ok) throw NexoraError.of(response.status, json, retryAfter(response));
  if (json === undefined) throw new NexoraError("NetworkError", "the answer is not JSON", { retryable: true });
  return json;
}

/** Ends a request that takes too long, or when `stop` says so. */
function patience(stop) {
  const late = AbortSignal.timeout?.(PATIENCE_MS);
  return stop ? (AbortSignal.any?.([stop, late]) ?? stop) : late;
}

async function answer(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    throw new NexoraError("NetworkError", `no answer: ${error.message}`, { retryable: true });
  }
}

// What the extension's client leaves to the host: uploads with a progress bar, and the demo's own routes.

import { NexoraError } from "/api/realtime/assets/nexora-rt.js";

/** Who takes part in a conversation, and how far each has read. Rejects with a NexoraError, as the client does. */
export async function details(conversationId) {
  const response = await fetch(`/conversations/${encodeURIComponent(conversationId)}`, { headers: { Accept: "application/json" } }).catch(unreachable);
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw NexoraError.of(response.status, answer);
  return answer;
}

/**
 * Uploads a file: `{done, abort}`, where `done` gives `{attachment}`. `onProgress(share)` from 0 to 1;
 * that is why this is no fetch, which does not tell how far an upload is.
 */
export function upload(conversationId, file, onProgress) {
  const request = new XMLHttpRequest();
  const form = new FormData();
  form.append("conversationId", conversationId);
  form.append("file", file);
  request.open("POST", "/api/attachments");
  request.responseType = "json";
  request.upload.addEventListener("progress", ({ loaded, total }) => total && onProgress(loaded / total));
  const done = new Promise((resolve, reject) => {
    const isOk = () => request.status >= 200 && request.status < 300 && request.response;
    request.addEventListener("load", () => (isOk() ? resolve(request.response) : reject(NexoraError.of(request.status, request.response))));
    request.addEventListener("error", () => reject(noAnswer()));
    request.addEventListener("abort", () => reject(noAnswer()));
  });
  request.send(form);
  return { done, abort: () => request.abort() };
}

/** What went wrong, as the end of a sentence. */
export function problemOf(error) {
  if (error.type === "NetworkError") return navigator.onLine ? "the server does not answer." : "you are offline.";
  if (error.status === 401) return "you are signed out.";
  const fields = Object.values(error.fields ?? {});
  return fields.length ? `it ${fields.join(", ")}.` : error.message;
}

const noAnswer = () => new NexoraError("NetworkError", "no answer", { retryable: true });

function unreachable() {
  throw noAnswer();
}

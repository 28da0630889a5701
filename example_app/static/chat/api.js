// The extension's HTTP routes, and the one of the demo that tells who is in a conversation.

const API = "/api";

/** A request that failed. `status` is 0 when no answer came; `retryAfter` in seconds. */
export class ApiError extends Error {
  constructor(message, { status = 0, fields = {}, retryAfter = 0 } = {}) {
    super(message);
    Object.assign(this, { status, fields, retryAfter });
  }
}

/** The answer of a JSON route. Throws `ApiError`. */
export async function call(method, path, body) {
  const headers = { Accept: "application/json", "Content-Type": "application/json" };
  let response;
  try {
    response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  } catch {
    throw new ApiError(navigator.onLine ? "the server does not answer." : "you are offline.");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw refusal(response.status, answer, response.headers.get("Retry-After"));
}

function refusal(status, { detail, error, fields }, retryAfter) {
  return new ApiError(detail ?? error ?? `the server answered ${status}.`, { status, fields, retryAfter: Number(retryAfter) || 0 });
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
  request.open("POST", `${API}/attachments`);
  request.responseType = "json";
  request.upload.addEventListener("progress", ({ loaded, total }) => total && onProgress(loaded / total));
  const done = new Promise((resolve, reject) => {
    const isOk = () => request.status >= 200 && request.status < 300 && request.response;
    request.addEventListener("load", () => (isOk() ? resolve(request.response) : reject(refusal(request.status, request.response ?? {}, request.getResponseHeader("Retry-After")))));
    request.addEventListener("error", () => reject(new ApiError(navigator.onLine ? "the server does not answer." : "you are offline.")));
    request.addEventListener("abort", () => reject(new ApiError("it was removed.")));
  });
  request.send(form);
  return { done, abort: () => request.abort() };
}

const messagePath = (id) => `${API}/messages/${encodeURIComponent(id)}`;
const reactionPath = (id, key) => `${messagePath(id)}/reactions/${encodeURIComponent(key)}`;

/** A page of messages; `where` is `{}` for the newest, `{beforeSeq}` or `{afterSeq}`, and `limit`. */
export const history = (conversationId, where = {}) =>
  call("GET", `${API}/messages?${new URLSearchParams({ conversationId, ...where })}`);
export const send = (conversationId, content, clientId, attachments) => call("POST", `${API}/messages`, { conversationId, content, clientId, attachments });
export const edit = (id, content, expectedRevision) => call("PATCH", messagePath(id), { content, expectedRevision });
export const remove = (id) => call("DELETE", messagePath(id));
export const react = (id, key) => call("PUT", reactionPath(id, key));
export const unreact = (id, key) => call("DELETE", reactionPath(id, key));
export const markRead = (conversationId, upToSeq) => call("POST", `${API}/messages/read`, { conversationId, upToSeq });
export const unread = () => call("GET", `${API}/messages/unread`);
export const typing = (conversationId, isTyping) => call("POST", `${API}/realtime/typing`, { conversationId, isTyping });
export const details = (conversationId) => call("GET", `/conversations/${encodeURIComponent(conversationId)}`);

/** A message as it is now. */
export async function current(message) {
  const page = await history(message.conversationId, { afterSeq: message.seq - 1, limit: 1 });
  return page.messages[0];
}

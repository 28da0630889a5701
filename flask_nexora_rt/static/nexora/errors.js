// What can go wrong, with a type that a program can look at.

const TYPES = {
  400: "BadRequest", 401: "AuthError", 403: "AuthError", 404: "NotFound", 409: "Conflict", 413: "TooLarge",
  415: "BadRequest", 422: "InvalidFields", 429: "RateLimited",
};

/** Whether asking again may help: the network, an overload, a limit, a server that is away. */
export const isRetryable = (status) => !status || status >= 500 || [408, 425, 429].includes(status);

/** Every error of this client. `type` names it; `retryable` says whether the same call may succeed later. */
export class NexoraError extends Error {
  constructor(type, message, { status = 0, fields, retryAfter, retryable = false } = {}) {
    super(message);
    Object.assign(this, { name: "NexoraError", type, status, fields, retryAfter, retryable });
  }

  static of(status, body, retryAfter) {
    const type = TYPES[status] ?? (status >= 500 ? "Unavailable" : "BadRequest");
    const about = { status, fields: body?.fields, retryAfter, retryable: isRetryable(status) };
    return new NexoraError(type, body?.detail || body?.error || `HTTP ${status}`, about);
  }
}

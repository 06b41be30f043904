/** Answers in the forms GitLab uses (protocol section 1.4). */

export type AnswerHeaders = Readonly<Record<string, string>>;

export function jsonAnswer(status: number, body: unknown, headers: AnswerHeaders = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/json", ...headers },
  });
}

export function textAnswer(status: number, text: string, headers: AnswerHeaders = {}): Response {
  return new Response(text, { status, headers: { "Content-Type": "text/plain", ...headers } });
}

export function emptyAnswer(status: number, headers: AnswerHeaders = {}): Response {
  return new Response(null, { status, headers });
}

/** `{"message": "403 Forbidden - why"}`. */
export function apiError(status: number, why = "", headers: AnswerHeaders = {}): Response {
  const line = `${status} ${STATUS_TEXT[status] ?? "Error"}`;
  return jsonAnswer(status, { message: why === "" ? line : `${line} - ${why}` }, headers);
}

/** `{"error": "token is missing"}`: a parameter that does not validate. */
export function parameterError(what: string): Response {
  return jsonAnswer(400, { error: what });
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  400: "Bad request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  409: "Conflict",
  410: "Gone",
  412: "Precondition Failed",
  413: "Request Entity Too Large",
  421: "Misdirected Request",
  429: "Too Many Requests",
};

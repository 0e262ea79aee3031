// The control API, call by call. A refusal is a `Refusal` with its slug and the words for people.

export class Refusal extends Error {
  constructor(status, slug, message, field) {
    super(message);
    Object.assign(this, { status, slug, field });
  }
}

export const state = () => call("GET", "/api/state");
export const slack = () => call("GET", "/api/slack");
export const messages = (channel) => call("GET", `/api/channels/${part(channel)}/messages`);
export const ephemerals = (user) => call("GET", `/api/users/${part(user)}/ephemerals`);
export const views = (user) => call("GET", `/api/users/${part(user)}/views`);
export const say = (body) => call("POST", "/api/say", body);
export const click = (body) => call("POST", "/api/click", body);
export const submit = (body) => call("POST", "/api/submit", body);
export const close = (body) => call("POST", "/api/close", body);
export const options = (body) => call("POST", "/api/options", body);
export const commit = (body) => call("POST", "/api/git/commit", body);
export const alerts = (body) => call("POST", "/api/alerts", body);
export const argocd = (body) => call("POST", "/api/argocd", body);
export const remove = (channel, ts) => call("DELETE", `/api/channels/${part(channel)}/messages/${part(ts)}`);

/** Calls `moved` whenever something in the world changed, and `live` with whether the line is up. */
export function follow(moved, live) {
  const source = new EventSource("/api/events");
  source.onmessage = () => {
    live(true);
    moved();
  };
  source.onerror = () => live(false);
}

const part = encodeURIComponent;

async function call(method, path, body) {
  const asked = { method, cache: "no-store" };
  if (body !== undefined) {
    asked.body = JSON.stringify(body);
    asked.headers = { "Content-Type": "application/json" };
  }
  let response;
  try {
    response = await fetch(path, asked);
  } catch {
    throw new Refusal(0, "unreachable", "The sandbox does not answer. Is it still running?");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const { slug = "refused", message = `The sandbox answered ${response.status}.`, field } = answer.error ?? {};
  throw new Refusal(response.status, slug, message, field);
}

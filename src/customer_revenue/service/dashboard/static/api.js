// Requests to the service. Who is signed in has a session cookie, which scripts cannot read.

const BASE = "api/payment/analytics";
const SESSION = "api/session";

export class Problem extends Error {
  constructor(status, code, message, details = [], wait = 0) {
    super(message);
    Object.assign(this, { status, code, details, wait });
  }
}

function address(path, parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters ?? {})) {
    for (const one of [value].flat()) if (one !== undefined && one !== null && one !== "") query.append(name, one);
  }
  const text = query.toString();
  return `${path}${text ? `?${text}` : ""}`;
}

async function request(url, options) {
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "no_answer", "The service does not respond.");
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  const { code = "no_answer", message = `The service answered with status ${response.status}.`, details = [] } =
    body?.error ?? {};
  throw new Problem(response.status, code, message, details, Number(response.headers.get("Retry-After") ?? 0));
}

async function content(response) {
  try {
    return await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "no_answer", "The service broke off its answer.");
  }
}

export async function get(path, parameters, signal) {
  return content(await request(address(BASE + path, parameters), { signal }));
}

const changing = (method, body) => ({
  method,
  headers: { "Content-Type": "application/json", "X-Requested-With": "customer-revenue" },
  body: body === undefined ? undefined : JSON.stringify(body),
});

export async function post(path, body) {
  return content(await request(BASE + path, changing("POST", body)));
}

export async function remove(path) {
  return content(await request(BASE + path, changing("DELETE")));
}

/** Who is signed in: { signed_in, name, scopes, keys_required }. */
export async function session() {
  return content(await request(SESSION, {}));
}

export async function signIn(key) {
  return content(await request(SESSION, changing("POST", { key })));
}

export async function signOut() {
  await request(SESSION, changing("DELETE"));
}

/** Save a response as a file, under the name that the service suggests. */
export async function download(path, parameters) {
  const response = await request(address(BASE + path, parameters), {});
  const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? "customers.csv";
  keep(await response.blob(), name);
}

/** Save a text or a blob as a file. */
export function keep(data, name) {
  const url = URL.createObjectURL(data instanceof Blob ? data : new Blob([data], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export const customerPath = (id, what) => `/customers/${encodeURIComponent(id)}/${what}`;

export async function alive() {
  try {
    return (await fetch("livez", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

// Requests to the service. The API key is stored for this tab only, until it is closed.

const BASE = "api/payment/analytics";
const STORED = "customer-revenue-key";

export class Problem extends Error {
  constructor(status, code, message, details = [], wait = 0) {
    super(message);
    Object.assign(this, { status, code, details, wait });
  }
}

export const key = {
  get: () => sessionStorage.getItem(STORED) ?? "",
  set: (value) => sessionStorage.setItem(STORED, value),
  forget: () => sessionStorage.removeItem(STORED),
};

function address(path, parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters ?? {})) {
    for (const one of [value].flat()) if (one !== undefined && one !== null && one !== "") query.append(name, one);
  }
  const text = query.toString();
  return `${BASE}${path}${text ? `?${text}` : ""}`;
}

async function request(path, parameters, signal) {
  const headers = key.get() ? { Authorization: `Bearer ${key.get()}` } : {};
  let response;
  try {
    response = await fetch(address(path, parameters), { headers, signal, credentials: "omit" });
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

export async function get(path, parameters, signal) {
  const response = await request(path, parameters, signal);
  try {
    return await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "no_answer", "The service broke off its answer.");
  }
}

/** Save a response as a file, under the name that the service suggests. */
export async function download(path, parameters) {
  const response = await request(path, parameters);
  const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? "customers.csv";
  const url = URL.createObjectURL(await response.blob());
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

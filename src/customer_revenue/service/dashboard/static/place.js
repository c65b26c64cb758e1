// The location: view, what it is about, and parameters, all in the fragment of the URL. The fragment never reaches a
// server's log, and a shared URL shows the same view.

export const HOME = "today";

export const PERIODS = {
  all_time: "All time",
  last_12_months: "12 months",
  last_6_months: "6 months",
  ytd: "Year to date",
};

export function read() {
  const [path, query = ""] = location.hash.replace(/^#/, "").split("?");
  const [view = "", ...rest] = path.replace(/^\//, "").split("/");
  const parameters = new URLSearchParams(query);
  const period = parameters.get("period") ?? "all_time";
  let id = rest.join("/");
  try {
    id = decodeURIComponent(id);
  } catch {
    // A URL typed by hand may contain a lone percent sign, which is then kept as it is.
  }
  return {
    view: view || HOME,
    id,
    period: period in PERIODS ? period : "all_time",
    segments: parameters.getAll("segment"),
    parameters,
  };
}

/** The URL of a view: link("customers", "", { status: "lost" }). */
export function link(view, id = "", values = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (name === "period" && value === "all_time") continue;
    for (const one of [value].flat()) if (one !== undefined && one !== null && one !== "") query.append(name, one);
  }
  const text = query.toString();
  const path = view === HOME ? "" : view + (id ? `/${encodeURIComponent(id)}` : "");
  return `#/${path}${text ? `?${text}` : ""}`;
}

/** The current URL with some parameters changed. */
export function changed(values) {
  const here = read();
  const all = {};
  for (const name of new Set(here.parameters.keys())) all[name] = here.parameters.getAll(name);
  return link(here.view, here.id, { ...all, ...values });
}

// Saved views of the list of customers: their addresses under a name, kept in this browser.

import { h, own } from "../dom.js";
import { link } from "../place.js";
import { T } from "../texts.js";

const STORED = "customer-revenue-views";
const USUAL = {
  best: {},
  risk: { sort: "revenue_at_risk_cents", columns: "customer_status,net_revenue_cents,days_since_purchase,churn_risk_score,revenue_at_risk_cents" },
  lost: { status: "slipping", sort: "value_at_risk_cents", columns: "net_revenue_cents,days_since_purchase,churn_risk_score,value_at_risk_cents,decision" },
  fresh: { sort: "first_purchase_date", columns: "customer_segment,net_revenue_cents,total_orders,first_purchase_date,next_purchase_probability" },
};

function kept() {
  try {
    const found = JSON.parse(localStorage.getItem(STORED) ?? "[]");
    return Array.isArray(found) ? found.filter((one) => typeof one.name === "string" && String(one.hash).startsWith("#/customers")) : [];
  } catch {
    return [];
  }
}

export function savedViews() {
  const list = h("ul", {});
  const name = h("input", { id: "view-name", maxlength: "60", required: true, autocomplete: "off" });
  const keep = (views) => {
    localStorage.setItem(STORED, JSON.stringify(views));
    show();
  };
  const show = () => {
    const own_ = kept().map((one) => h("li", {}, h("a", { href: one.hash }, own(one.name)), h("button.link", { type: "button", "aria-label": T.customers.remove(one.name), onclick: () => keep(kept().filter((other) => other.name !== one.name)) }, "×")));
    list.replaceChildren(...Object.entries(USUAL).map(([key, values]) => h("li", {}, h("a", { href: link("customers", "", values) }, T.customers.usual[key]))), ...own_);
  };
  const submit = (event) => {
    event.preventDefault();
    keep([...kept().filter((one) => one.name !== name.value.trim()), { name: name.value.trim(), hash: location.hash }]);
    name.value = "";
  };
  show();
  return h("details.menu", {}, h("summary", {}, T.customers.views), h("div.sheet", {}, list, h("form", { onsubmit: submit }, h("label", { for: "view-name" }, T.customers.name), h("div.line", {}, name, h("button", { type: "submit" }, T.customers.saveIt)))));
}

// Tooltips with definitions and values, on hover, focus or tap. One element shows all of them.

import { h } from "./dom.js";
import { DEFINITIONS } from "./definitions.js";

const hint = document.getElementById("hint");
let shownFor = null;

/** A label with its definition as a tooltip. */
export function term(name, label) {
  return h("button.term", { type: "button", "data-term": name }, label ?? DEFINITIONS[name].label);
}

function lines(text) {
  return text.split("\n").map((line, place) => h(place ? "span.more" : "span.first", {}, line));
}

function place(left, top, bottom) {
  const { width, height } = hint.getBoundingClientRect();
  const x = Math.max(8, Math.min(left - width / 2, document.documentElement.clientWidth - width - 8));
  const y = top - height - 8 < 8 ? bottom + 8 : top - height - 8;
  hint.style.setProperty("left", `${x}px`);
  hint.style.setProperty("top", `${y}px`);
}

function show(text, left, top, bottom, plain) {
  hint.replaceChildren(...lines(text));
  hint.classList.toggle("plain", plain);
  if (!hint.matches(":popover-open")) hint.showPopover();
  place(left, top, bottom);
}

export function hide() {
  shownFor?.removeAttribute("aria-describedby");
  shownFor = null;
  if (hint.matches(":popover-open")) hint.hidePopover();
}

/** Show a value at a position on the screen. */
export function tip(text, x, y) {
  show(text, x, y - 6, y + 14, true);
}

function explain(element) {
  if (shownFor === element) return;
  hide();
  const text = element.dataset.tip ?? DEFINITIONS[element.dataset.term]?.text;
  if (!text) return;
  const box = element.getBoundingClientRect();
  show(text, box.left + box.width / 2, box.top, box.bottom, Boolean(element.dataset.tip));
  shownFor = element;
  element.setAttribute("aria-describedby", "hint");
}

const explained = (event) => (event.target instanceof Element ? event.target.closest("[data-term], [data-tip]") : null);

export function start() {
  document.addEventListener("pointerover", (event) => {
    const element = explained(event);
    if (element && event.pointerType !== "touch") explain(element);
  });
  document.addEventListener("pointerout", (event) => {
    const element = explained(event);
    if (element && event.pointerType !== "touch" && document.activeElement !== element) hide();
  });
  document.addEventListener("focusin", (event) => {
    const element = explained(event);
    if (element?.matches(":focus-visible")) explain(element);
    else if (!element) hide();
  });
  document.addEventListener("focusout", hide);
  document.addEventListener("click", (event) => {
    const element = explained(event);
    if (element) explain(element);
    else hide();
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  addEventListener("scroll", hide, { passive: true, capture: true });
}

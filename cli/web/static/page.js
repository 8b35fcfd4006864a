// Keys, clicks and drags become one event, "act", which the server listens to on #desk.
// The mark that moves between hits lives here alone, so that it answers at once.
"use strict";

const desk = () => document.getElementById("desk");
const hits = () => [...document.querySelectorAll("#hits .hit")];
// Which hit is marked, and where it stood: hits that are ranked anew keep the mark.
let current = null;
let place = -1;
const marked = () => {
  const all = hits();
  const same = all.find((card) => card.dataset.segment === current);
  return same ?? all[Math.min(place, all.length - 1)] ?? null;
};
const send = (act, value = null) =>
  desk()?.dispatchEvent(new CustomEvent("act", { detail: { act, value } }));

function mark(card, focus = true, scroll = true) {
  if (!card) return;
  document.querySelector("#hits .marked")?.classList.remove("marked");
  card.classList.add("marked");
  current = card.dataset.segment;
  place = hits().indexOf(card);
  if (focus) card.focus({ preventScroll: true });
  if (scroll) card.scrollIntoView({ block: "nearest", behavior: "instant" });
}

function step(by) {
  const all = hits();
  if (!all.length) return;
  const here = all.indexOf(marked());
  mark(all[Math.min(Math.max(here + by, 0), all.length - 1)]);
}

function open(card) {
  if (!card) return;
  mark(card);
  show(true);
  send("open", card.dataset.segment);
}

// About the hit that is marked, if one is.
const say = (act) => marked() && send(act, marked().dataset.segment);

// On a narrow screen what is open covers the hits; the browser's own "back" closes it.
const narrow = () => matchMedia("(max-width: 959px)").matches;
function show(wanted) {
  const { classList } = document.body;
  if (classList.contains("opened") === wanted) return;
  classList.toggle("opened", wanted);
  if (wanted && narrow()) history.pushState({ opened: true }, "");
  if (wanted && narrow()) document.getElementById("open").scrollTop = 0;
  if (!wanted && history.state?.opened) history.back();
}
addEventListener("popstate", () => show(false));

const KEYS = {
  "/": () => document.querySelector("#query input")?.focus(),
  j: () => step(1),
  k: () => step(-1),
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  Enter: () => open(marked()),
  m: () => say("more"),
  l: () => say("less"),
  n: () => say("name"),
  s: () => say("similar"),
  w: () => marked() && (show(true), send("what", marked().dataset.segment)),
  f: () => send("filters"),
  u: () => send("upload"),
  t: () => theme(true),
  "?": () => send("help"),
};

const typing = (target) => target.closest?.("input, textarea, select, [contenteditable=true]");
const covered = () => document.querySelector(".q-dialog, .q-menu");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.key === "Escape" && !covered()) {
    if (typing(event.target)) return event.target.blur();
    return show(false);
  }
  if (typing(event.target) || covered() || !(event.key in KEYS)) return;
  if (event.key === "Enter" && event.target.closest?.("button, a")) return;
  event.preventDefault();
  KEYS[event.key]();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  const card = event.target.closest("#hits .hit");
  if (!button) return open(card);
  const act = button.dataset.act;
  if (act === "close") return show(false);
  if (act === "theme") return theme(true);
  if (card) mark(card, false);
  if (act === "what") show(true);
  send(act, button.dataset.value ?? card?.dataset.segment ?? null);
});

// A click on the strip chooses the moment there, a drag a stretch.
let drag = null;
const share = (event) => {
  const box = drag.strip.getBoundingClientRect();
  return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
};
document.addEventListener("pointerdown", (event) => {
  const strip = event.target.closest?.(".strip");
  if (!strip || event.button) return;
  drag = { strip, shade: Object.assign(document.createElement("b"), { className: "shade" }) };
  drag.from = share(event);
});
document.addEventListener("pointermove", (event) => {
  if (!drag) return;
  const [a, b] = [drag.from, share(event)].sort((x, y) => x - y);
  if ((b - a) * drag.strip.clientWidth < 5) return;
  if (!drag.shade.isConnected) drag.strip.append(drag.shade);
  Object.assign(drag.shade.style, { left: `${100 * a}%`, width: `${100 * (b - a)}%` });
});
document.addEventListener("pointerup", (event) => {
  if (!drag) return;
  const length = Number(drag.strip.dataset.length);
  const [a, b] = [drag.from, share(event)].sort((x, y) => x - y);
  if (drag.shade.isConnected) send("stretch", [a * length, b * length]);
  else send("at", a * length);
  drag = null;
});
document.addEventListener("pointercancel", () => {
  drag?.shade.remove();
  drag = null;
});

// Light, dark, or as the system has it; kept in this browser.
function theme(next) {
  const system = matchMedia("(prefers-color-scheme: dark)").matches;
  let dark = localStorage.getItem("myosem-dark");
  if (next) dark = String(!document.body.classList.contains("body--dark"));
  if (next) localStorage.setItem("myosem-dark", dark);
  Quasar.Dark.set(dark === null ? system : dark === "true");
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => theme(false));

window.myosem = {
  theme,
  show,
  again: () => mark(marked(), !typing(document.activeElement)),
  first: () => {
    const [card] = hits();
    mark(card, false, false);
    if (card && !narrow()) send("peek", card.dataset.segment);
  },
};

// The modal of the chosen person: the top view of the stack, its errors, submitting and closing.

import * as api from "./api.js";
import { blockList } from "./blocks.js";
import { h, show } from "./dom.js";
import { icon } from "./icons.js";
import { filledIn } from "./inputs.js";
import { refresh, store } from "./store.js";

const dialog = document.getElementById("modal");
const TROUBLE = "We had some trouble connecting. Try again?";

let shown = "";
let errors = {};
let trouble = "";
let isBusy = false;

// Escape is [Cancel]: the dialog closes when the view is gone. A browser may insist and close it at once.
dialog.addEventListener("cancel", (event) => event.preventDefault());
dialog.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || dialog.querySelector(".menu")) return;
  event.preventDefault();
  cancel();
});
dialog.addEventListener("close", () => shown && !dialog.open && cancel());

export function renderModal() {
  const view = store.views.at(-1);
  if (!view) {
    forget("");
    if (dialog.open) dialog.close();
    show(dialog);
    return;
  }
  const stamp = `${store.user} ${JSON.stringify([view.view_id, view.title, view.blocks, view.submit])}`;
  if (stamp === shown && dialog.open) return;
  forget(stamp);
  draw(view);
  const isNew = !dialog.open;
  if (isNew) dialog.showModal();
  const focused = document.activeElement;
  if (isNew || focused === dialog || !dialog.contains(focused)) firstStop()?.focus();
}

function cancel() {
  const view = store.views.at(-1);
  if (view) leave(view);
}

function forget(stamp) {
  shown = stamp;
  errors = {};
  trouble = "";
}

function draw(view) {
  const sent = (event) => {
    event.preventDefault();
    submit(view);
  };
  const back = view.previous_view_id !== null;
  show(
    dialog,
    h(
      "form",
      { key: view.view_id, novalidate: true, "aria-busy": isBusy ? "true" : null, on: { submit: sent } },
      h(
        "header",
        null,
        h("h2", { id: "modal-title" }, view.title),
        h(
          "button",
          {
            type: "button",
            class: "icon-button",
            "aria-label": back ? "Back" : "Close",
            on: { click: () => leave(view) },
          },
          icon(back ? "back" : "close"),
        ),
      ),
      h(
        "div",
        { class: "modal-body", tabindex: "0", role: "group", "aria-label": view.title },
        trouble && h("p", { class: "error", role: "alert" }, trouble),
        blockList(view.blocks, { view_id: view.view_id }, errors),
      ),
      h(
        "footer",
        null,
        h("button", { type: "button", class: "button", on: { click: () => leave(view) } }, view.close || "Cancel"),
        view.submit && h("button", { type: "submit", class: "button solid primary", disabled: isBusy }, view.submit),
      ),
    ),
  );
}

async function submit(view) {
  if (isBusy) return;
  isBusy = true;
  errors = {};
  trouble = "";
  const values = filledIn(dialog);
  draw(view);
  try {
    const answer = await api.submit({ user: store.user, view_id: view.view_id, values });
    errors = answer.errors ?? {};
    if (!answer.ack || answer.ack.error) trouble = TROUBLE;
  } catch (refusal) {
    if (refusal.slug === undefined) throw refusal;
    const field = refusal.field?.replace(/^values\./, "");
    if (view.blocks.some((block) => block.block_id === field)) errors = { [field]: refusal.message };
    else trouble = refusal.message;
  } finally {
    isBusy = false;
    if (store.views.at(-1)?.view_id === view.view_id) draw(view);
    dialog.querySelector("[aria-invalid]")?.focus();
    refresh();
  }
}

async function leave(view) {
  try {
    await api.close({ user: store.user, view_id: view.view_id });
  } catch (refusal) {
    trouble = refusal.message;
    draw(view);
  }
  refresh();
}

const firstStop = () => dialog.querySelector("[autofocus], [data-input]") ?? dialog.querySelector("footer .button");

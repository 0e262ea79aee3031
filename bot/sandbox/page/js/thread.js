// The thread beside the channel: first message, replies, and a composer of its own.

import { composer } from "./composer.js";
import { h, show, showList } from "./dom.js";
import { icon } from "./icons.js";
import { messageRow, stampOf } from "./messages.js";
import { here, messagesHere, openThread, store } from "./store.js";

const place = document.getElementById("thread");
const NEAR = 60;

let parts = null;
let shown = null;

place.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented) close();
});

export function renderThread() {
  const parent = messagesHere().find((message) => message.ts === store.thread);
  place.hidden = !parent;
  document.getElementById("app").classList.toggle("with-thread", Boolean(parent));
  if (!parent) {
    if (store.thread && store.messages[store.channel]) store.thread = null;
    shown = null;
    return;
  }
  parts ??= frame();
  const isOther = shown !== parent.ts;
  shown = parent.ts;
  const wasAtEnd = parts.scroll.scrollHeight - parts.scroll.scrollTop - parts.scroll.clientHeight < NEAR;
  parts.title.textContent = `#${here()?.name ?? ""}`;
  const rows = [{ ...parent, isParent: true }, ...parent.replies];
  showList(parts.list, rows, {
    key: (row) => row.ts,
    stamp: (row) => `${store.user} ${stampOf(row)}`,
    build: (row) => (row.isParent ? firstRow(row) : messageRow(row, { where: "thread" })),
  });
  if (isOther || wasAtEnd) parts.scroll.scrollTop = parts.scroll.scrollHeight;
  parts.composer.update();
  if (isOther) place.querySelector("textarea").focus({ preventScroll: true });
}

function firstRow(message) {
  const count = message.replies.length;
  const words = count === 0 ? "No replies yet" : `${count} ${count === 1 ? "reply" : "replies"}`;
  return h(
    "div",
    { class: "thread-first" },
    messageRow(message, { where: "thread" }),
    h("div", { class: "day" }, h("span", null, words)),
  );
}

function frame() {
  const title = h("span", { class: "muted" });
  const list = h("div", { class: "messages" });
  const scroll = h("div", { class: "thread-scroll", tabindex: "0", role: "log", "aria-label": "Replies" }, list);
  const writing = h("div", { class: "composer-place" });
  show(
    place,
    h(
      "header",
      { class: "head" },
      h("h2", null, "Thread ", title),
      h(
        "button",
        { type: "button", class: "icon-button", "aria-label": "Close thread", on: { click: close } },
        icon("close"),
      ),
    ),
    scroll,
    writing,
  );
  return { title, list, scroll, composer: composer(writing, () => store.thread ?? "") };
}

const close = () => openThread(null);

// The middle of the page: the channel's messages and what only the chosen person sees, oldest first.

import * as api from "./api.js";
import { content } from "./blocks.js";
import { clock, dayOf, dayTitle, full, inForm } from "./dates.js";
import { h, showList } from "./dom.js";
import { icon } from "./icons.js";
import { avatar, BOT, userName } from "./names.js";
import { emoji } from "./emoji.js";
import { markRead, messagesHere, here, openThread, refresh, store } from "./store.js";
import { tell } from "./toasts.js";
import { suggest } from "./composer.js";

const NEAR = 90;
const TOGETHER_SECONDS = 300;
const stream = document.getElementById("stream");
const list = document.getElementById("messages");
const newer = document.getElementById("newer");

let standing = "";
let last = "";
let marked = null;

newer.addEventListener("click", () => toEnd());
stream.addEventListener("scroll", () => isAtEnd() && (newer.hidden = true));
new ResizeObserver(() => sticks && toEnd()).observe(list);
new ResizeObserver(() => sticks && toEnd()).observe(stream);
let sticks = true;
stream.addEventListener("scroll", () => (sticks = isAtEnd()), { passive: true });

export function renderMessages() {
  const where = `${store.channel} ${store.user}`;
  const isNewPlace = where !== standing;
  if (isNewPlace) sticks = true;
  standing = where;
  const rows = allRows();
  showList(list, rows, { key: (row) => row.key, stamp: (row) => row.stamp, build: (row) => row.build() });
  const newest = rows.at(-1)?.key ?? "";
  if (sticks) toEnd();
  else if (newest !== last && !isNewPlace) newer.hidden = false;
  last = newest;
  if (document.visibilityState === "visible") markRead(store.channel);
  if (store.marked !== marked && reveal(store.marked)) marked = store.marked;
}

/** One message, wherever it is shown: `place` is "channel" or "thread". */
export function messageRow(message, { where, isFollowing = false, isMarked = false }) {
  const place = message.id ? { ephemeral_id: message.id } : { channel: store.channel, ts: message.ts };
  const author = message.user ?? BOT;
  const isReplyHere = where === "channel" && message.thread_ts && message.thread_ts !== message.ts;
  const name = userName(author);
  const hasBlocks = Boolean(message.blocks?.length);
  const edited =
    message.edits > 0 && h("span", { class: "edited", title: `Updated ${message.edits} times` }, "(edited)");
  return h(
    "article",
    {
      class: ["message", isFollowing && "following", message.id && "ephemeral", isMarked && "marked"]
        .filter(Boolean)
        .join(" "),
      "aria-label": `${name} at ${clock(message.ts)}${message.id ? ", only visible to you" : ""}`,
      "data-ts": message.ts,
    },
    h(
      "div",
      { class: "gutter" },
      isFollowing ? h("time", { title: full(message.ts) }, clock(message.ts)) : avatar(author),
    ),
    h(
      "div",
      { class: "message-main" },
      message.id && h("p", { class: "private-note" }, icon("eye"), "Only visible to you"),
      !isFollowing &&
        h(
          "header",
          null,
          h("strong", null, name),
          (message.is_bot || author === BOT) && h("span", { class: "app-badge" }, "APP"),
          h("time", { title: full(message.ts) }, clock(message.ts)),
          hasBlocks && edited,
        ),
      isReplyHere &&
        h(
          "button",
          { type: "button", class: "link replied-to", on: { click: () => openThread(message.thread_ts) } },
          "replied to a thread",
        ),
      h("div", { class: "body" }, content(message, place), !hasBlocks && edited),
      files(message),
      reactions(message),
      where === "channel" && !isReplyHere && threadLine(message),
    ),
    !message.id && tools(message, where),
  );
}

export const stampOf = (message) =>
  JSON.stringify([message, store.world.users, store.world.usergroups, dayOf(Date.now() / 1000)]);

function allRows() {
  const whispers = store.ephemerals.filter((one) => one.channel === store.channel);
  const all = [...messagesHere(), ...whispers].sort((a, b) => (a.ts < b.ts ? -1 : 1));
  const rows = [];
  if (store.loaded) rows.push(intro(all.length === 0));
  let before = null;
  for (const message of all) {
    if (!before || dayOf(before.ts) !== dayOf(message.ts)) rows.push(dayRow(message.ts));
    const isFollowing = follows(before, message);
    const isMarked = store.marked === message.ts;
    rows.push({
      key: message.id ?? message.ts,
      stamp: `${isFollowing} ${isMarked} ${store.user} ${stampOf(message)}`,
      build: () => messageRow(message, { where: "channel", isFollowing, isMarked }),
    });
    before = message;
  }
  return rows;
}

function follows(before, message) {
  if (!before || (before.id === undefined) !== (message.id === undefined)) return false;
  const isSoon = Number(message.ts) - Number(before.ts) < TOGETHER_SECONDS && dayOf(before.ts) === dayOf(message.ts);
  return (
    isSoon &&
    (before.user ?? BOT) === (message.user ?? BOT) &&
    !before.replies?.length &&
    !(message.blocks ?? []).length
  );
}

function dayRow(ts) {
  const title = dayTitle(ts);
  return { key: `day ${dayOf(ts)}`, stamp: title, build: () => h("div", { class: "day" }, h("span", null, title)) };
}

function intro(isEmpty) {
  const channel = here();
  const build = () =>
    h(
      "div",
      { class: "intro" },
      h("h3", null, icon(channel?.private ? "lock" : "hash"), channel?.name ?? ""),
      h(
        "p",
        null,
        "The channel begins here. You write as the person chosen on the left; the real bot answers.",
      ),
      isEmpty &&
        h(
          "p",
          { class: "tries" },
          ["/promote apm-stack prod", "/promote apm-stack staging", "/gitops help", "/whoami"].map((text) =>
            h("button", { type: "button", class: "try", on: { click: () => suggest(text) } }, text),
          ),
        ),
    );
  return { key: `intro ${store.channel}`, stamp: `${isEmpty} ${channel?.name}`, build };
}

function files(message) {
  const named = message.files ?? [];
  return (
    named.length > 0 &&
    h(
      "ul",
      { class: "files" },
      named.map((file) => h("li", null, String(file.title ?? file.name ?? "file"))),
    )
  );
}

function reactions(message) {
  const given = Object.entries(message.reactions ?? {});
  return (
    given.length > 0 &&
    h(
      "div",
      { class: "reactions" },
      given.map(([name, users]) =>
        h("span", { title: users.map(userName).join(", ") }, `${emoji(name)} ${users.length}`),
      ),
    )
  );
}

function threadLine(message) {
  const replies = message.replies ?? [];
  if (!replies.length) return null;
  const people = [...new Set(replies.map((reply) => reply.user))].slice(0, 4);
  const count = `${replies.length} ${replies.length === 1 ? "reply" : "replies"}`;
  const latest = inForm(replies.at(-1).ts, "{date_short_pretty} at {time}");
  return h(
    "button",
    { type: "button", class: "thread-line", on: { click: () => openThread(message.ts) } },
    people.map((id) => avatar(id, "tiny")),
    h("strong", null, count),
    h("span", null, `Last reply ${latest}`),
  );
}

function tools(message, where) {
  const remove = async () => {
    try {
      await api.remove(store.channel, message.ts);
    } catch (refusal) {
      tell(refusal);
    }
    refresh();
  };
  return h(
    "div",
    { class: "tools" },
    where === "channel" &&
      h(
        "button",
        {
          type: "button",
          class: "icon-button",
          "aria-label": "Reply in thread",
          title: "Reply in thread",
          on: { click: () => openThread(message.thread_ts ?? message.ts) },
        },
        icon("reply"),
      ),
    h(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-label": "Delete message",
        title: "Delete, as a person could",
        on: { click: remove },
      },
      icon("trash"),
    ),
  );
}

/** Bring a permalink's message into view, a reply in its thread; whether it is there at all. */
function reveal(ts) {
  if (ts === null) return true;
  const shown = messagesHere().find((message) => message.ts === ts || message.replies.some((reply) => reply.ts === ts));
  if (!shown) return false;
  sticks = false;
  list.querySelector(`[data-ts="${CSS.escape(shown.ts)}"]`)?.scrollIntoView({ block: "center" });
  if (shown.ts !== ts) setTimeout(() => openThread(shown.ts));
  return true;
}

const isAtEnd = () => stream.scrollHeight - stream.scrollTop - stream.clientHeight < NEAR;

function toEnd() {
  stream.scrollTop = stream.scrollHeight;
  newer.hidden = true;
}

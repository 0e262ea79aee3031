// Where a person writes: messages, slash commands, mentions; in the channel and in threads.

import * as api from "./api.js";
import { h, show } from "./dom.js";
import { hints } from "./hints.js";
import { icon } from "./icons.js";
import { here, me, refresh, store } from "./store.js";
import { tell, toast } from "./toasts.js";

const HIGHEST = 180;

/** Put a composer into `place`; answers what keeps its words up to date. `threadTs` tells the thread, or null. */
export function composer(place, threadTs) {
  const id = threadTs() === null ? "composer" : "thread-composer";
  const box = h("textarea", {
    id,
    rows: 1,
    "aria-label": "Message",
    autocomplete: "off",
    "aria-autocomplete": "list",
    "aria-controls": `${id}-hints`,
    on: { input: grown, keydown: key },
  });
  const offered = hints(box, `${id}-hints`, () => threadTs() !== null);
  const sendButton = h("button", { type: "submit", class: "send", "aria-label": "Send" }, icon("send"));
  const form = h("form", { class: "composer", on: { submit: sent } }, offered.list, box, sendButton);
  const note = h("p", { class: "composer-note" });
  show(place, form, note);

  function grown() {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, HIGHEST)}px`;
    offered.look();
  }

  function key(event) {
    if (offered.took(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    }
  }

  function sent(event) {
    event.preventDefault();
    send();
  }

  async function send() {
    const text = box.value.trim();
    if (!text) return;
    put("");
    try {
      const body = { user: store.user, channel: store.channel, text };
      const ts = threadTs();
      const answer = await api.say(ts === null ? body : { ...body, thread_ts: ts });
      const trouble = answer.kind === "command" && (answer.ack ? answer.ack.error : "operation_timeout");
      if (trouble) toast(`${text.split(/\s/, 1)[0]} failed with the error "${trouble}"`, "warning");
    } catch (refusal) {
      if (!box.value) put(text);
      tell(refusal);
    } finally {
      refresh();
    }
  }

  function put(text) {
    box.value = text;
    grown();
  }

  function update() {
    const channel = here();
    const person = me();
    const where = threadTs() === null ? `Message #${channel?.name ?? ""}` : "Reply";
    const words = `${where} as ${person?.name ?? ""}`;
    if (box.placeholder !== words) {
      box.placeholder = words;
      box.setAttribute("aria-label", words);
    }
    const isMember = channel?.members.includes(store.user);
    const reason =
      person?.kind === "deactivated"
        ? `${person.name} is deactivated: Slack will refuse`
        : channel && !isMember
          ? `${person?.name} is not in this channel`
          : "";
    if (note.textContent !== reason) note.textContent = reason;
  }

  return { update, put: (text) => (put(text), box.focus()) };
}

let main = null;

/** The channel's own composer, made once. */
export function renderComposer() {
  main ??= composer(document.getElementById("composer-place"), () => null);
  main.update();
}

export const suggest = (text) => main?.put(text);

// Short notes at the edge of the page: what was refused, and why.

import { h } from "./dom.js";

const SECONDS = 7;
const place = document.getElementById("toasts");

const HINTS = {
  command_in_thread: "Slack offers no slash commands in threads. Mention the bot instead: @tiphys status",
  user_not_in_channel: "Choose somebody who is in this channel.",
  user_deactivated: "Slack lets a deactivated person do nothing.",
};

/** Tell a refusal of the control API; anything else is a fault of the page and goes up. */
export function tell(refusal) {
  if (refusal.slug === undefined) throw refusal;
  toast(refusal.message, "refusal", HINTS[refusal.slug] ?? "", refusal.slug);
}

export function toast(words, kind = "note", hint = "", slug = "") {
  const note = h(
    "div",
    { class: `toast ${kind}` },
    h("p", null, words),
    hint && h("p", { class: "hint" }, hint),
    slug && h("code", null, slug),
  );
  place.append(note);
  // Shown again, it lies above whatever dialog was opened meanwhile.
  if (place.matches(":popover-open")) place.hidePopover();
  place.showPopover();
  setTimeout(() => {
    note.remove();
    if (!place.childElementCount) place.hidePopover();
  }, SECONDS * 1000);
}

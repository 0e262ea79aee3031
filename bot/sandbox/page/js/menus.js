// A menu that opens at a button: arrow keys move, Escape or a click elsewhere closes.

import { h } from "./dom.js";

/** `items`: {label, detail?, chosen()}. */
export function openMenu(anchor, items) {
  const menu = h(
    "div",
    { class: "menu", role: "menu", popover: "auto", on: { keydown: moveFocus, toggle: closed } },
    items.map((item) =>
      h(
        "button",
        { type: "button", role: "menuitem", on: { click: () => choose(item) } },
        item.label,
        item.detail && h("small", null, item.detail),
      ),
    ),
  );

  function choose(item) {
    menu.hidePopover();
    anchor.focus();
    item.chosen();
  }

  function closed(event) {
    if (event.newState === "closed") {
      anchor.removeAttribute("aria-expanded");
      menu.remove();
    }
  }

  // Inside a dialog, so that it is not inert there.
  (anchor.closest("dialog") ?? document.body).append(menu);
  menu.showPopover();
  anchor.setAttribute("aria-expanded", "true");
  const at = anchor.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const fitsBelow = at.bottom + 6 + height < window.innerHeight;
  menu.style.left = `${Math.max(8, Math.min(at.left, window.innerWidth - width - 8))}px`;
  menu.style.top = `${fitsBelow ? at.bottom + 6 : Math.max(8, at.top - 6 - height)}px`;
  menu.querySelector("button")?.focus();
}

function moveFocus(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const items = [...event.currentTarget.querySelectorAll("button")];
  const now = items.indexOf(document.activeElement);
  items[(now + step + items.length) % items.length].focus();
}

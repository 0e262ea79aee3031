// The confirm dialog that Slack puts before a press.

import { h, show } from "./dom.js";
import { plainText, textObject } from "./mrkdwn.js";

const dialog = document.getElementById("confirm");

/** Ask; whether the person said yes. Escape is a no. */
export function confirmed(asks) {
  const answer = (yes) => () => dialog.close(yes ? "yes" : "no");
  show(
    dialog,
    h("h2", { id: "confirm-title" }, textObject(asks.title)),
    h("div", { id: "confirm-text", class: "text" }, textObject(asks.text)),
    h(
      "footer",
      null,
      h("button", { type: "button", class: "button", on: { click: answer(false) } }, plainText(asks.deny) || "Cancel"),
      h(
        "button",
        {
          type: "button",
          class: `button solid ${asks.style ?? "primary"}`,
          autofocus: true,
          on: { click: answer(true) },
        },
        plainText(asks.confirm) || "Yes",
      ),
    ),
  );
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

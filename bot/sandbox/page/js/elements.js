// What can be pressed or chosen in blocks: buttons, overflow menus, selects, pickers.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { openMenu } from "./menus.js";
import { plainText, textObject } from "./mrkdwn.js";
import { press } from "./press.js";
import { store } from "./store.js";

/** An interactive element as it stands in a message or in a modal's body. */
export function element(one, blockId, place) {
  switch (one.type) {
    case "button":
    case "workflow_button":
      return button(one, blockId, place);
    case "overflow":
      return overflow(one, blockId, place);
    case "checkboxes":
    case "radio_buttons":
      return marks(one, blockId, place);
    case "datepicker":
    case "timepicker":
      return picker(one, blockId, place);
    default:
      return choosing(one, blockId, place);
  }
}

/** The options of a select, in their groups; people and channels where the element offers those. */
export function optionNodes(one, chosen) {
  const node = (option) =>
    h("option", { value: option.value, selected: chosen.includes(option.value) }, plainText(option.text));
  if (one.option_groups) {
    return one.option_groups.map((group) =>
      h("optgroup", { label: plainText(group.label) }, (group.options ?? []).map(node)),
    );
  }
  return offered(one).map(node);
}

export function offered(one) {
  const named = (things, sign) =>
    things.map((t) => ({ value: t.id, text: { type: "plain_text", text: sign + t.name } }));
  if (one.type.includes("users")) return named(store.world.users, "@");
  if (one.type.includes("conversations") || one.type.includes("channels")) return named(store.world.channels, "#");
  return one.options ?? (one.option_groups ?? []).flatMap((group) => group.options ?? []);
}

/** What stands chosen before anybody touches it. */
export function initial(one) {
  const options = one.initial_options ?? (one.initial_option ? [one.initial_option] : null);
  if (options) return options.map((option) => option.value);
  const other = Object.entries(one).find(([name]) => name.startsWith("initial_"))?.[1];
  return other === undefined ? [] : [other].flat().map(String);
}

function button(one, blockId, place) {
  const pressed = (event) => {
    if (one.url && /^https?:/i.test(one.url)) window.open(one.url, "_blank", "noopener");
    press(place, { element: one, blockId, action_id: one.action_id, node: event.currentTarget });
  };
  return h(
    "button",
    {
      key: one.action_id,
      type: "button",
      class: `button ${one.style ?? ""}`,
      "aria-label": one.accessibility_label,
      "data-action": one.action_id,
      on: { click: pressed },
    },
    textObject(one.text),
    one.url && icon("external"),
  );
}

function overflow(one, blockId, place) {
  const opened = (event) => {
    const anchor = event.currentTarget;
    openMenu(
      anchor,
      (one.options ?? []).map((option) => ({
        label: plainText(option.text),
        detail: plainText(option.description),
        chosen: () => {
          if (option.url && /^https?:/i.test(option.url)) window.open(option.url, "_blank", "noopener");
          press(place, { element: one, blockId, action_id: option.value, node: anchor });
        },
      })),
    );
  };
  return h(
    "button",
    {
      key: one.action_id,
      type: "button",
      class: "button overflow",
      "aria-haspopup": "menu",
      "aria-label": "More actions",
      "data-action": one.action_id,
      on: { click: opened },
    },
    icon("more"),
  );
}

function choosing(one, blockId, place) {
  const several = one.type.startsWith("multi_");
  const standing = initial(one);
  const changed = (event) => {
    const node = event.currentTarget;
    const selected = [...node.selectedOptions].map((option) => option.value).filter(Boolean);
    press(place, { element: one, blockId, action_id: one.action_id, selected: several ? selected : selected[0], node });
  };
  return h(
    "select",
    {
      key: one.action_id,
      class: "select",
      multiple: several,
      "data-action": one.action_id,
      "aria-label": plainText(one.placeholder) || "Choose",
      on: { change: changed },
    },
    !several &&
      h(
        "option",
        { value: "", disabled: true, selected: standing.length === 0 },
        plainText(one.placeholder) || "Choose…",
      ),
    optionNodes(one, standing),
  );
}

function marks(one, blockId, place) {
  const several = one.type === "checkboxes";
  const changed = (event) => {
    const group = event.currentTarget;
    const selected = [...group.querySelectorAll("input:checked")].map((input) => input.value);
    press(place, {
      element: one,
      blockId,
      action_id: one.action_id,
      selected: several ? selected : selected[0],
      node: group,
    });
  };
  return markGroup(one, `${blockId}-${one.action_id}`, { on: { change: changed }, "data-action": one.action_id });
}

/** Checkboxes or radio buttons, with their descriptions. */
export function markGroup(one, name, props = {}) {
  const standing = initial(one);
  const type = one.type === "radio_buttons" ? "radio" : "checkbox";
  return h(
    "div",
    { class: "marks", role: type === "radio" ? "radiogroup" : "group", ...props },
    offered(one).map((option) =>
      h(
        "label",
        { class: "mark" },
        h("input", { type, name, value: option.value, checked: standing.includes(option.value) }),
        h(
          "span",
          null,
          textObject(option.text),
          option.description && h("small", null, textObject(option.description)),
        ),
      ),
    ),
  );
}

function picker(one, blockId, place) {
  const changed = (event) => {
    const node = event.currentTarget;
    press(place, { element: one, blockId, action_id: one.action_id, selected: node.value, node });
  };
  return h("input", {
    key: one.action_id,
    class: "select",
    type: one.type === "datepicker" ? "date" : "time",
    value: initial(one)[0],
    "aria-label": plainText(one.placeholder) || "Pick",
    on: { change: changed },
  });
}

// The inputs of a modal: how they look, and what a person filled in.

import * as api from "./api.js";
import { h } from "./dom.js";
import { initial, markGroup, optionNodes } from "./elements.js";
import { plainText, textObject } from "./mrkdwn.js";
import { press } from "./press.js";
import { store } from "./store.js";
import { tell } from "./toasts.js";

const TYPES = {
  number_input: "number",
  email_text_input: "email",
  url_text_input: "url",
  datepicker: "date",
  timepicker: "time",
  datetimepicker: "datetime-local",
};

/** An input block, with what the bot found wrong in it. */
export function inputBlock(block, place, errors) {
  const id = `input-${block.block_id}`;
  const error = errors[block.block_id];
  const one = block.element ?? {};
  const isGroup = one.type === "checkboxes" || one.type === "radio_buttons";
  const described = [block.hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || null;
  const props = {
    id,
    "data-input": block.block_id,
    "aria-describedby": described,
    "aria-invalid": error ? "true" : null,
  };
  return h(
    "div",
    { class: error ? "input wrong" : "input", key: block.block_id },
    h(
      isGroup ? "div" : "label",
      { class: "label", for: isGroup ? null : id, id: `${id}-label` },
      textObject(block.label),
      block.optional && h("span", { class: "optional" }, " (optional)"),
    ),
    control(one, block, place, { ...props, ...(isGroup ? { "aria-labelledby": `${id}-label` } : {}) }),
    error && h("p", { class: "error", id: `${id}-error`, role: "alert" }, error),
    block.hint && h("p", { class: "hint", id: `${id}-hint` }, textObject(block.hint)),
  );
}

const PAUSE_MS = 250;
let pausing = 0;

/** Tells the bot what is typed or chosen, after a pause, where it asked for that. */
function telling(block, place) {
  if (!block.dispatch_action) return {};
  const tellNow = (node) => {
    if (!node.isConnected || (node.tagName === "SELECT" && !node.value)) return;
    const what = { element: block.element, blockId: block.block_id, action_id: block.element.action_id };
    press(place, { ...what, selected: node.value, values: filledIn(node.form) });
  };
  const input = (event) => {
    const node = event.currentTarget;
    clearTimeout(pausing);
    pausing = setTimeout(() => tellNow(node), PAUSE_MS);
  };
  return { on: { input } };
}

/** What stands in the inputs below `root`, by block id, as the control API takes it. Empty ones are left out. */
export function filledIn(root) {
  const values = {};
  for (const node of root.querySelectorAll("[data-input]")) {
    const value = valueOf(node);
    if (value !== "" && value !== null) values[node.dataset.input] = value;
  }
  return values;
}

function valueOf(node) {
  if (node.classList.contains("marks")) {
    const picked = [...node.querySelectorAll("input:checked")].map((input) => input.value);
    return node.getAttribute("role") === "radiogroup" ? (picked[0] ?? null) : picked;
  }
  if (node.multiple) return [...node.selectedOptions].map((option) => option.value);
  if (node.type === "datetime-local")
    return node.value ? String(Math.floor(new Date(node.value).getTime() / 1000)) : null;
  return node.value;
}

function control(one, block, place, props) {
  const required = !block.optional;
  const focus = { autofocus: one.focus_on_load === true };
  if (one.type === "checkboxes" || one.type === "radio_buttons") return markGroup(one, props.id, props);
  if (one.type?.endsWith("external_select")) return searched(one, place, props);
  if (one.type?.endsWith("_select")) {
    const several = one.type.startsWith("multi_");
    const chosen = initial(one);
    return h(
      "select",
      {
        ...props,
        ...focus,
        class: "select",
        multiple: several,
        "aria-required": required ? "true" : null,
        ...(several ? {} : telling(block, place)),
      },
      !several && h("option", { value: "", selected: chosen.length === 0 }, plainText(one.placeholder) || "Choose…"),
      optionNodes(one, chosen),
    );
  }
  if (one.type === "rich_text_input" || one.type === "file_input")
    return h("p", { class: "hint" }, "This page cannot fill in this kind of input.");
  const shared = {
    ...props,
    ...focus,
    class: "field-input",
    placeholder: plainText(one.placeholder) || null,
    maxlength: one.max_length,
    "aria-required": required ? "true" : null,
    ...telling(block, place),
  };
  const standing = initial(one)[0] ?? "";
  if (one.multiline) return h("textarea", { ...shared, rows: 4 }, standing);
  return h("input", {
    ...shared,
    type: TYPES[one.type] ?? "text",
    step: one.is_decimal_allowed ? "any" : null,
    min: one.min_value,
    max: one.max_value,
    value: local(one, standing),
  });
}

/** A menu whose options the bot offers while a person types. */
function searched(one, place, props) {
  const several = one.type.startsWith("multi_");
  const standing = one.initial_options ?? (one.initial_option ? [one.initial_option] : []);
  const list = h(
    "select",
    { ...props, class: "select", multiple: several, kept: true },
    !several && h("option", { value: "" }, plainText(one.placeholder) || "Choose…"),
    standing.map((option) => h("option", { value: option.value, selected: true }, plainText(option.text))),
  );
  const look = async (query) => {
    try {
      const found = await api.options({ user: store.user, view_id: place.view_id, action_id: one.action_id, query });
      const kept = [...list.options].filter((option) => option.selected);
      const fresh = found.options.filter((option) => !kept.some((k) => k.value === option.value));
      list.replaceChildren(...kept, ...fresh.map((option) => h("option", { value: option.value }, option.label)));
    } catch (refusal) {
      tell(refusal);
    }
  };
  const search = h("input", {
    class: "field-input",
    type: "search",
    placeholder: "Type to search",
    "aria-label": "Search the options",
    kept: true,
    on: { input: (event) => look(event.currentTarget.value), focus: (event) => look(event.currentTarget.value) },
  });
  return h("div", { class: "searched" }, search, list);
}

function local(one, standing) {
  if (one.type !== "datetimepicker" || !standing) return standing;
  const moment = new Date(Number(standing) * 1000);
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

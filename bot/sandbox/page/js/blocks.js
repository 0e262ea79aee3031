// Block Kit blocks as elements. `place` says where they stand, so that presses find their way.

import { flat, h } from "./dom.js";
import { element } from "./elements.js";
import { inputBlock } from "./inputs.js";
import { mrkdwn, textObject } from "./mrkdwn.js";
import { richText } from "./rich_text.js";

/** What a message shows: its blocks or else its text, then its attachments. */
export function content(message, place) {
  const blocks = message.blocks ?? [];
  const body = blocks.length ? blockList(blocks, place) : [h("div", { class: "text" }, mrkdwn(message.text ?? ""))];
  return [...body, (message.attachments ?? []).map((one) => attachment(one, place))];
}

/** `errors`: what the bot found wrong with a modal's inputs, by block id. */
export const blockList = (blocks, place, errors = {}) =>
  blocks.map((block) => {
    const shown =
      SHAPES[block.type]?.(block, place, errors) ?? h("div", { class: "unknown" }, `A block of type ${block.type}`);
    shown.classList.add("block");
    return shown;
  });

const SHAPES = {
  header: (block) => h("h3", { class: "block-header" }, textObject(block.text)),
  section,
  context: (block) => h("div", { class: "block-context" }, (block.elements ?? []).map(contextElement)),
  actions: (block, place) =>
    h(
      "div",
      { class: "block-actions" },
      (block.elements ?? []).map((one) => element(one, block.block_id, place)),
    ),
  divider: () => h("hr", null),
  rich_text: richText,
  image: (block) => h("figure", null, picture(block), block.title && h("figcaption", null, textObject(block.title))),
  table,
  input: inputBlock,
  markdown: (block) => h("div", { class: "text" }, String(block.text ?? "")),
  video: (block) => h("figure", null, picture(block), h("figcaption", null, textObject(block.title))),
};

function section(block, place) {
  const fields = (block.fields ?? []).map((field) => h("div", { class: "field" }, textObject(field)));
  const accessory = block.accessory;
  return h(
    "div",
    { class: "block-section" },
    h(
      "div",
      { class: "section-text" },
      block.text && h("div", { class: "text" }, textObject(block.text)),
      fields.length > 0 && h("div", { class: "fields" }, fields),
    ),
    accessory &&
      h(
        "div",
        { class: "accessory" },
        accessory.type === "image" ? picture(accessory) : element(accessory, block.block_id, place),
      ),
  );
}

function contextElement(one) {
  return one.type === "image" ? picture(one) : h("span", null, textObject(one));
}

/** Pictures from elsewhere are never loaded: their alternative text stands for them. */
function picture(one) {
  const words = String(one.alt_text ?? "");
  return h("span", { class: "picture", role: "img", "aria-label": words, title: one.image_url }, words);
}

function table(block) {
  const settings = block.column_settings ?? [];
  const cell = (one, n, tag) =>
    h(
      tag,
      { class: `align-${settings[n]?.align ?? "left"}` },
      one?.type === "rich_text" ? richText(one) : String(one?.text ?? ""),
    );
  const [head = [], ...rows] = block.rows ?? [];
  return h(
    "div",
    { class: "block-table", tabindex: "0", role: "region", "aria-label": "Table" },
    h(
      "table",
      null,
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          head.map((one, n) => cell(one, n, "th")),
        ),
      ),
      h(
        "tbody",
        null,
        rows.map((row) =>
          h(
            "tr",
            null,
            row.map((one, n) => cell(one, n, "td")),
          ),
        ),
      ),
    ),
  );
}

function attachment(one, place) {
  const old = [one.pretext, one.title, one.text]
    .filter(Boolean)
    .map((text) => h("div", { class: "text" }, mrkdwn(text)));
  const inner = one.blocks?.length ? blockList(one.blocks, place) : old;
  return h("div", { class: "attachment" }, flat([inner]).length ? inner : mrkdwn(one.fallback ?? ""));
}

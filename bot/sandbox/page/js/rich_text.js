// Rich text blocks: sections, lists, preformatted text and quotes.

import { full, inForm } from "./dates.js";
import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { channelMention, link, mention } from "./mrkdwn.js";
import { groupName, userName } from "./names.js";

const STYLES = { bold: "strong", italic: "em", strike: "s", underline: "u", highlight: "mark", code: "code" };

export const richText = (block) => h("div", { class: "rich-text" }, (block.elements ?? []).map(part));

function part(element) {
  const inner = element.elements ?? [];
  switch (element.type) {
    case "rich_text_list":
      return list(element, inner);
    case "rich_text_preformatted":
      return h("pre", null, inner.map(piece));
    case "rich_text_quote":
      return h("blockquote", null, inner.map(piece));
    default:
      return h("div", { class: "rich-section" }, inner.map(piece));
  }
}

function list(element, items) {
  const tag = element.style === "ordered" ? "ol" : "ul";
  const start = tag === "ol" && element.offset ? element.offset + 1 : null;
  return h(
    tag,
    { class: `indent-${Math.min(element.indent ?? 0, 8)}`, start },
    items.map((item) => h("li", null, (item.elements ?? []).map(piece))),
  );
}

function piece(element) {
  let shown = bare(element);
  for (const [style, tag] of Object.entries(STYLES)) {
    if (element.style?.[style]) shown = h(tag, null, shown);
  }
  return shown;
}

function bare(element) {
  switch (element.type) {
    case "text":
      return String(element.text ?? "");
    case "link":
      return link(String(element.url ?? ""), String(element.text || element.url || ""));
    case "user":
      return mention(element.user_id, userName(element.user_id));
    case "usergroup":
      return mention(element.usergroup_id, groupName(element.usergroup_id));
    case "channel":
      return channelMention(element.channel_id);
    case "broadcast":
      return h("span", { class: "mention me" }, `@${element.range}`);
    case "emoji":
      return emoji(String(element.name ?? ""), element.unicode);
    case "date":
      return h(
        "time",
        { title: full(element.timestamp) },
        inForm(element.timestamp, element.format) ?? element.fallback ?? "",
      );
    case "color":
      return h("code", null, String(element.value ?? ""));
    default:
      return "";
  }
}

// Slack's markup as elements. The text is never trusted: everything goes in as text nodes, links only to http(s) and mail.

import { inForm } from "./dates.js";
import { h } from "./dom.js";
import { emojified } from "./emoji.js";
import { channelName, groupName, meansMe, userName } from "./names.js";

const CODE = /```([\s\S]*?)```|`([^`\n]+)`/g;
const TOKEN = /<([@#!][^<>]+|[a-z][a-z0-9+.-]*:[^<>\s|]+(?:\|[^<>]*)?)>/gi;
// A marker formats only where it hugs a word: 2*3*4 and snake_case_name stay as typed.
const EMPHASIS = /(?<![\p{L}\p{N}_*~])([*_~])(?=\S)([^\n]*?\S)\1(?![\p{L}\p{N}_*~])/u;
const BARE_LINK = /\bhttps?:\/\/[^\s<>"|\uE000\uE001]+[^\s<>"|\uE000\uE001.,;:!?)\]}']/g;
const TAGS = { "*": "strong", _: "em", "~": "s" };
// Stand in for tokens while markers are looked for.
const OPEN = "\uE000";
const CLOSE = "\uE001";
const HIDDEN = /\uE000(\d+)\uE001/;

/** The nodes that a text object (`plain_text` or `mrkdwn`) is shown as. */
export function textObject(value) {
  if (!value) return [];
  const text = String(value.text ?? "");
  return value.type === "mrkdwn" ? mrkdwn(text, value.verbatim === true) : [emojified(decoded(text))];
}

/** What a text object says, without any element: for labels and titles. */
export const plainText = (value) =>
  textObject(value)
    .map((n) => (typeof n === "string" ? n : n.textContent))
    .join("");

/** The nodes of a text in Slack's markup. `verbatim`: bare addresses stay text. */
export function mrkdwn(text, verbatim = false) {
  const nodes = [];
  let done = 0;
  for (const code of text.matchAll(CODE)) {
    const isBlock = code[1] !== undefined;
    nodes.push(
      ...lines(isBlock ? text.slice(done, code.index).replace(/\n$/, "") : text.slice(done, code.index), verbatim),
    );
    if (!isBlock) nodes.push(h("code", null, resolved(code[2])));
    else nodes.push(h("pre", null, resolved(code[1].replace(/^\n|\n$/g, ""))));
    done = code.index + code[0].length;
    if (isBlock && text[done] === "\n") done += 1;
  }
  nodes.push(...lines(text.slice(done), verbatim));
  return nodes;
}

/** A link if the address is one that may be followed, else its words alone. */
export function link(url, label) {
  if (!/^(https?|mailto):/i.test(url)) return h("span", null, label);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, label);
}

export const mention = (id, name) => h("span", { class: meansMe(id) ? "mention me" : "mention" }, `@${name}`);
export const channelMention = (id) => h("span", { class: "mention" }, `#${channelName(id)}`);

export function decoded(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** Quoted lines become quotes, the others stay lines. */
function lines(text, verbatim) {
  const nodes = [];
  const parts = text.split(/^((?:(?:&gt;|>) ?[^\n]*(?:\n|$))+)/m);
  parts.forEach((part, n) => {
    if (n % 2 === 0) nodes.push(...formatted(part, verbatim));
    else nodes.push(h("blockquote", null, formatted(part.replace(/^(?:&gt;|>) ?/gm, "").replace(/\n$/, ""), verbatim)));
  });
  return nodes;
}

/** Text outside code. Markers are read before tokens are put in: what a token brings is never markup. */
function formatted(text, verbatim) {
  const hidden = [];
  const hide = (node) => `${OPEN}${hidden.push(node) - 1}${CLOSE}`;
  let bare = text
    .replaceAll(OPEN, "")
    .replaceAll(CLOSE, "")
    .replace(TOKEN, (_, inner) => hide(token(inner)));
  if (!verbatim) bare = bare.replace(BARE_LINK, (url) => hide(link(decoded(url), decoded(url))));
  return emphasised(bare, hidden);
}

function emphasised(text, hidden) {
  const found = EMPHASIS.exec(text);
  if (!found) return leaves(text, hidden);
  const rest = text.slice(found.index + found[0].length);
  return [
    ...leaves(text.slice(0, found.index), hidden),
    h(TAGS[found[1]], null, emphasised(found[2], hidden)),
    ...emphasised(rest, hidden),
  ];
}

function leaves(text, hidden) {
  return text
    .split(HIDDEN)
    .map((part, n) => (n % 2 === 1 ? hidden[Number(part)] : emojified(decoded(part))))
    .filter((part) => part !== "");
}

/** Text inside code: links and mentions resolve, nothing else does. */
function resolved(text) {
  const nodes = [];
  let done = 0;
  for (const found of text.matchAll(TOKEN)) {
    nodes.push(decoded(text.slice(done, found.index)), token(found[1]));
    done = found.index + found[0].length;
  }
  nodes.push(decoded(text.slice(done)));
  return nodes;
}

function token(inner) {
  const bar = inner.indexOf("|");
  const target = bar < 0 ? inner : inner.slice(0, bar);
  const label = bar < 0 ? "" : inner.slice(bar + 1);
  if (target.startsWith("!date^")) return dateToken(target.split("^"), label);
  if (target.startsWith("!subteam^")) return mention(target.slice(9), groupName(target.slice(9)));
  if (target.startsWith("!")) return h("span", { class: "mention me" }, `@${target.slice(1)}`);
  if (target.startsWith("@")) return mention(target.slice(1), userName(target.slice(1)));
  if (target.startsWith("#")) return channelMention(target.slice(1));
  return link(decoded(target), emojified(decoded(label)) || decoded(target).replace(/^mailto:/, ""));
}

function dateToken([, seconds, form, url], fallback) {
  const words = inForm(seconds, form) ?? decoded(fallback);
  const time = h("time", { title: inForm(seconds, "{date_long} at {time_secs}") }, words);
  return url ? link(decoded(url), time) : time;
}

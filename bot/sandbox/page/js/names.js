// Names for ids, and the little pictures beside them.

import { h } from "./dom.js";
import { store } from "./store.js";

export const BOT = "U0TIPHYS";
const HUES = { U0DEV1: 212, U0DEV2: 265, U0APPR1: 158, U0APPR2: 24, U0APPR3: 330, U0ADMIN: 45 };

export function userName(id) {
  if (id === BOT) return "tiphys";
  return store.world.users.find((user) => user.id === id)?.name ?? id;
}

export const channelName = (id) => store.world.channels.find((channel) => channel.id === id)?.name ?? id;
export const groupName = (id) => store.world.usergroups.find((group) => group.id === id)?.name ?? id;

/** Whether a mention of this user or user group means the person who looks. */
export function meansMe(id) {
  return id === store.user || Boolean(store.world.usergroups.find((g) => g.id === id)?.users.includes(store.user));
}

export function avatar(id, size = "") {
  if (id === BOT) return h("img", { class: `avatar helm ${size}`, src: "/page/helm.svg", alt: "" });
  const name = userName(id);
  const initials = name.slice(0, 1).toUpperCase() + (/-(\d+)$/.exec(name)?.[1] ?? "");
  return h("span", { class: `avatar ${size}`, hue: HUES[id] ?? hueOf(id), "aria-hidden": "true" }, initials);
}

export const short = (sha) => (sha ?? "").slice(0, 7);

function hueOf(id) {
  let sum = 7;
  for (const letter of id) sum = (sum * 31 + letter.codePointAt(0)) % 360;
  return sum;
}

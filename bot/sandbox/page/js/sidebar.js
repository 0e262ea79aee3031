// Left: the channels with their unread marks, and the people to act as.

import { h, show } from "./dom.js";
import { drawers } from "./drawers.js";
import { icon } from "./icons.js";
import { avatar } from "./names.js";
import { actAs, here, openChannel, store, unread, visibleChannels } from "./store.js";

const KINDS = { guest: "guest", external: "external", deactivated: "deactivated", bot: "bot" };

export function renderSidebar() {
  show(
    document.getElementById("channels"),
    h("h2", { id: "channels-title" }, "Channels"),
    h("ul", { "aria-labelledby": "channels-title" }, visibleChannels().map(channelItem)),
  );
  show(
    document.getElementById("people"),
    h("h2", { id: "people-title" }, "Act as"),
    h(
      "div",
      { role: "radiogroup", "aria-labelledby": "people-title", on: { keydown: arrows } },
      store.world.users.map(personItem),
    ),
  );
  renderHead();
}

function renderHead() {
  const channel = here();
  show(
    document.getElementById("channel-head"),
    h(
      "button",
      {
        type: "button",
        class: "icon-button narrow-only",
        "aria-label": "Channels and people",
        on: { click: drawers.openSidebar },
      },
      icon("menu"),
    ),
    h("h1", null, icon(channel?.private ? "lock" : "hash"), channel?.name ?? ""),
    h("span", { class: "muted members" }, channel ? `${channel.members.length} members` : ""),
    h("span", { class: store.live ? "live" : "live down", role: "status" }, store.live ? "live" : "no connection"),
    h(
      "button",
      {
        type: "button",
        class: "icon-button narrow-only",
        "aria-label": "Environments and pull requests",
        on: { click: drawers.openWorld },
      },
      icon("panel"),
    ),
  );
  document.title = channel ? `#${channel.name} · Tiphys sandbox` : "Tiphys sandbox";
}

function channelItem(channel) {
  const isHere = channel.id === store.channel;
  const count = isHere ? 0 : unread(channel.id);
  const opened = () => {
    openChannel(channel.id);
    drawers.closeAll();
  };
  return h(
    "li",
    { key: channel.id },
    h(
      "button",
      {
        type: "button",
        class: `side-item ${count ? "unread" : ""}`,
        "aria-current": isHere ? "page" : null,
        on: { click: opened },
      },
      icon(channel.private ? "lock" : "hash"),
      h("span", { class: "side-name" }, channel.name),
      count > 0 && h("span", { class: "count", "aria-label": `${count} unread` }, count),
    ),
  );
}

function personItem(user) {
  const isMe = user.id === store.user;
  const group = store.world.usergroups.find((one) => one.users.includes(user.id))?.name;
  const kind = KINDS[user.kind];
  const chosen = () => {
    actAs(user.id);
    drawers.closeAll();
  };
  return h(
    "button",
    {
      key: user.id,
      type: "button",
      role: "radio",
      class: `side-item person ${user.kind}`,
      tabindex: isMe ? "0" : "-1",
      "aria-checked": isMe ? "true" : "false",
      on: { click: chosen },
    },
    avatar(user.id, "small"),
    h("span", { class: "side-name" }, user.name),
    (kind || group) && h("span", { class: kind ? "kind" : "kind group" }, kind ?? group),
  );
}

function arrows(event) {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const people = store.world.users;
  const now = people.findIndex((user) => user.id === store.user);
  actAs(people[(now + step + people.length) % people.length].id);
  document.querySelector("#people [aria-checked=true]")?.focus();
}

// What Slack offers while a person types: installed slash commands after "/", people and groups after "@".

import { h, show } from "./dom.js";
import { avatar, BOT } from "./names.js";
import { loadCommands, store } from "./store.js";

const MOST = 8;

/** A list above `box`: `look` brings it up to date, `took` says whether it used a key. */
export function hints(box, id, isThread) {
  const list = h("ul", { id, class: "hints", role: "listbox", "aria-label": "Suggestions", hidden: true });
  let items = [];
  let chosen = 0;

  function look() {
    items = box.selectionStart === box.value.length ? found(box.value, isThread()) : [];
    chosen = 0;
    draw();
  }

  function took(event) {
    if (!items.length) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) chosen = (chosen + step + items.length) % items.length;
    else if (event.key === "Escape") items = [];
    else if (event.key === "Tab" || (event.key === "Enter" && !items[chosen].isWhole))
      return take(event, items[chosen]);
    else return false;
    event.preventDefault();
    draw();
    return true;
  }

  function take(event, item) {
    event.preventDefault();
    box.value = item.text;
    items = [];
    box.focus();
    box.dispatchEvent(new Event("input", { bubbles: true }));
    return true;
  }

  function draw() {
    list.hidden = items.length === 0;
    box.setAttribute("aria-activedescendant", items.length ? `${id}-${chosen}` : "");
    show(
      list,
      items.map((item, n) =>
        h(
          "li",
          {
            id: `${id}-${n}`,
            role: "option",
            "aria-selected": n === chosen ? "true" : "false",
            on: { mousedown: (event) => take(event, item) },
          },
          item.picture?.(),
          h("strong", null, item.label),
          item.usage && h("code", null, item.usage),
          item.detail && h("span", null, item.detail),
        ),
      ),
    );
    list.children[chosen]?.scrollIntoView({ block: "nearest" });
  }

  box.addEventListener("blur", () => {
    items = [];
    draw();
  });
  return { list, look, took };
}

function found(text, isThread) {
  const command = /^\/(\S*)$/.exec(text);
  if (command && !isThread) return commands(command[1]);
  const mention = /(^|\s)@([\w.-]*)$/.exec(text);
  return mention ? people(text, mention[2]) : [];
}

function commands(start) {
  if (!store.commands.length) loadCommands();
  return store.commands
    .filter((one) => one.name.slice(1).startsWith(start))
    .map((one) => ({
      label: one.name,
      usage: one.usage_hint,
      detail: one.description,
      text: `${one.name} `,
      isWhole: one.name.slice(1) === start && !one.usage_hint,
    }));
}

function people(text, start) {
  const before = text.slice(0, text.length - start.length);
  const groups = store.world.usergroups.map((group) => ({ name: group.name, detail: "user group" }));
  const users = store.world.users
    .filter((user) => user.kind !== "deactivated")
    .map((user) => ({ id: user.id, name: user.name, detail: user.kind === "member" ? "" : user.kind }));
  return [{ id: BOT, name: "tiphys", detail: "app" }, ...users, ...groups]
    .filter((one) => one.name.startsWith(start.toLowerCase()))
    .slice(0, MOST)
    .map((one) => ({
      label: `@${one.name}`,
      detail: one.detail,
      text: `${before}${one.name} `,
      isWhole: false,
      picture: one.id ? () => avatar(one.id, "tiny") : null,
    }));
}

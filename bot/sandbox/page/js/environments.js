// Right, above: what each environment runs, as Argo CD says, and its images side by side.

import { h, show } from "./dom.js";
import { short } from "./names.js";
import { store } from "./store.js";

const ORDER = ["development", "staging", "production"];
const SHORT = { development: "dev", staging: "staging", production: "prod" };
const SIGNS = {
  Synced: ["good", "✓"],
  OutOfSync: ["warn", "↻"],
  Healthy: ["good", "✓"],
  Progressing: ["busy", "◔"],
  Degraded: ["bad", "✕"],
  Suspended: ["warn", "‖"],
  Missing: ["warn", "?"],
  Succeeded: ["good", "✓"],
  Running: ["busy", "◔"],
  Terminating: ["busy", "◔"],
  Failed: ["bad", "✕"],
  Error: ["bad", "✕"],
};

export function renderEnvironments() {
  const groups = new Map();
  for (const application of store.world.applications) {
    groups.set(application.application, [...(groups.get(application.application) ?? []), application]);
  }
  show(
    document.getElementById("environments"),
    [...groups].map(([name, members]) => group(name, members.sort(byStage))),
  );
}

/** A word of Argo CD's with its sign, so that colour does not carry the meaning alone. */
export function sign(word) {
  const [tone, mark] = SIGNS[word] ?? ["plain", "·"];
  return h("span", { class: `sign ${tone}` }, h("span", { "aria-hidden": "true" }, mark), word);
}

const byStage = (a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name);
const rank = (one) => (ORDER.indexOf(one.environment) + ORDER.length + 1) % (ORDER.length + 1);

function group(name, members) {
  return h(
    "div",
    { key: name, class: "application" },
    h("h3", null, name),
    h("ul", { class: "environments" }, members.map(row)),
    images(members),
  );
}

function row(one) {
  const isAhead = one.compared_revision !== one.deployed_revision;
  return h(
    "li",
    { key: one.name, class: "environment", "aria-label": `${one.application} ${one.environment}` },
    h(
      "div",
      { class: "environment-head" },
      h("strong", null, one.environment),
      h("span", { class: "spacer" }),
      sign(one.sync),
      sign(one.health),
    ),
    h(
      "p",
      { class: "revision" },
      h(
        "span",
        null,
        "runs ",
        h("code", { title: one.deployed_revision }, short(one.deployed_revision) || "nothing"),
        isAhead && [
          ` · ${one.target_revision} is at `,
          h("code", { title: one.compared_revision }, short(one.compared_revision)),
        ],
      ),
      one.autosync && h("span", { class: "badge", title: "Argo CD syncs by itself" }, "auto-sync"),
    ),
    operation(one.operations.at(-1)),
  );
}

function operation(last) {
  if (!last) return null;
  const isRunning = last.phase === "Running" || last.phase === "Terminating";
  return h(
    "p",
    { class: `operation ${isRunning ? "running" : ""}`, title: last.message },
    sign(last.phase),
    " ",
    isRunning ? "syncing " : "sync ",
    h("code", null, short(last.revision)),
    last.by ? ` by ${last.by}` : "",
    isRunning && last.message && h("span", { class: "operation-message" }, last.message),
  );
}

function images(members) {
  const tags = members.map((one) => new Map(one.images.map(named)));
  const names = [...new Set(tags.flatMap((map) => [...map.keys()]))].sort();
  if (!names.length) return null;
  const cell = (name, n) => {
    const tag = tags[n].get(name) ?? "–";
    const isBehind = n > 0 && tags[n - 1].has(name) && tag !== tags[n - 1].get(name);
    return h(
      "td",
      {
        class: isBehind ? "behind" : null,
        title: isBehind ? `${members[n - 1].environment} runs ${tags[n - 1].get(name)}` : null,
      },
      tag,
    );
  };
  return h(
    "table",
    { class: "images" },
    h("caption", { class: "unseen" }, "Images by environment"),
    h(
      "thead",
      null,
      h(
        "tr",
        null,
        h("th", { scope: "col" }, "image"),
        members.map((one) => h("th", { scope: "col" }, SHORT[one.environment] ?? one.environment)),
      ),
    ),
    h(
      "tbody",
      null,
      names.map((name) =>
        h(
          "tr",
          { key: name },
          h("th", { scope: "row", title: name }, name),
          members.map((_, n) => cell(name, n)),
        ),
      ),
    ),
  );
}

function named(image) {
  const [, name, tag] = /^(?:.*\/)?([^/:@]+)(?:[:@](.+))?$/.exec(image) ?? [null, image, ""];
  return [name, (tag ?? "").replace(/^sha256:/, "").slice(0, 14) || "latest"];
}

// Right, below: the forge's pull requests, newest first.

import { h, show } from "./dom.js";
import { icon } from "./icons.js";
import { link } from "./mrkdwn.js";
import { short } from "./names.js";
import { store } from "./store.js";

const MARKS = { success: ["good", "✓"], pending: ["busy", "◔"], failure: ["bad", "✕"], error: ["bad", "✕"] };

export function renderPulls() {
  const pulls = store.world.pulls.toSorted((a, b) => b.number - a.number);
  show(
    document.getElementById("pulls"),
    h("h3", null, "Pull requests"),
    pulls.length
      ? h("ul", { class: "pulls" }, pulls.map(pullItem))
      : h("p", { class: "muted" }, "None yet. A promotion opens one."),
  );
}

function pullItem(pull) {
  const state = pull.merged ? "merged" : pull.state;
  const repository = store.world.repositories.find((one) => one.name === pull.repository);
  const page = repository ? `${repository.clone_url.replace(/\.git$/, "")}/pull/${pull.number}` : "";
  return h(
    "li",
    { key: `${pull.repository} ${pull.number}`, class: "pull", "aria-label": `Pull request ${pull.number}, ${state}` },
    h(
      "div",
      { class: "pull-head" },
      h("span", { class: `pill ${state}` }, icon("merge"), state),
      h("strong", null, link(page, `#${pull.number}`)),
      h("span", { class: "muted" }, pull.repository),
    ),
    h("p", { class: "pull-title" }, pull.title),
    h(
      "p",
      { class: "pull-refs" },
      h("code", null, pull.base.ref),
      " ← ",
      h("code", { title: pull.head.ref }, pull.head.ref),
    ),
    pull.state === "open" && h("p", { class: "muted" }, `mergeable: ${pull.mergeable_state}`),
    Object.entries(pull.statuses).map(([context, status]) => statusLine(context, status)),
    pull.merged &&
      h(
        "p",
        { class: "muted" },
        `merged by ${pull.merged_by} as `,
        h("code", { title: pull.merge_commit_sha }, short(pull.merge_commit_sha)),
      ),
    pull.state === "closed" &&
      !pull.merged &&
      pull.closed_by &&
      h("p", { class: "muted" }, `closed by ${pull.closed_by}`),
  );
}

function statusLine(context, status) {
  const [tone, mark] = MARKS[status.state] ?? ["plain", "·"];
  return h(
    "p",
    { class: "status", key: context },
    h("span", { class: `sign ${tone}` }, h("span", { "aria-hidden": "true" }, mark), status.state),
    " ",
    h("code", null, context),
    status.description ? ` ${status.description}` : "",
  );
}

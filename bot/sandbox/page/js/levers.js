// Right, last: things that happen to a promotion in real life, one press each, done as the chosen person.

import * as api from "./api.js";
import { h, show } from "./dom.js";
import { me, refresh, store } from "./store.js";
import { tell, toast } from "./toasts.js";

const MINUTES = 2;
const FIRST = "apm-stack";

export function renderLevers() {
  const open = store.world.pulls.find((pull) => pull.state === "open");
  const production = productionOf(open?.repository);
  const where = `In ${production?.application ?? "nothing"}`;
  show(
    document.getElementById("levers"),
    h(
      "details",
      null,
      h("summary", null, "Stir the world"),
      h("p", { class: "muted" }, `${where}, as ${me()?.name ?? "nobody"}: see what Tiphys makes of it.`),
      h(
        "div",
        { class: "lever-list" },
        lever("Push to the promotion branch", open && (() => push(open.repository, open.head.ref, note("slipped")))),
        lever(
          "Move main, elsewhere",
          production && (() => push(production.repository, production.target_revision, note("elsewhere"))),
        ),
        lever(
          "Move main, in production's overlay",
          production &&
            (() =>
              push(production.repository, production.target_revision, {
                [`${production.path}/noticed.yaml`.replace(/^\.\//, "")]: `# ${stamp()}\n`,
              })),
        ),
        lever(
          "Drift in production",
          production &&
            (() =>
              act(production, { do: "drift", resource: deploymentOf(production), patch: { spec: { replicas: 1 } } })),
        ),
        lever(
          `Close the sync window, ${MINUTES} min`,
          production && (() => act(production, { do: "window", kind: "deny", minutes: MINUTES })),
        ),
        lever("Open the sync window", production && (() => act(production, { do: "window", clear: true }))),
        lever(
          production?.autosync ? "Auto-sync off in production" : "Auto-sync on in production",
          production && (() => act(production, { do: "autosync", enabled: !production.autosync })),
        ),
      ),
    ),
  );
}

/** Production of the application that the open pull request is about, else of the first one that was there. */
function productionOf(repository) {
  const found = store.world.applications.filter((one) => one.environment === "production");
  const first = found.find((one) => one.application === FIRST) ?? found[0];
  return found.find((one) => one.repository === repository) ?? first;
}

/** The Deployment that is named like the first image: `example/apm-api:2.14.0` runs in `Deployment/apm-api`. */
const deploymentOf = (one) => `Deployment/${one.images[0]?.split("/").pop().split(":")[0]}`;

function lever(label, pulled) {
  const done = async () => {
    try {
      await pulled();
      toast(`Done: ${label}`, "note");
    } catch (refusal) {
      tell(refusal);
    }
    refresh();
  };
  return h("button", { type: "button", class: "button", disabled: !pulled, on: { click: done } }, label);
}

const stamp = () => new Date().toISOString();
const note = (name) => ({ [`docs/${name}.md`]: `Written ${stamp()}\n` });
const person = () => me()?.name ?? "";

const push = (repository, branch, files) =>
  api.commit({ repository, branch, as: person(), message: "Try what happens", files });

const act = (application, what) => api.argocd({ as: person(), application: application.name, ...what });

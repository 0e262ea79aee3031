// Right, last: things that happen to a promotion in real life, one press each, done as the chosen person.

import * as api from "./api.js";
import { h, show } from "./dom.js";
import { me, refresh, store } from "./store.js";
import { tell, toast } from "./toasts.js";

const MINUTES = 2;

export function renderLevers() {
  const open = store.world.pulls.find((pull) => pull.state === "open");
  const production = store.world.applications.find((one) => one.environment === "production");
  show(
    document.getElementById("levers"),
    h(
      "details",
      null,
      h("summary", null, "Stir the world"),
      h("p", { class: "muted" }, `As ${me()?.name ?? "nobody"}: see what Tiphys makes of it.`),
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
                [`${production.path}/noticed.yaml`]: `# ${stamp()}\n`,
              })),
        ),
        lever(
          "Drift in production",
          production &&
            (() => act(production, { do: "drift", resource: "Deployment/apm-api", patch: { spec: { replicas: 1 } } })),
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

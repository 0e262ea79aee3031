// Right, between environments and pull requests: what fires, and buttons that let an alert fire and end.

import * as api from "./api.js";
import { h, show } from "./dom.js";
import { refresh, store } from "./store.js";
import { tell } from "./toasts.js";

const MARKS = { firing: ["bad", "●"], silenced: ["plain", "‖"], inhibited: ["plain", "‖"] };
const chosen = { place: null };

export function renderAlerts() {
  const alerts = store.world.alerts ?? [];
  const places = store.world.applications.map((one) => `${one.application} ${one.environment}`);
  if (!places.includes(chosen.place)) {
    chosen.place = places.find((place) => place === "apm-stack production") ?? places[0] ?? null;
  }
  show(
    document.getElementById("alerts"),
    h("h3", null, "Alerts"),
    alerts.length
      ? h("ul", { class: "alerts" }, alerts.map(alertItem))
      : h("p", { class: "muted" }, "Nothing fires."),
    chosen.place && fire(places),
  );
}

function alertItem(alert) {
  const { alertname, tiphys_application, tiphys_environment, severity, ...others } = alert.labels;
  const [tone, mark] = MARKS[alert.state] ?? ["plain", "·"];
  const name = alertname ?? "An alert";
  return h(
    "li",
    { key: alert.fingerprint, class: "alert", "aria-label": `${name}, ${alert.state}` },
    h(
      "div",
      { class: "alert-head" },
      h("strong", null, name),
      severity && h("span", { class: "badge" }, severity),
      h("span", { class: "spacer" }),
      h("span", { class: `sign ${tone}` }, h("span", { "aria-hidden": "true" }, mark), alert.state),
    ),
    h(
      "div",
      { class: "alert-head" },
      h(
        "span",
        { class: "muted alert-labels", title: labels(alert.labels) },
        [tiphys_application, tiphys_environment].filter(Boolean).join(" · ") || labels(others),
      ),
      h("span", { class: "spacer" }),
      h(
        "button",
        {
          type: "button",
          class: "button",
          "aria-label": `Resolve ${name} ${labels(others)}`,
          on: { click: () => act({ do: "resolve", labels: alert.labels }) },
        },
        "Resolve",
      ),
    ),
  );
}

function fire(places) {
  return h(
    "div",
    { class: "alert-fire" },
    h(
      "select",
      {
        class: "select",
        "aria-label": "Where the alert fires",
        on: { change: (event) => (chosen.place = event.target.value) },
      },
      places.map((place) => h("option", { value: place, selected: place === chosen.place }, place)),
    ),
    h(
      "button",
      { type: "button", class: "button", on: { click: () => act(example(chosen.place)) } },
      "Fire an alert",
    ),
  );
}

function example(place) {
  const [application, environment] = place.split(" ");
  return {
    do: "fire",
    labels: {
      alertname: "HighErrorRate",
      severity: "critical",
      namespace: application.startsWith("apm-stack") ? `apm-${environment}` : place.replace(" ", "-"),
      tiphys_application: application,
      tiphys_environment: environment,
      service: "apm-api",
    },
    annotations: {
      summary: `apm-api answers with errors in ${environment}`,
      description: "More than 5 % of the requests failed over the last five minutes.",
      runbook_url: "https://runbooks.example.com/HighErrorRate",
    },
  };
}

async function act(what) {
  try {
    await api.alerts(what);
  } catch (refusal) {
    tell(refusal);
  }
  refresh();
}

const labels = (all) =>
  Object.entries(all)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");

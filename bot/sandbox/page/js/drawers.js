// On narrow screens the sides are drawers over the channel; elsewhere these do nothing to be seen.

import { icon } from "./icons.js";

const app = document.getElementById("app");
const shade = document.getElementById("shade");
let opener = null;

function open(name) {
  opener = document.activeElement;
  app.classList.toggle("sidebar-open", name === "sidebar");
  app.classList.toggle("world-open", name === "world");
  shade.hidden = false;
  document.querySelector(name === "sidebar" ? "#sidebar [tabindex='0']" : "#close-world")?.focus();
}

function closeAll() {
  if (shade.hidden) return;
  app.classList.remove("sidebar-open", "world-open");
  shade.hidden = true;
  opener?.focus();
}

export const drawers = { openSidebar: () => open("sidebar"), openWorld: () => open("world"), closeAll };

document.getElementById("close-world").append(icon("close"));
document.getElementById("close-world").addEventListener("click", closeAll);
shade.addEventListener("click", closeAll);
document.addEventListener("keydown", (event) => event.key === "Escape" && closeAll());

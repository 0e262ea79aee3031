// Puts the parts together: what is shown follows the store, the store follows the world.

import { renderAlerts } from "./alerts.js";
import { follow } from "./api.js";
import { renderComposer } from "./composer.js";
import { renderEnvironments } from "./environments.js";
import { renderLevers } from "./levers.js";
import { renderMessages } from "./messages.js";
import { renderModal } from "./modal.js";
import { renderPulls } from "./pulls.js";
import { renderSidebar } from "./sidebar.js";
import { changed, goLive, loadCommands, openChannel, refresh, subscribe } from "./store.js";
import { renderThread } from "./thread.js";

const CLOCK_EVERY = 30_000;

for (const renderer of [
  renderSidebar,
  renderMessages,
  renderComposer,
  renderThread,
  renderEnvironments,
  renderAlerts,
  renderPulls,
  renderLevers,
  renderModal,
]) {
  subscribe(renderer);
}

/** A permalink: `#/<channel>/<ts>`. */
function followAddress() {
  const found = /^#\/([A-Z0-9]+)(?:\/([\d.]+))?$/.exec(location.hash);
  if (found) openChannel(found[1], found[2] ?? null);
}

window.addEventListener("hashchange", followAddress);
setInterval(changed, CLOCK_EVERY);

changed();
followAddress();
refresh();
follow(refresh, goLive);
loadCommands().catch(() => {});

// A press of the chosen person: asked first where Slack asks, delivered, refusals told.

import * as api from "./api.js";
import { confirmed } from "./confirm.js";
import { refresh, store } from "./store.js";
import { tell, toast } from "./toasts.js";

const TIMED_OUT = "Tiphys did not answer in time. Slack shows a warning sign at the button.";

/** `place`: {channel, ts}, {ephemeral_id} or {view_id}; `what`: the element, what was chosen in it, what stands in a modal, and its node. */
export async function press(place, what) {
  const { element, blockId, action_id, selected, values, node } = what;
  const asks = element.confirm;
  if (asks && !(await confirmed(asks))) return;
  node?.setAttribute("aria-busy", "true");
  try {
    const body = { user: store.user, ...place, action_id, block_id: blockId, selected, values };
    const answer = await api.click(asks ? { ...body, confirm: true } : body);
    if (!answer.ack || answer.ack.ms === null) toast(TIMED_OUT, "warning");
  } catch (refusal) {
    tell(refusal);
  } finally {
    node?.removeAttribute("aria-busy");
    refresh();
  }
}

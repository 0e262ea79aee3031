// What the page knows: the world as last seen, and who looks at what. Renderers subscribe; nothing else is shared.

import * as api from "./api.js";

const START = (Date.now() / 1000).toFixed(6);
const GAP = 200;
const ELSEWHERE_GAP = 1500;

export const store = {
  world: { users: [], usergroups: [], channels: [], applications: [], alerts: [], pulls: [], repositories: [] },
  messages: {},
  ephemerals: [],
  views: [],
  commands: [],
  user: sessionStorage.getItem("tiphys.user") ?? "U0DEV1",
  channel: "C0DEPLOY",
  thread: null,
  marked: null,
  live: false,
  loaded: false,
};

const renderers = [];
const read = new Map();
let running = false;
let wanted = false;
let looked = 0;

export function subscribe(renderer) {
  renderers.push(renderer);
}

export function changed() {
  for (const renderer of renderers) renderer(store);
}

/** Look at the world again, soon; asked many times it is one look. */
export async function refresh() {
  wanted = true;
  if (running) return;
  running = true;
  while (wanted) {
    wanted = false;
    try {
      await look();
    } catch {
      store.live = false;
      changed();
    }
    await new Promise((resolve) => setTimeout(resolve, GAP));
  }
  running = false;
}

export function goLive(isLive) {
  if (store.live === isLive) return;
  store.live = isLive;
  changed();
}

export function actAs(user) {
  store.user = user;
  sessionStorage.setItem("tiphys.user", user);
  store.ephemerals = [];
  store.views = [];
  if (!visibleChannels().some((channel) => channel.id === store.channel)) openChannel(visibleChannels()[0]?.id);
  changed();
  refresh();
}

export function openChannel(channel, marked = null) {
  if (!channel) return;
  if (channel !== store.channel) store.thread = null;
  store.channel = channel;
  store.marked = marked;
  history.replaceState(null, "", `#/${channel}`);
  changed();
  refresh();
}

export function openThread(ts) {
  store.thread = ts;
  changed();
}

export async function loadCommands() {
  store.commands = (await api.slack()).commands ?? [];
}

/** The channels that the chosen person sees: Slack hides private ones from everybody else. */
export function visibleChannels() {
  return store.world.channels.filter((channel) => !channel.private || channel.members.includes(store.user));
}

export const me = () => store.world.users.find((user) => user.id === store.user);
export const here = () => store.world.channels.find((channel) => channel.id === store.channel);
export const messagesHere = () => store.messages[store.channel] ?? [];

export function unread(channel) {
  const seen = read.get(`${store.user} ${channel}`) ?? START;
  return (store.messages[channel] ?? []).filter((m) => m.ts > seen && m.user !== store.user).length;
}

export function markRead(channel) {
  const last = (store.messages[channel] ?? []).at(-1);
  if (last) read.set(`${store.user} ${channel}`, last.ts);
}

async function look() {
  const { user, channel } = store;
  const [world, here_, whispered, views] = await Promise.all([
    api.state(),
    api.messages(channel),
    api.ephemerals(user),
    api.views(user),
  ]);
  store.world = world;
  store.messages[channel] = here_.messages;
  if (store.user === user) {
    store.ephemerals = whispered.ephemerals;
    store.views = views.views.filter((view) => view.open);
  }
  store.live = store.loaded = true;
  changed();
  if (Date.now() - looked > ELSEWHERE_GAP) {
    looked = Date.now();
    await lookElsewhere(channel);
  } else {
    setTimeout(() => Date.now() - looked > ELSEWHERE_GAP && refresh(), ELSEWHERE_GAP + GAP);
  }
}

async function lookElsewhere(here_) {
  const others = visibleChannels().filter((channel) => channel.id !== here_);
  const found = await Promise.all(others.map((channel) => api.messages(channel.id)));
  others.forEach((channel, n) => (store.messages[channel.id] = found[n].messages));
  changed();
}

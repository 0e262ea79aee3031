// Times in the reader's own zone and language, in the words of Slack's date tokens.

const DAY = 86_400_000;
const part = (options) => (moment) => moment.toLocaleDateString([], options);
const twoDigits = (n) => String(n).padStart(2, "0");

const short = part({ day: "numeric", month: "short", year: "numeric" });
const usual = part({ day: "numeric", month: "long", year: "numeric" });
const long = part({ weekday: "long", day: "numeric", month: "long", year: "numeric" });

const FORMS = {
  date_num: (m) => `${m.getFullYear()}-${twoDigits(m.getMonth() + 1)}-${twoDigits(m.getDate())}`,
  date_slash: (m) => `${twoDigits(m.getMonth() + 1)}/${twoDigits(m.getDate())}/${m.getFullYear()}`,
  date_short: short,
  date_short_pretty: (m) => pretty(m) ?? short(m),
  date: usual,
  date_pretty: (m) => pretty(m) ?? usual(m),
  date_long: long,
  date_long_pretty: (m) => pretty(m) ?? long(m),
  day_divider_pretty: (m) => pretty(m) ?? long(m),
  time: (m) => m.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }),
  time_secs: (m) => m.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" }),
  ago,
};

/** A moment (Unix seconds) in one of Slack's forms, such as `{date_short_pretty} at {time}`; null if it is none. */
export function inForm(seconds, form) {
  const moment = new Date(Number(seconds) * 1000);
  if (!form || Number.isNaN(moment.getTime())) return null;
  return form.replace(/\{(\w+)\}/g, (whole, name) => FORMS[name]?.(moment) ?? whole);
}

export const clock = (ts) => inForm(ts, "{time}");
export const full = (ts) => inForm(ts, "{date_long} at {time_secs}");
export const dayOf = (ts) => new Date(Number(ts) * 1000).toDateString();

export function dayTitle(ts) {
  const title = inForm(ts, "{day_divider_pretty}");
  return title.charAt(0).toUpperCase() + title.slice(1);
}

function pretty(moment) {
  const midnight = (day) => new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
  const days = Math.round((midnight(moment) - midnight(new Date())) / DAY);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days] ?? null;
}

function ago(moment) {
  const seconds = (Date.now() - moment.getTime()) / 1000;
  const amount = Math.abs(seconds);
  const [size, unit] = [
    [86_400, "day"],
    [3_600, "hour"],
    [60, "minute"],
  ].find(([s]) => amount >= s) ?? [0, ""];
  if (!size) return seconds >= 0 ? "just now" : "in a moment";
  const count = Math.floor(amount / size);
  const words = `${count} ${unit}${count === 1 ? "" : "s"}`;
  return seconds >= 0 ? `${words} ago` : `in ${words}`;
}

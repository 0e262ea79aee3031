// The emoji names that a bot of this kind uses; others stay as they are written.

const EMOJI = {
  white_check_mark: "✅",
  heavy_check_mark: "✔️",
  x: "❌",
  warning: "⚠️",
  no_entry: "⛔",
  hourglass_flowing_sand: "⏳",
  hourglass: "⌛",
  rocket: "🚀",
  fire: "🔥",
  rotating_light: "🚨",
  tada: "🎉",
  eyes: "👀",
  lock: "🔒",
  unlock: "🔓",
  package: "📦",
  bell: "🔔",
  no_bell: "🔕",
  arrows_counterclockwise: "🔄",
  arrow_right: "➡️",
  arrow_up: "⬆️",
  arrow_down: "⬇️",
  information_source: "ℹ️",
  question: "❓",
  exclamation: "❗",
  red_circle: "🔴",
  large_green_circle: "🟢",
  large_yellow_circle: "🟡",
  large_blue_circle: "🔵",
  white_circle: "⚪",
  snowflake: "❄️",
  mag: "🔍",
  memo: "📝",
  link: "🔗",
  "+1": "👍",
  "-1": "👎",
  thumbsup: "👍",
  thumbsdown: "👎",
  wave: "👋",
  point_right: "👉",
  construction: "🚧",
  anchor: "⚓",
  heart: "❤️",
  smile: "😄",
  thinking_face: "🤔",
  bulb: "💡",
  gear: "⚙️",
  clock3: "🕒",
  calendar: "📆",
  leftwards_arrow_with_hook: "↩️",
};

export const emojified = (text) => text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => EMOJI[name] ?? whole);

/** A rich text's emoji: by its code points when they are told. */
export function emoji(name, unicode) {
  try {
    if (unicode) return String.fromCodePoint(...unicode.split("-").map((point) => Number.parseInt(point, 16)));
  } catch {
    // Not code points: the name will do.
  }
  return EMOJI[name] ?? `:${name}:`;
}

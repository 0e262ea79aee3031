// The page's icons, drawn as paths on a 20 × 20 grid.

const PATHS = {
  close: "M5 5l10 10M15 5L5 15",
  menu: "M3.5 6h13M3.5 10h13M3.5 14h13",
  panel: "M3.5 4.5h13v11h-13zM12.5 4.5v11",
  send: "M4 4.5l12.5 5.5L4 15.5l1.8-5.5zM5.8 10H11",
  hash: "M8 3.5L6.5 16.5M13.5 3.5L12 16.5M4 7.5h12.5M3.5 12.5H16",
  lock: "M6 9V6.8a4 4 0 018 0V9M5 9h10v7H5z",
  eye: "M2.5 10S5.5 5 10 5s7.5 5 7.5 5-3 5-7.5 5-7.5-5-7.5-5zM10 7.8a2.2 2.2 0 100 4.4 2.2 2.2 0 000-4.4z",
  reply: "M4 4.5h12v8.5H9.5L6 16v-3H4z",
  trash: "M4.5 6h11M8 6V4h4v2M6 6l.7 10h6.6L14 6M8.6 8.8v4.6M11.4 8.8v4.6",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  back: "M12.5 4.5L7 10l5.5 5.5",
  external: "M8 4.5H4.5v11h11V12M11 4.5h4.5V9M15 5l-6 6",
  merge:
    "M6 6v8M6 6a1.8 1.8 0 100-3.6A1.8 1.8 0 006 6zm0 8a1.8 1.8 0 100 3.6A1.8 1.8 0 006 14zm8-1.5a1.8 1.8 0 100 3.6 1.8 1.8 0 000-3.6zM6 6c0 5 8 3 8 6.5",
};

const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
  const drawn = document.createElementNS(SVG, "svg");
  drawn.setAttribute("viewBox", "0 0 20 20");
  drawn.setAttribute("class", `icon icon-${name}`);
  drawn.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  drawn.append(path);
  return drawn;
}

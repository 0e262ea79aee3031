// Building elements, and bringing what is shown up to date by changing only what differs.

/**
 * An element. `props`: attributes; `on` (event handlers), `key` (identity among siblings), `hue` (a colour of its own).
 * Children that are strings become text, never markup; null, false and undefined are left out.
 */
export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") listen(node, value);
    else if (name === "key") node.itsKey = value;
    else if (name === "hue") node.style.setProperty("--hue", value);
    else if (name === "kept") node.isKept = true;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...flat(children));
  return node;
}

export function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** Make the children of `parent` those given; elements that stay the same stay in place, with focus and scroll. */
export function show(parent, ...children) {
  const wanted = document.createElement("div");
  wanted.append(...flat(children));
  morphChildren(parent, wanted);
}

/**
 * A list that is built anew only where it changed: `stamp` says what an item's look depends on.
 * The nodes that `build` returns are morphed into the ones that stand there.
 */
export function showList(parent, items, { key, stamp, build }) {
  const standing = new Map([...parent.children].map((node) => [node.itsKey, node]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const itsKey = key(item);
    const itsStamp = stamp(item);
    let node = standing.get(itsKey);
    standing.delete(itsKey);
    if (!node || node.itsStamp !== itsStamp) {
      const old = node;
      const fresh = build(item);
      fresh.itsKey = itsKey;
      node = old ? morph(old, fresh) : fresh;
      node.itsStamp = itsStamp;
      if (old === place && old) place = node;
    }
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
  }
  for (const gone of standing.values()) gone.remove();
}

function listen(node, handlers) {
  for (const type of Object.keys(handlers)) {
    if (!node.itsHandlers?.[type]) node.addEventListener(type, dispatch);
  }
  node.itsHandlers = { ...node.itsHandlers, ...handlers };
}

function dispatch(event) {
  event.currentTarget.itsHandlers?.[event.type]?.(event);
}

function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.itsKey !== fresh.itsKey) {
    old.replaceWith(fresh);
    return fresh;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return old;
  }
  if (old.isKept) return old;
  morphAttributes(old, fresh);
  old.itsHandlers = undefined;
  if (fresh.itsHandlers) {
    for (const type of Object.keys(fresh.itsHandlers)) old.removeEventListener(type, dispatch);
    listen(old, fresh.itsHandlers);
  }
  morphChildren(old, fresh);
  return old;
}

function morphAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    // What a person opened stays open; styles are set as properties, which the page's policy demands.
    if (name === "style" || (name === "open" && old.nodeName === "DETAILS")) continue;
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of [...fresh.attributes]) {
    if (name === "style") {
      if (old.style.cssText !== fresh.style.cssText) old.style.cssText = fresh.style.cssText;
    } else if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function morphChildren(old, fresh) {
  const keyed = new Map([...old.children].filter((n) => n.itsKey !== undefined).map((n) => [n.itsKey, n]));
  let place = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const standing = child.itsKey === undefined ? undefined : keyed.get(child.itsKey);
    if (standing) {
      keyed.delete(child.itsKey);
      if (standing !== place) old.insertBefore(standing, place);
      place = morph(standing, child).nextSibling;
    } else if (child.itsKey === undefined && place && place.itsKey === undefined) {
      place = morph(place, child).nextSibling;
    } else {
      old.insertBefore(child, place);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

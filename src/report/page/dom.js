// @ts-check
// Makes elements. Everything that the page shows goes through here, and comes out as text.
//
// The text of a session is foreign. It never becomes markup: elements are made one by one, and text is only ever a
// text node. Attributes that could run, fetch or style something are refused.
'use strict';

/** @typedef {string | number | Node | null | undefined | false} Child */
/** @typedef {Record<string, string | number | boolean | null | undefined>} Attributes */

const REFUSED = /^(on|style$|src|action|formaction|xlink|ping$|background$)/i;

/** Characters that are invisible, reorder text or mean nothing on a page. Line ends and tabs are shown as they are. */
const UNSEEN =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800\u{1D159}\p{Cs}]/u;
const UNSEEN_ALL = new RegExp(`(?![\\n\\t])${UNSEEN.source}`, 'gu');

/** Joiners and selectors that belong to an emoji or to a word of a script that needs them. */
const JOINED_BEFORE = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f\p{Script=Arabic}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Sinhala}\p{Script=Malayalam}\p{Script=Kannada}\p{M}]$/u;

/**
 * Makes an element.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Attributes} [attributes] `href` only for places in this page
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  setAttributes(element, attributes);
  add(element, ...children);
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

/**
 * Makes an element of a drawing.
 * @param {string} name
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {SVGElement}
 */
function draw(name, attributes = {}, ...children) {
  const element = /** @type {SVGElement} */ (document.createElementNS(SVG, name));
  setAttributes(element, attributes);
  add(element, ...children);
  return element;
}

/** @param {Element} element @param {Attributes} attributes */
function setAttributes(element, attributes) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    const text = value === true ? '' : String(value);
    if (REFUSED.test(key) || (key === 'href' && !text.startsWith('#'))) throw new Error(`attribute ${key} is refused`);
    element.setAttribute(key, text);
  }
}

/**
 * Adds nodes and texts at the end.
 * @param {Node} parent
 * @param {...Child} children
 */
function add(parent, ...children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (child instanceof Node) parent.appendChild(child);
    else parent.appendChild(shown(String(child)));
  }
}

/**
 * Returns foreign text as a node. What cannot be seen, or would reorder the rest, stands there as an escape.
 * @param {string} text
 * @returns {Node}
 */
function shown(text) {
  UNSEEN_ALL.lastIndex = 0;
  let match = UNSEEN_ALL.exec(text);
  if (!match) return document.createTextNode(text);
  const nodes = document.createDocumentFragment();
  let from = 0;
  for (; match; match = UNSEEN_ALL.exec(text)) {
    if (belongsToWord(text, match.index, match[0])) continue;
    if (match.index > from) nodes.append(text.slice(from, match.index));
    const escape = document.createElement('span');
    escape.className = 'unseen';
    escape.textContent = escapeOf(match[0]);
    nodes.append(escape);
    from = match.index + match[0].length;
  }
  nodes.append(text.slice(from));
  return nodes;
}

/** @param {string} text @param {number} at @param {string} character */
function belongsToWord(text, at, character) {
  if (!/[\u200c\u200d\ufe0e\ufe0f]/u.test(character)) return false;
  return JOINED_BEFORE.test(text.slice(Math.max(0, at - 4), at));
}

/** @param {string} character */
function escapeOf(character) {
  const code = character.codePointAt(0) ?? 0;
  if (code === 13) return '\\r';
  return code < 128 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

/**
 * Returns the text with escapes in place of what cannot be seen, for places that take no nodes.
 * @param {string} text
 */
function shownText(text) {
  return text.replace(UNSEEN_ALL, (character, at) => (belongsToWord(text, at, character) ? character : escapeOf(character)));
}

/**
 * A link out of the page, or the bare text where the address is not one of the web. The address is always to be seen.
 * @param {string} address
 * @param {Child[]} children empty: the address itself is the text
 * @returns {Node}
 */
function outsideLink(address, children) {
  const url = webAddress(address);
  if (!url) return make('span', { class: 'no-link' }, ...(children.length ? [...children, ` (${address})`] : [address]));
  const link = make('a', { class: 'out', rel: 'noreferrer noopener nofollow', target: '_blank', title: shownText(url.href) });
  link.href = url.href;
  add(link, ...(children.length ? children : [address]));
  const says = link.textContent ?? '';
  if (says.includes(url.host)) return link;
  return make('span', {}, link, make('span', { class: 'host' }, ` (${url.host})`));
}

/** @param {string} address @returns {URL | null} */
function webAddress(address) {
  if (!/^https?:\/\//i.test(address) || address.length > 4096) return null;
  try {
    const url = new URL(address);
    return (url.protocol === 'https:' || url.protocol === 'http:') && !url.username && !url.password ? url : null;
  } catch {
    return null;
  }
}

/**
 * A button.
 * @param {string} text
 * @param {(event: Event) => void} press
 * @param {Attributes} [attributes]
 */
function button(text, press, attributes = {}) {
  const element = make('button', { type: 'button', ...attributes }, text);
  element.addEventListener('click', press);
  return element;
}

/**
 * A choice of one out of several.
 * @param {string} label
 * @param {[string, string][]} options value and text
 * @param {string} value
 * @param {(value: string) => void} choose
 */
function choice(label, options, value, choose) {
  const select = make('select', {}, ...options.map(([key, text]) => make('option', { value: key }, text)));
  select.value = value;
  select.addEventListener('change', () => choose(select.value));
  return make('label', { class: 'choice' }, make('span', {}, label), select);
}

/** @param {string} label @param {boolean} value @param {(value: boolean) => void} choose */
function checkbox(label, value, choose) {
  const box = make('input', { type: 'checkbox' });
  box.checked = value;
  box.addEventListener('change', () => choose(box.checked));
  return make('label', { class: 'check' }, box, make('span', {}, label));
}

/** Made once: that takes longer than to use it a thousand times. */
const WRITTEN = new Intl.NumberFormat('en-US');

/** @param {number} value */
function number(value) {
  return WRITTEN.format(value);
}

/** @param {number} value @param {string} one @param {string} [many] */
function count(value, one, many = `${one}s`) {
  return `${number(value)} ${value === 1 ? one : many}`;
}

/** @param {number} bytes */
function size(bytes) {
  if (bytes < 1000) return count(bytes, 'byte');
  const units = ['kB', 'MB', 'GB'];
  let value = bytes / 1000;
  let unit = 0;
  for (; value >= 1000 && unit < 2; unit += 1) value /= 1000;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** @param {number} seconds */
function duration(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.round((seconds % 86400) / 3600)} h`;
}

/** Whether times are shown as the reader's clock shows them. */
let localTime = false;

/** @param {number} seconds since 1970, 0 if unknown @param {boolean} [withDay] @returns {Node | null} */
function moment(seconds, withDay = false) {
  if (!seconds) return null;
  const element = make('time', { datetime: new Date(seconds * 1000).toISOString().slice(0, 19) + 'Z' });
  if (withDay) element.dataset.day = '1';
  writeMoment(element);
  return element;
}

/** @param {Date} date @returns {[string, string]} the day and the time of day, as 2026-09-21 and 14:05 */
function dayAndClock(date) {
  const shifted = localTime ? new Date(date.getTime() - date.getTimezoneOffset() * 60_000) : date;
  const text = shifted.toISOString();
  return [text.slice(0, 10), text.slice(11, 16)];
}

/** @param {HTMLTimeElement} element */
function writeMoment(element) {
  const date = new Date(element.dateTime);
  const [day, clock] = dayAndClock(date);
  element.textContent = element.dataset.day ? `${day} ${clock}${localTime ? '' : ' UTC'}` : clock;
  element.title = localTime ? date.toISOString() : date.toString();
}

/** @param {boolean} local */
function setLocalTime(local) {
  localTime = local;
  for (const element of document.querySelectorAll('time')) if (!Number.isNaN(Date.parse(element.dateTime))) writeMoment(element);
}

/** Reads a setting that the browser may keep from us. @param {string} key */
function remembered(key) {
  try {
    return localStorage.getItem(`snap-report-${key}`);
  } catch {
    return null;
  }
}

/** @param {string} key @param {string} value */
function remember(key, value) {
  try {
    localStorage.setItem(`snap-report-${key}`, value);
  } catch {
    // A browser that keeps nothing loses the choice at the next visit, and that is all.
  }
}

// @ts-check
// Fills what is near the screen, and empties it again when it is far away: a page of any length stays light.
'use strict';

/** How far from the screen something is filled, in pixels. */
const NEAR = 1200;

/** The height at which browsers begin to lose precision. A longer list is cut in pages. */
const TALLEST = 8_000_000;

/** Whether the browser keeps the view still when something above it grows. */
const ANCHORS = CSS.supports('overflow-anchor', 'auto');

/** @typedef {{fill: () => Promise<Node> | Node, height: number, isFull: boolean, done: Promise<void> | null, isNear: boolean, isOnScreen: boolean, stays: boolean, held: boolean}} Slot */

/** @type {WeakMap<Element, Slot>} */
const slots = new WeakMap();

/** What came near, and waits to be filled. @type {Set<Element>} */
const queue = new Set();
let isWorking = false;

/** Set while everything is to be in the page: small sessions, and printing. */
let keepAll = false;

const watcher = new IntersectionObserver(
  entries => {
    for (const { target, isIntersecting, boundingClientRect } of entries) {
      const slot = slots.get(target);
      if (!slot) continue;
      slot.isNear = isIntersecting;
      slot.isOnScreen = boundingClientRect.bottom > 0 && boundingClientRect.top < window.innerHeight;
      if (!isIntersecting) emptySlot(target, boundingClientRect.height);
      else if (!slot.isFull) queue.add(target);
    }
    void work();
  },
  { rootMargin: `${NEAR}px 0px` },
);

/** Fills what waits, one after the other, with a breath between them: the page answers in the meantime. */
async function work() {
  if (isWorking) return;
  isWorking = true;
  for (;;) {
    // What was on the screen when it came near comes first. Where it is now would take a layout for each.
    const next = [...queue].find(element => slots.get(element)?.isOnScreen) ?? queue.values().next().value;
    if (!next) break;
    queue.delete(next);
    const slot = slots.get(next);
    if (!slot || !next.isConnected || !(slot.isNear || keepAll)) continue;
    await fillSlot(next);
    // The reader may have gone on in the meantime.
    if (!slot.isNear) emptySlot(next, next.getBoundingClientRect().height);
    await breath();
  }
  isWorking = false;
}

/** Lets the browser draw, and hear the reader. @returns {Promise<void>} */
function breath() {
  const scheduler = /** @type {any} */ (window).scheduler;
  return scheduler?.yield ? scheduler.yield() : new Promise(go => setTimeout(go));
}

/**
 * Makes an element that is filled when it comes near the screen.
 * @template {HTMLElement} E
 * @param {E} element
 * @param {number} height what it will probably take, in pixels
 * @param {() => Promise<Node> | Node} fill
 * @returns {E}
 */
function lazily(element, height, fill) {
  slots.set(element, { fill, height, isFull: false, done: null, isNear: false, isOnScreen: false, stays: false, held: false });
  element.style.height = `${Math.ceil(height)}px`;
  watcher.observe(element);
  if (keepAll) {
    queue.add(element);
    setTimeout(work);
  }
  return element;
}

/** Fills an element now. @param {Element} element @returns {Promise<void>} */
function fillSlot(element) {
  const slot = slots.get(element);
  if (!slot) return Promise.resolve();
  slot.done ??= (async () => {
    let content;
    try {
      content = await slot.fill();
    } catch (error) {
      content = make('p', { class: 'problem' }, error instanceof Error ? error.message : String(error));
    }
    // Browsers that anchor the view keep it still by themselves. To ask where something is costs a layout.
    const above = ANCHORS ? null : element.getBoundingClientRect();
    element.replaceChildren(content);
    /** @type {HTMLElement} */ (element).style.height = '';
    slot.isFull = true;
    if (above && above.bottom < 0) window.scrollBy(0, element.getBoundingClientRect().height - above.height);
  })();
  return slot.done;
}

/** @param {Element} element @param {number} height what it takes now */
function emptySlot(element, height) {
  const slot = slots.get(element);
  if (!slot || !slot.isFull || slot.stays || slot.held || keepAll) return;
  // What the reader is in, or has selected, stays.
  if (element.contains(document.activeElement) && document.activeElement !== document.body) return;
  const selection = document.getSelection();
  if (selection && !selection.isCollapsed && selection.containsNode(element, true)) return;
  slot.height = height || slot.height;
  /** @type {HTMLElement} */ (element).style.height = `${slot.height}px`;
  element.replaceChildren();
  slot.isFull = false;
  slot.done = null;
}

/** Fills every element below one, and keeps it so. @param {Element} root @param {(done: number, of: number) => void} [tell] */
async function fillAll(root, tell) {
  for (;;) {
    const open = [...root.querySelectorAll('.slot')].filter(element => !slots.get(element)?.isFull);
    if (!open.length) return;
    let done = 0;
    for (const element of open) {
      const slot = slots.get(element);
      if (slot) slot.stays = true;
      await fillSlot(element);
      done += 1;
      if (done % 20 === 0) {
        tell?.(done, open.length);
        await new Promise(go => setTimeout(go));
      }
    }
  }
}

/** Keeps filled what an element is in: the reader has changed something there. @param {Element} element */
function keepSlots(element) {
  for (let at = element.closest('.slot'); at; at = at.parentElement?.closest('.slot') ?? null) {
    const slot = slots.get(at);
    if (slot) slot.stays = true;
  }
}

/** Lets elements be emptied again. @param {Element} root */
function releaseAll(root) {
  for (const element of root.querySelectorAll('.slot')) {
    const slot = slots.get(element);
    if (slot) slot.stays = false;
  }
}

/**
 * A long list in blocks, each filled as it comes near. A very long one has pages.
 * @typedef {{from: number, to: number, height: number, fill: () => Promise<Node> | Node}} Block `from` to before `to`
 */
class Feed {
  /**
   * @param {HTMLElement} host @param {Block[]} blocks @param {string} things what the numbers of the blocks count
   * @param {Attributes} list of the element that holds the blocks
   */
  constructor(host, blocks, things, list) {
    this.list = list;
    this.host = host;
    this.blocks = blocks;
    this.things = things;
    /** The first block of each page. */
    this.pages = [0];
    let tall = 0;
    blocks.forEach((block, place) => {
      tall += block.height;
      if (tall > TALLEST && place > 0) {
        this.pages.push(place);
        tall = block.height;
      }
    });
    this.page = -1;
    /** @type {HTMLElement[]} */
    this.elements = [];
  }

  /** @param {number} page */
  show(page) {
    if (page === this.page) return;
    this.page = page;
    const first = this.pages[page];
    const end = this.pages[page + 1] ?? this.blocks.length;
    for (const element of this.elements) if (element) watcher.unobserve(element);
    this.elements = [];
    const nodes = document.createDocumentFragment();
    const list = make('div', this.list);
    if (page > 0) nodes.append(this.pager(page - 1, 'Earlier'));
    nodes.append(list);
    for (let place = first; place < end; place += 1) {
      const block = this.blocks[place];
      const element = lazily(make('div', { class: 'slot' }), block.height, block.fill);
      this.elements[place] = element;
      list.append(element);
    }
    if (end < this.blocks.length) nodes.append(this.pager(page + 1, 'Later'));
    this.host.replaceChildren(nodes);
  }

  /** @param {number} page @param {string} word */
  pager(page, word) {
    const first = this.blocks[this.pages[page]].from + 1;
    const last = this.blocks[(this.pages[page + 1] ?? this.blocks.length) - 1].to;
    return make('div', { class: 'pager' }, button(`${word} ${this.things}, ${number(first)} to ${number(last)}`, () => {
      this.show(page);
      window.scrollTo(0, 0);
    }));
  }

  /**
   * Brings a number into the page, and shows it at the top of the screen.
   * @param {number} what
   * @param {string} id of its element
   * @returns {Promise<HTMLElement | null>} its element
   */
  async reach(what, id) {
    let low = 0;
    let high = this.blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.blocks[middle].from <= what) low = middle;
      else high = middle - 1;
    }
    if (!this.blocks[low]) return null;
    this.show(this.pages.findLastIndex(first => first <= low));
    const block = this.elements[low];
    const slot = slots.get(block);
    // The watcher may still speak of the place where the reader was.
    if (slot) slot.held = true;
    await fillSlot(block);
    const element = document.getElementById(id);
    if (element) await scrollToElement(element);
    if (slot) slot.held = false;
    return element;
  }
}

/**
 * Shows an element at the top of the screen, and keeps it there while its surroundings are filled.
 * @param {Element} element
 */
async function scrollToElement(element) {
  element.scrollIntoView({ block: 'start' });
  for (let frame = 0; frame < 3; frame += 1) {
    await new Promise(go => requestAnimationFrame(go));
    const off = element.getBoundingClientRect().top - parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop || '0');
    if (Math.abs(off) > 2 && element.isConnected) element.scrollIntoView({ block: 'start' });
  }
}

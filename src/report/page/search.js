// @ts-check
// Searches the whole session: every text in every chunk, in workers, so that the page stays quick.
//
// A chunk is unpacked, looked through and thrown away. No index is kept, and memory stays where it was.
'use strict';

/** How many chunks a worker gets at a time. */
const GROUP = 2;

/** How many hits come with the words around them. The others are counted. */
const SNIPPETS = 2000;

/** How long workers wait for the next search, in milliseconds. */
const IDLE = 4000;

/** A place in a group: whose text it is (an item, or -1 - edit), and where it lies. @typedef {[number, number, number, number, number]} Piece */
/** @typedef {{owner: number, hits: number, before: string, match: string, after: string}} Found */

// These functions also run in the workers. They use nothing but each other.

/**
 * Looks for a text in a group of chunks.
 * @param {(string | Uint8Array<ArrayBuffer>)[]} packed in base64, or as bytes
 * @param {Piece[]} pieces owner, chunk of the group, first byte, bytes, bytes of a call's input
 * @param {string} wanted in lower case
 * @param {boolean} snippets whether to return the words around the first hit
 * @returns {Promise<Found[]>}
 */
async function searchGroup(packed, pieces, wanted, snippets) {
  /** @type {Uint8Array[]} */
  const chunks = [];
  /** @type {Map<number, boolean>} */
  const hopeless = new Map();
  const decoder = new TextDecoder();
  const isPlain = /^[\x20-\x7e]+$/.test(wanted);
  for (const text of packed) chunks.push(await gunzip(typeof text === 'string' ? fromBase64(text) : text));
  const results = [];
  for (const [owner, chunk, at, length, input] of pieces) {
    let bytes = chunks[chunk].subarray(at, at + length);
    if (bytes.length === length) {
      let none = hopeless.get(chunk);
      if (none === undefined) {
        none = isPlain && owner >= 0 ? !holds(chunks[chunk], wanted) : !plain(decoder.decode(chunks[chunk]), owner).includes(wanted);
        hopeless.set(chunk, none);
      }
      if (none) continue;
    } else {
      bytes = joined(chunks, chunk, at, length);
    }
    // Between the input and the output of a call there is a line end.
    const text = input ? `${decoder.decode(bytes.subarray(0, input))}\n${decoder.decode(bytes.subarray(input))}` : decoder.decode(bytes);
    const found = searchText(text, owner, wanted, snippets);
    if (found) results.push(found);
  }
  return results;
}

/**
 * Says whether bytes hold a text, in either case. Most chunks do not, and then nothing is made of them.
 * @param {Uint8Array} bytes @param {string} wanted plain letters, in lower case
 */
function holds(bytes, wanted) {
  const low = Array.from(wanted, letter => letter.charCodeAt(0));
  const high = Array.from(wanted.toUpperCase(), letter => letter.charCodeAt(0));
  // The browser finds a byte much quicker than this program: it looks for the rarest one, in either case.
  const common = ' etaoinsrhldcumfpgwybvkxjqz';
  const rarity = (/** @type {number} */ place) => (common.indexOf(wanted[place]) + common.length + 1) % (common.length + 1);
  let rarest = 0;
  for (let place = 1; place < low.length; place += 1) if (rarity(place) > rarity(rarest)) rarest = place;
  const last = bytes.length - low.length;
  for (const byte of new Set([low[rarest], high[rarest]])) {
    for (let found = bytes.indexOf(byte, rarest); found >= 0 && found - rarest <= last; found = bytes.indexOf(byte, found + 1)) {
      const at = found - rarest;
      let same = 0;
      while (same < low.length && (bytes[at + same] === low[same] || bytes[at + same] === high[same])) same += 1;
      if (same === low.length) return true;
    }
  }
  return false;
}

/** Marks of changed words stand inside the words of an edit. @param {string} text @param {number} owner */
function plain(text, owner) {
  return (owner < 0 ? text.replace(/[\ue000\ue001]/g, '') : text).toLowerCase();
}

/** @param {string} text @param {number} owner @param {string} wanted @param {boolean} snippets @returns {Found | null} */
function searchText(text, owner, wanted, snippets) {
  const low = plain(text, owner);
  const first = low.indexOf(wanted);
  if (first < 0) return null;
  let hits = 0;
  for (let at = first; at >= 0; at = low.indexOf(wanted, at + wanted.length)) hits += 1;
  const found = { owner, hits, before: '', match: '', after: '' };
  if (!snippets) return found;
  const shown = owner < 0 ? text.replace(/[\ue000\ue001]/g, '') : text;
  const colours = /\u001b\[[\d;]*m/g;
  found.before = shown.slice(Math.max(0, first - 60), first).replace(colours, '');
  found.match = shown.slice(first, first + wanted.length);
  found.after = shown.slice(first + wanted.length, first + wanted.length + 160).replace(colours, '');
  return found;
}

/** @param {Uint8Array[]} chunks @param {number} chunk @param {number} at @param {number} length */
function joined(chunks, chunk, at, length) {
  const bytes = new Uint8Array(length);
  let have = 0;
  for (let next = chunk; next < chunks.length && have < length; next += 1) {
    const part = chunks[next].subarray(next === chunk ? at : 0).subarray(0, length - have);
    bytes.set(part, have);
    have += part.length;
  }
  return bytes.subarray(0, have);
}

function workerMain() {
  let last = Promise.resolve();
  self.onmessage = ({ data }) => {
    last = last.then(async () => {
      const { group, packed, pieces, wanted, snippets } = data;
      try {
        self.postMessage({ group, found: await searchGroup(packed, pieces, wanted, snippets) });
      } catch (error) {
        self.postMessage({ group, found: [], error: String(error) });
      }
    });
  };
}

// What follows runs in the page alone.

/** The address of the workers' program, made once. @type {any} */
let program = null;

function workerProgram() {
  if (program) return program;
  const source = `'use strict';${[fromBase64, gunzip, searchGroup, holds, plain, searchText, joined, workerMain].join('\n')}\nworkerMain();`;
  const address = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const types = /** @type {any} */ (window).trustedTypes;
  program = types
    ? types.createPolicy('snap', {
        /** @param {string} url */
        createScriptURL(url) {
          if (url !== address) throw new TypeError('only the search runs as a worker');
          return url;
        },
      }).createScriptURL(address)
    : address;
  return program;
}

/** @returns {Worker[]} none where the browser gives us none */
function startWorkers() {
  const many = (navigator.hardwareConcurrency ?? 2) >= 8 ? 4 : 2;
  try {
    return Array.from({ length: many }, () => new Worker(workerProgram()));
  } catch {
    return [];
  }
}

class Search {
  /** @param {Report} report */
  constructor(report) {
    this.report = report;
    /** @type {Worker[] | null} */
    this.workers = null;
    /** @type {{packed: number[], pieces: Piece[]}[] | null} */
    this.groups = null;
    this.turn = 0;
    /** @type {number | undefined} */
    this.timer = undefined;
  }

  /** Ends the workers when nobody has searched for a while: they hold more memory than the page. */
  rest() {
    clearTimeout(this.timer);
    const { turn } = this;
    this.timer = window.setTimeout(() => {
      if (this.turn !== turn) return;
      for (const worker of this.workers ?? []) worker.terminate();
      this.workers = null;
    }, IDLE);
  }

  /** Cuts the session in groups of chunks. A text belongs to the group that it begins in. */
  cut() {
    if (this.groups) return this.groups;
    const { report } = this;
    /** @type {Piece[]} */
    const pieces = [];
    for (let item = 0; item < report.count; item += 1) {
      if (report.kinds[item] !== 'i' && report.bytes[item] > 0) {
        pieces.push([item, report.chunks[item], report.at[item], report.bytes[item], report.input?.[item] ?? 0]);
      }
    }
    report.edits.forEach((edit, place) => {
      if (edit.bytes > 0) pieces.push([-1 - place, edit.chunk, edit.at, edit.bytes, 0]);
    });
    pieces.sort((one, other) => one[1] - other[1] || one[2] - other[2]);
    /** @type {{packed: number[], pieces: Piece[]}[]} */
    const groups = [];
    pieces.forEach((piece, place) => {
      const [owner, chunk, at, bytes, input] = piece;
      let group = groups.at(-1);
      if (!group || chunk >= group.packed[0] + GROUP) groups.push((group = { packed: [chunk], pieces: [] }));
      group.pieces.push([owner, chunk - group.packed[0], at, bytes, input]);
      const next = pieces[place + 1];
      let last = next ? (next[2] > 0 ? next[1] : Math.max(chunk, next[1] - 1)) : chunk;
      while (!next && document.getElementById(`c${last + 1}`)) last += 1;
      for (let also = group.packed[0] + group.packed.length; also <= last; also += 1) group.packed.push(also);
    });
    this.groups = groups;
    return groups;
  }

  /** Stops what runs. */
  stop() {
    this.turn += 1;
  }

  /**
   * Looks for a text in everything.
   * @param {string} text
   * @param {(item: number) => boolean} within
   * @param {(progress: {found: Found[], hits: number, places: number, done: number, of: number, error?: string}) => void} tell
   *   `found` in the order of the file, as far as everything before it has been looked through
   */
  async run(text, within, tell) {
    this.turn += 1;
    const turn = this.turn;
    const wanted = text.toLowerCase();
    const groups = this.cut();
    this.workers ??= startWorkers();
    const { workers } = this;
    /** @type {Found[][]} */
    const results = new Array(groups.length);
    const state = { found: /** @type {Found[]} */ ([]), hits: 0, places: 0, done: 0, of: groups.length, error: /** @type {string | undefined} */ (undefined) };
    let nextGroup = 0;
    let settled = 0;
    const take = (/** @type {number} */ group, /** @type {Found[]} */ found, /** @type {string | undefined} */ error) => {
      results[group] = found.filter(({ owner }) => within(owner));
      state.done += 1;
      state.error ??= error;
      for (const { hits } of results[group]) state.hits += hits;
      state.places += results[group].length;
      for (; settled < groups.length && results[settled]; settled += 1) state.found.push(...results[settled]);
      tell(state);
    };
    const give = async () => {
      const group = nextGroup;
      nextGroup += 1;
      const { packed, pieces } = groups[group];
      /** @type {(string | Uint8Array<ArrayBuffer>)[]} */
      const texts = [];
      for (const chunk of packed) {
        const text = await packedText(chunk);
        // Bytes are handed over, and a text would be copied twice. Where it takes long to make them, the worker does.
        texts.push('fromBase64' in Uint8Array ? fromBase64(text) : text);
      }
      return { group, packed: texts, pieces, wanted, snippets: state.places < SNIPPETS };
    };
    const serve = async (/** @type {Worker} */ worker) => {
      while (nextGroup < groups.length && this.turn === turn) {
        const order = await give();
        const { found, error } = await answer(worker, order);
        if (this.turn === turn) take(order.group, found, error);
      }
    };
    if (workers.length) {
      // Two orders a worker, so that it never waits for the page.
      await Promise.all(workers.flatMap(worker => [serve(worker), serve(worker)]));
    }
    while (nextGroup < groups.length && this.turn === turn) {
      const order = await give();
      take(order.group, await searchGroup(order.packed, order.pieces, wanted, order.snippets), undefined);
      await new Promise(go => setTimeout(go));
    }
    if (groups.length === 0 && this.turn === turn) tell(state);
    this.rest();
  }
}

/**
 * @param {Worker} worker @param {{group: number, packed: (string | Uint8Array<ArrayBuffer>)[]}} order
 * @returns {Promise<{found: Found[], error?: string}>}
 */
function answer(worker, order) {
  return new Promise(go => {
    const hear = (/** @type {MessageEvent} */ { data }) => {
      if (data.group !== order.group) return;
      worker.removeEventListener('message', hear);
      go(data);
    };
    worker.addEventListener('message', hear);
    worker.postMessage(order, order.packed.flatMap(text => (typeof text === 'string' ? [] : [text.buffer])));
  });
}

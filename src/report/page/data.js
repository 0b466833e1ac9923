// @ts-check
// Reads the index and the chunks of the page. docs/report.md describes both.
'use strict';

/** @typedef {{name: string, kind: 'main' | 'agent' | 'aside', type?: string | null, about?: string | null, status?: string | null,
 *   evidence?: string | null, parent?: {thread: number, item: number | null} | null, from: number, count: number}} Thread */
/** @typedef {{path: string, old_path?: string | null, status: string, added: number, removed: number, binary?: boolean,
 *   mode?: string | null, notes?: string[], chunk: number, at: number, bytes: number, lines?: number, items: number[],
 *   left_out?: boolean, colors?: number[]}} Edit */
/** @typedef {{id: string, subject: string, description?: string | null, status: string, blocked_by?: string[], owner?: string | null,
 *   moves?: {item: number | null, status: string}[]}} Task */
/** @typedef {{kind: string, chunk: number[], at: number[], bytes: number[], time?: number[], took?: number[], lines?: number[],
 *   label?: number[], file?: number[], about?: number[], input?: number[], form?: string, model?: number[]}} Columns */
/** @typedef {{item: number | null, text: string, scope?: string | null, decision?: string | null, time?: string | null}} Decision */
/** @typedef {{format: number, title: string, about?: [string, string][], left_out?: string[],
 *   strings: string[], chunks?: number[], threads: Thread[], items: Columns, failed?: number[], open?: number[], emptied?: number[], calls_left_out?: boolean, colors?: [number, number, number, number][],
 *   agents?: [number, number][], prompts?: [number, string][], edits?: Edit[], tasks?: Task[],
 *   grants?: {text: string, scope?: string | null, source?: string | null}[], decisions?: Decision[], not_saved?: string[], checkpoints?: [string, number][],
 *   size?: {context?: [number, number][], changed?: [number, number, number][]}, live?: {url: string, version: string}}} Index */

/** How many unpacked chunks stay in memory. A chunk has about 256 KiB. */
const KEPT_CHUNKS = 12;

/** The session, as the page holds it. */
class Report {
  /** @param {Index} index */
  constructor(index) {
    const columns = index.items;
    const numbers = (/** @type {number[] | undefined} */ list) => (list ? Int32Array.from(list) : null);
    this.index = index;
    this.strings = index.strings;
    this.threads = index.threads;
    this.edits = index.edits ?? [];
    this.tasks = index.tasks ?? [];
    this.kinds = columns.kind;
    this.forms = columns.form ?? '';
    this.count = columns.kind.length;
    this.chunks = Int32Array.from(columns.chunk);
    this.at = Int32Array.from(columns.at);
    this.bytes = Int32Array.from(columns.bytes);
    this.lines = numbers(columns.lines);
    this.took = numbers(columns.took);
    this.label = numbers(columns.label);
    this.file = numbers(columns.file);
    this.about = numbers(columns.about);
    this.input = numbers(columns.input);
    this.model = numbers(columns.model);
    this.time = new Float64Array(this.count);
    let now = 0;
    for (let item = 0; item < this.count; item += 1) {
      now += columns.time?.[item] ?? 0;
      this.time[item] = now;
    }
    // The columns have their own form now. As lists, they take several times as much memory.
    index.items = { kind: '', chunk: [], at: [], bytes: [] };
    this.failed = new Set(index.failed);
    this.open = new Set(index.open);
    this.emptied = new Set(index.emptied);
    /** Where the colours of what a call was given are. */
    this.colors = new Map((index.colors ?? []).map(([item, ...place]) => [item, place]));
    /** The thread that a call started. */
    this.agents = new Map(index.agents);
    /** The first line of a prompt. */
    this.prompts = new Map(index.prompts);
    /** The edits of the files that a call touched. @type {Map<number, number[]>} */
    this.editsOf = new Map();
    this.edits.forEach((edit, place) => {
      for (const item of edit.items ?? []) {
        const list = this.editsOf.get(item);
        if (list) list.push(place);
        else this.editsOf.set(item, [place]);
      }
    });
    /** Where the conversation was compacted. The mark of it and the summary behind that are one. @type {Set<number>} */
    this.compactions = new Set();
    for (const { from, count } of this.threads) {
      let marked = false;
      for (let item = from; item < from + count; item += 1) {
        const kind = this.kinds[item];
        if (kind === 'x' || (kind === 'k' && !marked)) this.compactions.add(item);
        if ('xpa'.includes(kind)) marked = kind === 'x';
        else if (kind === 'k') marked = false;
      }
    }
    /** The snapshots that were saved on the way, by the first item of the conversation behind each. @type {Map<number, string[]>} */
    this.checkpoints = this.placed(index.checkpoints ?? []);
    this.totalBytes = this.bytes.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** @param {Int32Array | null} column @param {number} item */
  string(column, item) {
    const place = column ? column[item] : -1;
    return place >= 0 ? this.strings[place] ?? '' : '';
  }

  /** @param {number} item */
  labelOf(item) {
    return this.string(this.label, item);
  }

  /** @param {number} item */
  fileOf(item) {
    return this.string(this.file, item);
  }

  /** Says whether a chapter begins with an item: a prompt, a compaction, or what came behind a checkpoint. @param {number} item */
  isChapter(item) {
    return this.kinds[item] === 'p' || this.compactions.has(item) || this.checkpoints.has(item);
  }

  /** @param {[string, number][]} checkpoints oldest first */
  placed(checkpoints) {
    /** @type {Map<number, string[]>} */
    const placed = new Map();
    const main = this.threads.find(({ kind }) => kind === 'main');
    if (!main) return placed;
    let item = main.from;
    for (const [name, saved] of checkpoints) {
      // An item without a time happened when the one before it did.
      while (item < main.from + main.count && this.time[item] <= saved) item += 1;
      if (item === main.from + main.count) break;
      placed.set(item, [...(placed.get(item) ?? []), name]);
    }
    return placed;
  }

  /** What one line says about an item. @param {number} item */
  aboutOf(item) {
    return this.prompts.get(item) ?? this.string(this.about, item);
  }

  /** How a text is meant (of a call: its input): `m` Markdown, `x` plain, `d` a diff. @param {number} item */
  formOf(item) {
    return this.forms[item] ?? ('patk'.includes(this.kinds[item]) ? 'm' : 'x');
  }

  /** The thread that an item belongs to. @param {number} item */
  threadOf(item) {
    return this.threads.findIndex(thread => item >= thread.from && item < thread.from + thread.count);
  }

  /** Begins to unpack the text of an item, which is wanted soon. @param {number} item */
  fetch(item) {
    // What is wrong with it is told where it is read.
    if (this.bytes[item]) chunkBytes(this.chunks[item]).catch(() => undefined);
  }

  /** @param {number} item @returns {Promise<Uint8Array>} */
  bytesOf(item) {
    return readBytes(this.chunks[item], this.at[item], this.bytes[item]);
  }

  /** @param {number} item @returns {Promise<string>} */
  async textOf(item) {
    return new TextDecoder().decode(await this.bytesOf(item));
  }

  /** The input of a call, and its output. @param {number} item */
  async callOf(item) {
    const bytes = await this.bytesOf(item);
    const end = this.input ? this.input[item] : bytes.length;
    const decoder = new TextDecoder();
    return { input: decoder.decode(bytes.subarray(0, end)), output: decoder.decode(bytes.subarray(end)) };
  }

  /** The colours of some lines, if there are any: docs/report.md says how they are written. @param {number[] | undefined} place */
  async colorsAt(place) {
    return place ? new TextDecoder().decode(await readBytes(place[0], place[1], place[2])).split('\n') : [];
  }

  /** @param {Edit} edit */
  async textOfEdit(edit) {
    return new TextDecoder().decode(await readBytes(edit.chunk, edit.at, edit.bytes));
  }
}

/** What a conversation is called. Where its name is only a number of the client, what it was about says more. @param {Thread} thread */
function threadTitle({ name, about }) {
  return about && /^(agent-)?[0-9a-f-]{8,}$/i.test(name) ? about.split('\n')[0].slice(0, 100) : name;
}

/** @returns {Index} */
function readIndex() {
  const element = document.getElementById('index');
  if (!element) throw new Error('this file has no index');
  const index = JSON.parse(element.textContent ?? '');
  if (index.format !== 1) throw new Error(`this page has the format ${index.format}, and the program in it reads 1`);
  // The text has served. In a large session it takes megabytes.
  element.remove();
  return index;
}

// Chunks

/** @type {Map<number, Promise<Uint8Array>>} */
const unpacked = new Map();
/** @type {{chunk: number, go: () => void, fail: (reason: Error) => void}[]} */
let waiting = [];

/** Says whether the browser has read the whole file. */
function isLoaded() {
  return document.readyState !== 'loading';
}

/** Says whether the file ends where it should. Only to be asked when all of it has been read. */
function isWhole() {
  return document.getElementById('end') !== null;
}

/**
 * Returns the packed text of a chunk, once the browser has read it.
 * @param {number} chunk
 * @returns {Promise<string>}
 */
function packedText(chunk) {
  return new Promise((go, fail) => {
    waiting.push({ chunk, go: () => go(document.getElementById(`c${chunk}`)?.textContent ?? ''), fail });
    lookForChunks();
  });
}

function lookForChunks() {
  const all = isLoaded();
  waiting = waiting.filter(({ chunk, go, fail }) => {
    const here = document.getElementById(`c${chunk}`);
    // The parser is done with an element when the next one is there.
    if (here && (all || document.getElementById(`c${chunk + 1}`))) go();
    else if (all) fail(new Error('This part of the text is missing: the file is cut short.'));
    else return true;
    return false;
  });
}

new MutationObserver(() => waiting.length && lookForChunks()).observe(document.body, { childList: true });
document.addEventListener('DOMContentLoaded', lookForChunks);

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
function fromBase64(text) {
  const modern = /** @type {any} */ (Uint8Array).fromBase64;
  if (modern) return modern(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** @param {Uint8Array<ArrayBuffer>} bytes @returns {Promise<Uint8Array>} */
async function gunzip(bytes) {
  const { readable, writable } = new DecompressionStream('gzip');
  const writer = writable.getWriter();
  // What is wrong with the bytes is told where they are read.
  writer.write(bytes).catch(() => undefined);
  writer.close().catch(() => undefined);
  return new Uint8Array(await new Response(readable).arrayBuffer());
}

/** @param {number} chunk @returns {Promise<Uint8Array>} */
function chunkBytes(chunk) {
  let bytes = unpacked.get(chunk);
  if (bytes) unpacked.delete(chunk);
  else bytes = packedText(chunk).then(text => gunzip(fromBase64(text)));
  unpacked.set(chunk, bytes);
  if (unpacked.size > KEPT_CHUNKS) unpacked.delete(/** @type {number} */ (unpacked.keys().next().value));
  return bytes;
}

/**
 * Reads bytes that start in a chunk and may go on in the next ones.
 * @param {number} chunk @param {number} at @param {number} length
 * @returns {Promise<Uint8Array>}
 */
async function readBytes(chunk, at, length) {
  const first = (await chunkBytes(chunk)).subarray(at, at + length);
  if (first.length === length) return first;
  const all = new Uint8Array(length);
  all.set(first);
  for (let have = first.length, next = chunk + 1; have < length; next += 1) {
    const part = (await chunkBytes(next)).subarray(0, length - have);
    if (part.length === 0) throw new Error('This part of the text is missing: the file is damaged.');
    all.set(part, have);
    have += part.length;
  }
  return all;
}

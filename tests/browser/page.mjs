// Writes a page of a session in the format that src/report/ writes, so that the front end can be tried without the
// program. The text of the static overview is short here; the program's is complete.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const FOLDER = join(import.meta.dirname, '..', '..', 'src', 'report', 'page');
const CHUNK = 256 * 1024;

const hash = text => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
export const escapeHtml = text => String(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u202a-\u202e\u2066-\u2069\ufeff]/g, c => `\\u{${c.charCodeAt(0).toString(16)}}`).replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`);

/** Collects a session, and writes it as a page. */
export class Page {
  constructor(title) {
    this.index = {
      format: 1, title, name: 'sample', between: null, about: [], left_out: [], strings: [], chunks: [], threads: [],
      items: { kind: '', chunk: [], at: [], bytes: [], time: [], took: [], lines: [], label: [], file: [], input: [], about: [], form: '' },
      failed: [], open: [], emptied: [], agents: [], prompts: [], edits: [], tasks: [], grants: [], decisions: [], not_saved: [],
      size: { context: [], changed: [] },
    };
    this.packed = [];
    this.open = { parts: [], bytes: 0 };
    this.places = new Map();
    this.kinds = [];
    this.forms = [];
    this.now = 0;
    this.static = '';
  }

  string(text) {
    if (text === undefined || text === null) return -1;
    let place = this.places.get(text);
    if (place === undefined) {
      place = this.index.strings.push(text) - 1;
      this.places.set(text, place);
    }
    return place;
  }

  flush() {
    if (!this.open.bytes) return;
    this.packed.push(gzipSync(Buffer.concat(this.open.parts), { level: 6 }).toString('base64'));
    this.index.chunks.push(this.open.bytes);
    this.open = { parts: [], bytes: 0 };
  }

  /** Stores bytes, and says where. What fits in a chunk is never split; a longer text begins one. */
  store(bytes) {
    if (this.open.bytes + bytes.length > CHUNK) this.flush();
    const place = { chunk: this.packed.length, at: this.open.bytes, bytes: bytes.length };
    for (let from = 0; from < bytes.length; from += CHUNK) {
      const part = bytes.subarray(from, from + CHUNK);
      this.open.parts.push(part);
      this.open.bytes += part.length;
      if (from + CHUNK < bytes.length) this.flush();
    }
    return place;
  }

  thread(thread) {
    this.index.threads.push({ kind: 'main', type: null, about: null, status: null, evidence: null, parent: null, ...thread, from: this.kinds.length, count: 0 });
    return this.index.threads.length - 1;
  }

  /** Adds an item to the last thread, and returns its number. */
  item(kind, { text = '', input = '', label, file, about, form, colors, time = 0, took = 0, failed, open, agent } = {}) {
    const { items } = this.index;
    const head = Buffer.from(input);
    const { chunk, at, bytes } = this.store(Buffer.concat([head, Buffer.from(text)]));
    const item = this.kinds.push(kind) - 1;
    if (colors) {
      const tint = this.store(Buffer.from(colors));
      (this.index.colors ??= []).push([item, tint.chunk, tint.at, tint.bytes]);
    }
    this.forms.push(form ?? ('patk'.includes(kind) ? 'm' : 'x'));
    items.chunk.push(chunk);
    items.at.push(at);
    items.bytes.push(bytes);
    items.time.push(time ? time - this.now : 0);
    if (time) this.now = time;
    items.took.push(took);
    items.lines.push(text ? text.split('\n').length : 0);
    items.label.push(this.string(label));
    items.file.push(this.string(file));
    items.about.push(this.string(about));
    items.input.push(head.length);
    if (kind === 'p') this.index.prompts.push([item, (about ?? text).split('\n')[0].slice(0, 160)]);
    if (failed) this.index.failed.push(item);
    if (open) this.index.open.push(item);
    if (agent !== undefined) this.index.agents.push([item, agent]);
    this.index.threads.at(-1).count += 1;
    return item;
  }

  /** Adds an edit; `colors` are those of its first lines. */
  edit({ path, text = '', colors = '', ...rest }) {
    if (!this.index.edits.length) this.flush();
    const place = this.store(Buffer.from(text));
    const tint = this.store(Buffer.from(colors));
    const lines = text ? text.replace(/\n$/, '').split('\n') : [];
    this.index.edits.push({
      path, old_path: null, status: 'M', binary: false, mode: null, notes: [], items: [], left_out: false,
      added: lines.filter(line => line[0] === '+').length, removed: lines.filter(line => line[0] === '-').length, lines: lines.length,
      ...place, ...rest, ...(colors ? { colors: [tint.chunk, tint.at, tint.bytes] } : {}),
    });
  }

  write(file) {
    this.flush();
    this.index.items.kind = this.kinds.join('');
    this.index.items.form = this.forms.join('');
    const app = readdirSync(FOLDER).filter(name => name.endsWith('.js')).sort().map(name => readFileSync(join(FOLDER, name), 'utf8')).join('\n');
    const style = readFileSync(join(FOLDER, 'style.css'), 'utf8');
    const policy = `default-src 'none'; script-src ${hash(app)}; style-src ${hash(style)}; img-src blob:; worker-src blob:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types snap${this.index.live ? "; connect-src 'self'" : ''}`;
    const { title, about } = this.index;
    writeFileSync(file, [
      '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
      `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
      '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">',
      `<title>${escapeHtml(title)}</title><style>${style}</style></head><body>`,
      `<main id="static" tabindex="-1"><h1>${escapeHtml(title)}</h1><p class="lead">A sample, saved for tests</p>`,
      `<section id="s-about"><h2>What this is</h2><dl>${about.map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`).join('')}</dl></section>`,
      `<section id="s-prompts"><h2>Prompts</h2><ol>${this.index.prompts.slice(0, 20).map(([, text]) => `<li>${escapeHtml(text)}</li>`).join('')}</ol></section>`,
      '<p class="noscript">The conversation is packed in this file, and a script of the page unpacks it. Without JavaScript only this overview is shown.</p></main>',
      `<script type="application/json" id="index">${JSON.stringify(this.index).replace(/</g, '\\u003c')}</script>`,
      `<script>${app}</script>`,
      ...this.packed.map((text, chunk) => `<script type="text/plain" id="c${chunk}">${text}</script>`),
      '<script type="text/plain" id="end">ok</script></body></html>',
    ].join('\n'));
  }
}

// Follows a running session in a browser: node live.mjs [--modules FOLDER] ADDRESS TRANSCRIPT RECORD
//
// ADDRESS is what `snap report --live` said. RECORD is a file with a record of a prompt; it is added to TRANSCRIPT while the
// page is open, and the page has to show it. Nobody without the token, and no other origin, gets anything.
import { appendFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { check, modules, start } from './browser.mjs';

const words = process.argv.slice(2);
const folder = words[0] === '--modules' ? words.splice(0, 2)[1] : undefined;
const [address, transcript, record] = words;
const { require } = modules(folder);
const { origin, port, pathname } = new URL(address);
// A name of somebody else that leads to this machine, as in an attack by DNS.
const browser = await start(require, [`--host-resolver-rules=MAP evil.test 127.0.0.1`]);

/** What a page of another origin gets of an address. */
async function readFrom(page, url) {
  return page.evaluate(async to => {
    try {
      return await (await fetch(to)).text();
    } catch (error) {
      return `refused: ${error.name}`;
    }
  }, url);
}

try {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  const problems = [];
  const asked = new Set();
  page.on('pageerror', error => problems.push(error.message));
  page.on('console', message => message.type() === 'error' && !/favicon/.test(message.location().url) && problems.push(message.text()));
  page.on('request', request => asked.add(request.url()));
  await page.goto(`${address}#conversation`);
  const prompts = () => page.evaluate(() => [...document.querySelectorAll('.turn.prompt')].map(turn => turn.innerText).join('\n'));
  await page.waitForFunction(() => document.querySelector('.turn.prompt'));
  const { message } = JSON.parse(readFileSync(record, 'utf8'));
  check(!(await prompts()).includes(message.content), 'the prompt is there before it was asked');
  appendFileSync(transcript, readFileSync(record));
  await page.waitForFunction(text => [...document.querySelectorAll('.turn.prompt')].some(turn => turn.innerText.includes(text)), message.content);
  check(!problems.length, problems.join('; '));
  const known = [`${origin}${pathname}`, `${origin}${pathname}status`, `${origin}/favicon.ico`];
  const others = [...asked].map(url => url.split('#')[0]).filter(url => !known.includes(url) && !url.startsWith('blob:'));
  check(!others.length, `it asked for ${others}`);

  // Without the token.
  const stranger = await context.newPage();
  const answer = await stranger.goto(`${origin}/`);
  check(answer.status() === 404 && !(await stranger.content()).includes(message.content), `without the token: ${answer.status()}`);
  // Under another name.
  const elsewhere = await stranger.goto(`http://evil.test:${port}${pathname}`);
  check(elsewhere.status() === 403 && !(await stranger.content()).includes(message.content), `under another name: ${elsewhere.status()}`);
  // From another origin, with the token.
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<title>other</title><iframe src="${address}"></iframe>`);
  });
  await new Promise(go => server.listen(0, '127.0.0.1', go));
  await stranger.goto(`http://127.0.0.1:${server.address().port}/`);
  for (const url of [address, `${address}status`]) {
    const got = await readFrom(stranger, url);
    check(got.startsWith('refused'), `another origin read ${got.slice(0, 60)}`);
  }
  const framed = await Promise.all(stranger.frames().slice(1).map(frame => frame.content().catch(() => '')));
  check(!framed.some(text => text.includes(message.content)), 'another origin shows it in a frame');
  server.close();
  console.log('followed');
} finally {
  await browser.close();
}

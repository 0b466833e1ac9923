// Tries pages of `snap report` in a real browser: node run.mjs [--modules FOLDER] [--only TEXT] PAGE...
//
// Each page is opened, searched, folded and jumped through, with the mouse and with the keyboard alone, in light and dark,
// wide and narrow. After every step browser.mjs asserts that nothing ran, nothing was fetched and nothing is too wide.
import { modules, start } from './browser.mjs';
import { once } from './once.mjs';
import { paper } from './paper.mjs';
import { tests } from './tests.mjs';

const files = [];
let folder;
let only = '';
const words = process.argv.slice(2);
while (words.length) {
  const word = words.shift();
  if (word === '--modules') folder = words.shift();
  else if (word === '--only') only = words.shift();
  else files.push(word);
}
if (!files.length) {
  console.error('usage: node run.mjs [--modules FOLDER] [--only TEXT] PAGE...');
  process.exit(2);
}

const { require } = modules(folder);
const browser = await start(require);
let failed = 0;
let done = 0;
for (const [file, list] of [['without a page', once], ...files.map(one => [one, [...tests, ...paper]])]) {
  console.log(file);
  for (const [name, test] of list) {
    if (!name.includes(only)) continue;
    try {
      const skipped = await test({ browser, file, require });
      done += 1;
      console.log(`  ${skipped ? `skip  ${name}: ${skipped}` : `ok    ${name}`}`);
    } catch (error) {
      failed += 1;
      console.log(`  FAIL  ${name}: ${error.name === 'Error' || error.constructor.name === 'Wrong' ? error.message : error.stack}`);
    }
  }
}
await browser.close();
console.log(failed ? `${failed} of ${done + failed} failed` : `${done} passed`);
process.exit(failed ? 1 : 0);

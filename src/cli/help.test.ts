import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fakeCommand } from '../../test/support/fakeCommand.js';
import { assertGolden } from '../../test/support/golden.js';
import { nodeStorage } from '../storage/nodeStorage.js';
import { readJson } from '../storage/textFile.js';
import { commandNames } from './optionSpec.js';
import { version } from './version.js';

for (const name of commandNames) {
  test(`the help of ${name}`, async () => {
    const { stdout, stderr } = await fakeCommand([name, ...(name === 'help' ? ['help'] : ['--help'])]);
    await assertGolden(`help-${name}.txt`, stdout);
    assert.equal(stderr, '');
  });
}

test('the overall help, asked for in four ways', async () => {
  const { stdout } = await fakeCommand(['--help']);
  await assertGolden('help.txt', stdout);
  for (const words of [[], ['help'], ['-h']]) assert.equal((await fakeCommand(words)).stdout, stdout);
});

test('help lines fit 100 columns', async () => {
  for (const name of commandNames) {
    const { stdout } = await fakeCommand(['help', name]);
    for (const line of stdout.split('\n')) {
      // A command line cannot be broken.
      if (!line.startsWith('  mlml')) assert.ok(line.length <= 100, line);
    }
  }
});

test('the help of a kernel verb shows options with effect only; closed and ssgd show those of --memId apart', async () => {
  const bcd = (await fakeCommand(['help', 'bcd'])).stdout;
  for (const name of ['block', 'passes', 'reg', 'memId', 'sigma'])
    assert.match(bcd, new RegExp(`^  --${name}\\b`, 'm'));
  for (const name of ['rank', 'centers', 'epochs', 'eta0', 'loss']) {
    assert.doesNotMatch(bcd, new RegExp(`^  --${name}\\b`, 'm'));
  }
  const [linear, kernel] = (await fakeCommand(['help', 'closed'])).stdout.split('Options with --memId');
  assert.match(linear!, /^ {2}--loss=/m);
  assert.doesNotMatch(linear!, /^ {2}--(memId|copy-rows|tol)/m);
  assert.match(kernel!, /^ {2}--memId=<id>/m);
  assert.match(kernel!, /^ {2}--reg=<number>\[,<number>\.\.\.\]/m);
  assert.doesNotMatch(kernel!, /^ {2}--(sigma|dtype|loss|epochs)/m);
});

test('the version is that of the package', async () => {
  const manifest = await readJson(
    nodeStorage,
    fileURLToPath(new URL('../../../package.json', import.meta.url)),
  );
  assert.equal(version, (manifest as { version: string }).version);
  assert.equal((await fakeCommand(['--version'])).stdout, `${version}\n`);
  assert.equal((await fakeCommand(['-v'])).stdout, `${version}\n`);
});

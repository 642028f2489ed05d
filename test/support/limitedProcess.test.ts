import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitUnavailable, runLimited } from './limitedProcess.js';

const allocate = (bytes: number) => [
  '-e',
  `globalThis.kept = Buffer.alloc(${bytes}, 1); console.log('allocated')`,
];

test('a process above its memory limit is killed', { skip: limitUnavailable }, async (t) => {
  const result = await runLimited(t, allocate(200e6), { limitBytes: 100e6 });
  assert.equal(result.killedByLimit, true);
  assert.equal(result.signal, 'SIGKILL');
  assert.equal(result.stdout, '');
  assert.equal(result.peakRssBytes, undefined);
});

test('a process within its memory limit is not killed', { skip: limitUnavailable }, async (t) => {
  const result = await runLimited(t, allocate(20e6), { limitBytes: 150e6 });
  assert.equal(result.killedByLimit, false);
  assert.equal(result.status, 0, result.stderr);
  assert.equal(result.stdout, 'allocated\n');
});

test('the peak holds what was allocated and freed again, and nothing of the process that measures', async (t) => {
  const ballast = Buffer.alloc(300e6, 1);
  const idle = await runLimited(t, ['-e', '']);
  const busy = await runLimited(t, ['-e', 'Buffer.alloc(100e6, 1); setTimeout(() => {}, 50)']);
  assert.equal(ballast.at(-1), 1);
  assert.ok(idle.peakRssBytes !== undefined && busy.peakRssBytes !== undefined);
  assert.ok(idle.peakRssBytes > 20e6 && idle.peakRssBytes < 150e6, `idle: ${idle.peakRssBytes} bytes`);
  const grown = busy.peakRssBytes - idle.peakRssBytes;
  assert.ok(grown > 90e6 && grown < 120e6, `grown by ${grown} bytes`);
});

test('exit status, output, input and environment are passed through', async (t) => {
  const script = `
    process.stdin.once('data', (text) => {
      console.log(text + process.env.COLOUR);
      console.error('to stderr');
      process.exitCode = 3;
    });`;
  const result = await runLimited(t, ['-e', script], { input: 'input ', env: { COLOUR: 'blue' } });
  assert.equal(result.status, 3);
  assert.equal(result.stdout, 'input blue\n');
  assert.equal(result.stderr, 'to stderr\n');
});

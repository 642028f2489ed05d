import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { runProcess } from './support/childProcess.js';
import { post } from './support/httpClient.js';
import { limitUnavailable, runLimited } from './support/limitedProcess.js';
import { type PostgresServer, startPostgres, withoutPostgres } from './support/postgresServer.js';
import { root } from './support/root.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const examples = join(root, 'examples');
const MOST_LINES = 60;

/** Runs an example in a folder of its own; what it printed. */
async function run(
  t: TestContext,
  name: string,
  args: readonly string[] = [],
  cwd = temporaryFolder(t),
): Promise<string> {
  const { status, stdout, stderr } = await runProcess(process.execPath, [join(examples, name), ...args], {
    cwd,
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

const numberAfter = (text: string, before: RegExp) =>
  Number(new RegExp(`${before.source}([0-9.e-]+)`).exec(text)?.[1]);

// The page with an ONNX model is tested in onnxBrowserExample.test.ts.
describe('each example runs and shows what it says', () => {
  test('trainFromCsv', async (t) => {
    const told = await run(t, 'trainFromCsv.mjs');
    assert.ok(numberAfter(told, /r2 /) > 0.98, told);
    // The price of the made-up houses is 50 for each room, 120 near the sea, and a little noise.
    assert.ok(Math.abs(numberAfter(told, /near the sea: /) - 365) < 6, told);
    assert.ok(Math.abs(numberAfter(told, /far from it: /) - 245) < 6, told);
  });

  test('postgresRows', { skip: withoutPostgres }, async (t) => {
    let server: PostgresServer;
    try {
      server = startPostgres(20_000 + (process.pid % 20_000));
    } catch (error) {
      t.skip(`no PostgreSQL could be started: ${String(error).slice(0, 200)}`);
      return;
    }
    t.after(() => server.stop());
    const told = await run(t, 'postgresRows.mjs', [server.address]);
    assert.match(told, /^4000 rows to train on, classes buys and leaves$/m);
    assert.ok(numberAfter(told, /not seen: /) > 0.95, told);
  });

  test('sparseText', async (t) => {
    const told = await run(t, 'sparseText.mjs');
    assert.match(told, /^2[34]\d\d rows of (9\d{3}|10000) features$/m);
    assert.ok(numberAfter(told, /accuracy /) > 0.95, told);
  });

  test('sweep', async (t) => {
    const told = await run(t, 'sweep.mjs');
    assert.equal([...told.matchAll(/^ {2}\{"loss":/gm)].length, 18);
    assert.match(told, /the best has loss softmax, and accuracy 0\.[89]/);
  });

  test('resume', async (t) => {
    const told = await run(t, 'resume.mjs');
    assert.match(
      told,
      /the first attempt: stopped\ngoes on after \d+ of 16000 rows\nthe weights are the same, to the bit,/,
    );
  });

  test('kernelRegression', async (t) => {
    const told = await run(t, 'kernelRegression.mjs');
    assert.ok(numberAfter(told, /rmse /) < 0.01, told);
    assert.ok(Math.abs(numberAfter(told, /0\.5\): -/) - 0.415) < 0.01, told);
  });

  test('partialFitFromSocket', async (t) => {
    const told = await run(t, 'partialFitFromSocket.mjs');
    assert.match(told, /^3000 rows learnt/m);
    assert.match(told, /answer: \{"class":0\}\nanswer: \{"class":1\}\n$/);
  });

  test('express', async (t) => {
    const child: ChildProcess = spawn(process.execPath, [join(examples, 'express.mjs'), 'model', '0'], {
      cwd: temporaryFolder(t),
    });
    t.after(() => child.kill('SIGKILL'));
    const [line] = await once(child.stdout!, 'data');
    const url = String(line).trim();
    const row = new Array(784).fill(0);
    const { status, json } = await post(`${url}?proba=1`, { rows: [row, row] });
    assert.equal(status, 200);
    assert.equal(json[1].probabilities.length, 10);
    const bad = await post(url, { rows: [row, [...row.slice(1), 'x']] });
    assert.deepEqual([bad.status, bad.json.row, bad.json.column, bad.json.value], [400, 1, 783, '"x"']);
    assert.equal((await post(url, '{"rows"')).status, 400);
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });

  test('smallContainer', { skip: limitUnavailable }, async (t) => {
    const { status, stdout, stderr, killedByLimit } = await runLimited(
      t,
      [join(examples, 'smallContainer.mjs')],
      {
        cwd: temporaryFolder(t),
        limitBytes: 128e6,
      },
    );
    assert.equal(killedByLimit, false);
    assert.equal(status, 0, stderr);
    assert.ok(numberAfter(stdout, /accuracy /) > 0.85, stdout);
    assert.match(stdout, /the main thread was free all the time/);
  });
});

test('examples are short, and each is in both lists', () => {
  const names = readdirSync(examples).filter((name) => name !== 'README.md');
  assert.equal(names.length, 10);
  for (const list of [join(examples, 'README.md'), join(root, 'README.md')])
    for (const name of names) assert.ok(readFileSync(list, 'utf8').includes(name), `${name} in ${list}`);
  for (const file of readdirSync(examples, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(m?js|html)$/.test(file)) continue;
    const lines = readFileSync(join(examples, file), 'utf8').trimEnd().split('\n').length;
    assert.ok(lines < MOST_LINES, `${file}: ${lines} lines`);
  }
});

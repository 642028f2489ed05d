import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { saveModel } from '../src/model/saveModel.js';
import type { LinearModel } from '../src/ssgd/linearModel.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { commandFile, runCli } from './support/cli.js';
import { ask, post, predictHead, RawConnection } from './support/httpClient.js';
import { limitUnavailable, runLimited } from './support/limitedProcess.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const d = 50;
const model: LinearModel = {
  task: 'classification',
  loss: 'softmax',
  d,
  k: 10,
  scaling: { name: 'none', multiply: new Float64Array(d).fill(1), add: new Float64Array(d) },
  weights: Float64Array.from({ length: 10 * d }, (_, i) => Math.sin(i)),
  intercept: new Float64Array(10),
  classNames: [],
  fingerprint: 'one',
};
const row = Array.from({ length: d }, (_, j) => Math.cos(j));

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  /** What it has written to stderr. */
  readonly told: () => string;
  readonly ended: Promise<readonly [status: number | null, signal: NodeJS.Signals | null]>;
}

async function serve(t: TestContext, ...options: string[]): Promise<Running> {
  const folder = temporaryFolder(t);
  await saveModel(nodeStorage, join(folder, 'model'), model);
  const child = spawn(process.execPath, [commandFile, 'serve', 'model', '--port=0', '--json', ...options], {
    cwd: folder,
  });
  t.after(() => child.kill('SIGKILL'));
  let told = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  const ended = once(child, 'exit').then(([status, by]) => [status, by] as const);
  const [line] = await Promise.race([once(child.stdout, 'data'), ended.then(() => assert.fail(told))]);
  const { url, port, pid } = JSON.parse(String(line));
  assert.equal(pid, child.pid);
  return { child, url, port, folder, told: () => told, ended };
}

describe('mlml serve', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    test(`${signal} lets what has begun end, and exits with 0`, {
      skip: process.platform === 'win32',
    }, async (t) => {
      const { child, url, port, ended } = await serve(t);
      const text = JSON.stringify([row]);
      const late = new RawConnection(port);
      late.send(predictHead(`content-length: ${text.length}`) + text.slice(0, 20));
      assert.equal((await post(`${url}/predict`, [row])).status, 200);
      child.kill(signal);
      while (
        await ask(`${url}/health`).then(
          () => true,
          () => false,
        )
      );
      late.send(text.slice(20));
      assert.match(await late.closed, /^HTTP\/1.1 200 OK[\s\S]*"class":/);
      assert.deepEqual(await ended, [0, null]);
    });

  test('SIGHUP loads the model again; with a damaged one the old one stays', {
    skip: process.platform === 'win32',
  }, async (t) => {
    const { child, url, folder, told, ended } = await serve(t);
    const classOf = async () => (await post(`${url}/predict`, row)).json.prediction.class;
    const reloads = async () =>
      /reloads_total\{result="ok"\} (\d+)\n.*"failed"\} (\d+)/
        .exec((await ask(`${url}/metrics`)).text)!
        .slice(1)
        .map(Number);
    const first = await classOf();
    const turned = { ...model, weights: model.weights.map((w) => -w), fingerprint: 'two' };
    await nodeStorage.remove(join(folder, 'model'));
    await saveModel(nodeStorage, join(folder, 'model'), turned);
    child.kill('SIGHUP');
    while ((await reloads())[0] === 0);
    const second = await classOf();
    assert.notEqual(second, first);
    await nodeStorage.remove(join(folder, 'model', 'weights.bin'));
    child.kill('SIGHUP');
    while ((await reloads())[1] === 0);
    assert.equal(await classOf(), second);
    assert.match(told(), /loaded again \(fingerprint two\)[\s\S]*the old model stays: /);
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
  });

  test('wrong usage is told in one line', async (t) => {
    const { port, folder } = await serve(t);
    for (const [words, message] of [
      [[], /^MLML_USAGE: serve takes a model/],
      [['model', '--port=70000'], /^MLML_USAGE: --port=70000/],
      [['model', `--port=${port}`], /^MLML_USAGE: --port=\d+: another program listens there/],
      [['model', '--host=nowhere.invalid'], /^MLML_(USAGE|IO): --host=nowhere.invalid/],
      [['model', '--buffer=1', '--max-body=1'], /^MLML_BUDGET_TOO_SMALL: bodies of 1000000 bytes/],
      [['nothing'], /^MLML_NOT_FOUND: nothing/],
    ] as const) {
      const { status, stderr } = await runCli(t, ['serve', ...words], { cwd: folder });
      assert.match(stderr, message);
      assert.equal(stderr.trimEnd().split('\n').length, 1);
      assert.notEqual(status, 0);
    }
  });

  test('another address earns a warning', { skip: process.platform === 'win32' }, async (t) => {
    const { told, child, ended } = await serve(t, '--host=0.0.0.0');
    child.kill('SIGTERM');
    await ended;
    assert.match(
      told(),
      /whoever reaches http:\/\/0\.0\.0\.0:\d+ can use the model; there is no authentication/,
    );
  });
});

/** Peak resident bytes of a server with a buffer of 10 MB while `use` asks it. */
async function peakOf(t: TestContext, use: (url: string, port: number) => Promise<void>): Promise<number> {
  const cwd = temporaryFolder(t);
  await saveModel(nodeStorage, join(cwd, 'model'), model);
  const stop = new AbortController();
  let used: Promise<void> | undefined;
  const result = await runLimited(
    t,
    [commandFile, 'serve', 'model', '--port=0', '--json', '--buffer=10', '--timeout=5'],
    {
      cwd,
      limitBytes: 150e6,
      signal: stop.signal,
      onOutput: (text, stream) => {
        if (stream === 'stderr' || used !== undefined) return;
        const { url, port } = JSON.parse(text);
        used = use(url, port).finally(() => stop.abort());
      },
    },
  );
  await used;
  assert.equal(result.status, 0, result.stderr);
  return result.peakRssBytes!;
}

test('memory stays within the buffer, whatever is sent', { skip: limitUnavailable }, async (t) => {
  const usual = async (url: string) => {
    for (let i = 0; i < 200; i++) assert.equal((await post(`${url}/predict`, [row, row])).status, 200);
  };
  const baseline = await peakOf(t, usual);
  const statuses = new Map<number | string, number>();
  const peak = await peakOf(t, async (url, port) => {
    await usual(url);
    // What takes most memory for its length, values that are as long as they can be, and answers that nobody takes.
    const bodies = [
      `[${'{},'.repeat(33_000)}{}]`,
      `[${'[],'.repeat(33_000)}[]]`,
      JSON.stringify(new Array(90).fill(row)),
      ' '.repeat(5e6),
    ];
    const idle = Array.from({ length: 10 }, () => new RawConnection(port));
    for (const each of idle) each.send(predictHead('content-length: 90000') + ' '.repeat(80_000));
    await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        for (let time = 0; time < 6; time++) {
          const { status } = await post(`${url}/predict?proba=1`, bodies[(i + time) % bodies.length]!).catch(
            () => ({ status: 'cut' }),
          );
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }
      }),
    );
    for (const each of idle) each.socket.destroy();
    while ((await post(`${url}/predict`, [row])).status === 503);
    await usual(url);
  });
  t.diagnostic(
    `${(baseline / 1e6).toFixed(1)} MB at rest, at most ${(peak / 1e6).toFixed(1)} MB; ${JSON.stringify([...statuses])}`,
  );
  assert.ok(peak <= baseline + 10e6 + 4e6, `${peak} bytes, ${baseline} at rest`);
});

test('the help names every option that docs/serving.md does', async (t) => {
  const { stdout } = await runCli(t, ['serve', '--help']);
  const documented = readFileSync(new URL('../../docs/serving.md', import.meta.url), 'utf8');
  for (const [, option] of documented.matchAll(/`(--[a-z-]+)/g)) assert.ok(stdout.includes(option!), option);
});

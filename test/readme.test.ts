import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { runProcess } from './support/childProcess.js';
import { commandFile, runCli } from './support/cli.js';
import { root } from './support/root.js';
import { temporaryFolder } from './support/temporaryFolder.js';

/**
 * Fenced blocks of the README with their info string: `sh`, `sh data` (needs the public data sets), `sh files` (for a shell, where
 * there are files of one's own), `sh serve` (a server, and a request to it), `ts`.
 */
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/```(\w[\w ]*)\n([\s\S]*?)```/g)].map(([, kind, text]) => ({
  kind,
  text: text!,
}));
const data = process.env['MLML_DATA'];

/** What the examples call by name: tables, LIBSVM text, logs, and `npx`, which finds mlml here. */
function layFiles(folder: string): void {
  copyFileSync(join(data!, 'housing', 'housing.csv'), join(folder, 'housing.csv'));
  const lines = readFileSync(join(folder, 'housing.csv'), 'utf8').split('\n');
  writeFileSync(join(folder, 'new-houses.csv'), `${lines.slice(0, 21).join('\n')}\n`);
  for (const name of ['a9a', 'a9a.t']) copyFileSync(join(data!, 'libsvm', name), join(folder, name));
  mkdirSync(join(folder, 'logs'));
  for (const day of [1, 2]) {
    const log = Array.from({ length: 300 }, (_, i) =>
      JSON.stringify({
        kind: ['click', 'view', 'buy'][i % 3],
        seconds: (i % 3) * 2 + (i % 7),
        note: `n${i}`,
      }),
    );
    writeFileSync(join(folder, 'logs', `day${day}.jsonl.gz`), gzipSync(`${log.join('\n')}\n`));
  }
  mkdirSync(join(folder, 'bin'));
  const npx = `#!/bin/sh\nshift\nexec "${process.execPath}" "${commandFile}" "$@"\n`;
  writeFileSync(join(folder, 'bin', 'npx'), npx, { mode: 0o755 });
}

describe('the README can be copied and pasted', () => {
  test('every command, in order, in one folder', async (t) => {
    const cwd = temporaryFolder(t);
    let commands = 0;
    for (const { kind, text } of blocks) {
      if (kind !== 'sh' && !(kind === 'sh data' && data !== undefined)) continue;
      for (const line of text.trim().split('\n')) {
        assert.match(line, /^npx mlml /);
        const args = line.replace('npx mlml ', '').split(' ');
        const { status, stderr } = await runCli(t, args, { cwd, env: { MLML_DATA: data } });
        assert.equal(status, 0, `${line}\n${stderr}`);
        commands++;
      }
    }
    assert.ok(commands >= 8, `${commands} commands`);
  });

  test("every command on files of the reader's own, and the request to a server", {
    skip: data === undefined && 'set MLML_DATA to the folder of the public data sets',
  }, async (t) => {
    const cwd = temporaryFolder(t);
    layFiles(cwd);
    const env = { MLML_DATA: data, PATH: `${join(cwd, 'bin')}${delimiter}${process.env['PATH']}` };
    const scripts = blocks.filter(({ kind }) => kind === 'sh files');
    assert.ok(scripts.length >= 5, `${scripts.length} blocks`);
    for (const { text } of scripts) {
      const { status, stderr } = await runProcess('sh', ['-ec', text], { cwd, env });
      assert.equal(status, 0, `${text}\n${stderr}`);
    }
    assert.match(readFileSync(join(cwd, 'prices.csv'), 'utf8'), /^row,value\n0,\d+\.\d+\n(\d+,.*\n){19}$/);

    const [served, ...more] = blocks.filter(({ kind }) => kind === 'sh serve');
    assert.ok(served !== undefined && more.length === 0);
    const [serve, curl] = served.text.trim().split('\n');
    const [, path, type, body] = /^curl localhost:8080(\/\w+) -H 'content-type: (\S+)' -d '(.*)'$/.exec(
      curl!,
    )!;
    const args = serve!.replace('npx mlml ', '').replace('--port=8080', '--port=0').split(' ');
    const ended = new AbortController();
    let answer: Promise<unknown> | undefined;
    await runCli(t, args, {
      cwd,
      signal: ended.signal,
      onOutput: (output) => {
        const url = /http:\S+/.exec(output)?.[0];
        if (url === undefined || answer !== undefined) return;
        answer = fetch(`${url}${path}`, { method: 'POST', headers: { 'content-type': type! }, body: body! })
          .then((response) => response.json())
          .finally(() => ended.abort());
      },
    }).catch(() => undefined);
    const { prediction } = (await answer) as { prediction: { value: number } };
    assert.ok(prediction.value > 1e5 && prediction.value < 1e6, `${prediction.value}`);
  });

  test('the TypeScript examples', async (t) => {
    const examples = blocks.filter(({ kind }) => kind === 'ts');
    assert.equal(examples.length, 2);
    // Below dist, so that the package finds itself by its name. The example uses no type annotation.
    const folder = join(root, 'dist', `readme-${process.pid}`);
    mkdirSync(folder, { recursive: true });
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const wanted = [/^accuracy 0\.[89]/m, /^learnt 5000 rows Float64Array\(1\) \[ 1 \]/m];
    for (const [i, { text }] of examples.entries()) {
      const path = join(folder, `example${i}.mjs`);
      writeFileSync(path, text);
      const { status, stdout, stderr } = await runProcess(process.execPath, [path], { cwd: folder });
      assert.equal(status, 0, stderr);
      assert.match(stdout, wanted[i]!);
    }
  });
});
